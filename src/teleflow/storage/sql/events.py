"""The event log. `append_events` is the hot path: a batch of updates is one unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.chats import ChatType
from teleflow.model.events import ON_REQUEST, EventFilter, LoggedEvent, NewEvent
from teleflow.model.updates import BoxPosition, Face
from teleflow.storage.base.events import LogEnds
from teleflow.storage.sql import deliveries
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, one, page
from teleflow.storage.sql.statement import YES, NewRows, Row, Statement, Tx, given, larger
from teleflow.storage.told import row_of

_e = t.events.c
_l = t.event_logs.c
_p = t.update_positions.c
_f = t.chat_faces.c

_OWNER = Statement(select(t.users.c.id).where(t.users.c.id == given("of_user")))
_OWNED = Statement(
    select(t.sessions.c.id).where(t.sessions.c.id == given("of_session"), t.sessions.c.user_id == given("of_user"))
)
_OPEN_LOG = Statement(
    insert(t.event_logs).values(user_id=given("of_user"), newest=0, oldest=1, endpoints=0).on_conflict_do_nothing()
)
_TAKE = Statement(
    update(t.event_logs)
    .values(newest=_l.newest + given("count"))
    .where(_l.user_id == given("of_user"))
    .returning(_l.newest, _l.endpoints)
)
_COUNT_ENDPOINTS = Statement(
    update(t.event_logs)
    .values(
        endpoints=select(func.count())
        .select_from(t.webhooks)
        .where(t.webhooks.c.user_id == given("of_user"), t.webhooks.c.active == YES)
        .scalar_subquery()
    )
    .where(_l.user_id == given("of_user"))
)
_ADVANCE = Statement(update(t.event_logs).values(newest=given("new_newest")).where(_l.user_id == given("of_user")))
_ADD = NewRows(t.events)
_RENUMBER = Statement(
    update(t.events)
    .values(number=given("new_number"))
    .where(_e.user_id == given("of_user"), _e.number == given("number"))
)
_EVENT_COLUMNS = [_e.number, _e.id, _e.type, _e.session_id, _e.chat_id, _e.at, _e.body]
_AFTER = Statement(
    select(*_EVENT_COLUMNS)
    .where(_e.user_id == given("of_user"), _e.number > given("after"))
    .order_by(_e.number)
    .limit(given("most"))
)
_SCANNED = 20_000  # events that one call looks at for a filter
_READ_HERE = 100  # rows; more are read beside the event loop
_NUMBER = Statement(select(_e.number).where(_e.user_id == given("of_user"), _e.id == given("this")))
_ENDS = Statement(select(_l.oldest, _l.newest).where(_l.user_id == given("of_user")))
_COUNT = Statement(select(func.coalesce(func.sum(_l.newest), 0)))
_LOGS = Statement(
    select(_l.user_id, _l.newest).where(_l.user_id > given("after")).order_by(_l.user_id).limit(given("most"))
)
_NEWEST = Statement(select(_l.newest).where(_l.user_id == given("of_user")).with_for_update())
_OLDEST = Statement(
    select(_e.number, _e.logged_at).where(_e.user_id == given("of_user")).order_by(_e.number).limit(given("most"))
)
_CUT = Statement(delete(t.events).where(_e.user_id == given("of_user"), _e.number < given("below")))
_MOVE_OLDEST = Statement(update(t.event_logs).values(oldest=given("new_oldest")).where(_l.user_id == given("of_user")))
_place = insert(t.update_positions)
_PLACE = Statement(
    _place.values({c.name: given(c.name) for c in _p}).on_conflict_do_update(
        index_elements=[_p.session_id, _p.box],
        set_={
            # A box never goes back, and a stale writer changes nothing; date and seq are of the newest state.
            "pts": _place.excluded.pts,
            "qts": _place.excluded.qts,
            "date": _place.excluded.date,
            "seq": _place.excluded.seq,
            "top_message": larger(_p.top_message, _place.excluded.top_message),
            "read_max": larger(_p.read_max, _place.excluded.read_max),
        },
        where=_place.excluded.pts >= _p.pts,
    )
)
_MOVE = Statement(
    update(t.update_positions)
    .values(
        pts=given("pts"),
        qts=given("qts"),
        date=given("date"),
        seq=given("seq"),
        top_message=larger(_p.top_message, given("top_message")),
        read_max=larger(_p.read_max, given("read_max")),
    )
    .where(_p.session_id == given("of_session"), _p.box == given("of_box"), _p.pts <= given("pts"))
)
_POSITIONS = Statement(
    select(_p.box, _p.pts, _p.qts, _p.date, _p.seq, _p.top_message, _p.read_max).where(
        _p.session_id == given("of_session")
    )
)
_FORGET = Statement(delete(t.update_positions).where(_p.session_id == given("of_session")))
_face = insert(t.chat_faces)
_FACE = Statement(
    _face.values({c.name: given(c.name) for c in _f}).on_conflict_do_update(
        index_elements=[_f.session_id, _f.chat_id],
        set_={c.name: _face.excluded[c.name] for c in _f if c.name not in {"session_id", "chat_id"}},
    )
)
_FACES = Statement(
    select(_f.chat_id, _f.type, _f.title, _f.username, _f.photo_id, _f.has_left, _f.admin, _f.forbidden).where(
        _f.session_id == given("of_session")
    )
)
_CUT_AT_ONCE = 500
_LOGS_AT_ONCE = 500


class Events(Part):
    async def append_events(
        self,
        user_id: str,
        events: Sequence[NewEvent],
        *,
        now: int,
        session_id: str | None = None,
        positions: Sequence[BoxPosition] = (),
        faces: Sequence[Face] = (),
    ) -> int | None:
        rows = [row_of(event) for event in events]
        keys = [user_id] if session_id is None else [user_id, session_id]
        return await self._db.write_beside("append", keys, _append, user_id, session_id, rows, positions, faces, now)

    async def events_after(
        self, user_id: str, *, after: int, limit: int, wanted: EventFilter | None = None
    ) -> tuple[list[LoggedEvent], int]:
        most = page(limit)
        if wanted is not None:
            return await self._db.read_heavy(_wanted_after, user_id, after, most, wanted)
        read = self._db.read if most <= _READ_HERE else self._db.read_heavy
        rows = await read(every, _AFTER, of_user=user_id, after=after, most=most)
        return [_event_of(row) for row in rows], rows[-1][0] if rows else after

    async def event_number(self, user_id: str, event_id: str) -> int | None:
        row = await self._db.read(one, _NUMBER, of_user=user_id, this=event_id)
        return None if row is None else int(row[0])

    async def count_events(self) -> int:
        row = await self._db.read_heavy(one, _COUNT)
        return 0 if row is None else int(row[0])

    async def log_ends(self, user_id: str) -> LogEnds:
        row = await self._db.read(one, _ENDS, of_user=user_id)
        return LogEnds(0, 0) if row is None or not row[1] else LogEnds(*row)

    async def purge_events(self, *, before: int, most: int) -> int:
        """The writer is asked only for what there is, a user at a time."""
        gone, after = 0, ""
        while logs := await self._db.read(every, _LOGS, after=after, most=page(_LOGS_AT_ONCE)):
            for user_id, newest in logs:
                first = await self._db.read(one, _OLDEST, of_user=user_id, most=1)
                if first is not None and not _stays(first, newest, before, most):
                    gone += await self._db.write_heavy(_purge, user_id, before, most)
                if gone >= _CUT_AT_ONCE:
                    return gone
            after = logs[-1][0]
        return gone

    async def positions(self, session_id: str) -> list[BoxPosition]:
        return [BoxPosition(*row) for row in await self._db.read(every, _POSITIONS, of_session=session_id)]

    async def faces(self, session_id: str) -> list[Face]:
        return [_face_of(row) for row in await self._db.read_heavy(every, _FACES, of_session=session_id)]

    async def forget_positions(self, session_id: str) -> None:
        await self._db.write(forget_positions, session_id)

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._db.on_append(ring)


@lru_cache(maxsize=64)
def _selecting(types: int, sessions: int) -> Statement:
    """Of some numbers, what is of so many types and sessions; -1 is all of them."""
    chosen = select(*_EVENT_COLUMNS).where(
        _e.user_id == given("of_user"), _e.number > given("after"), _e.number <= given("up_to")
    )
    if types < 0:
        chosen = chosen.where(*(_e.type != one for one in sorted(ON_REQUEST)))
    else:
        chosen = chosen.where(_e.type.in_([given(f"type_{n}") for n in range(types)]))
    if sessions >= 0:
        chosen = chosen.where(_e.session_id.in_([given(f"session_{n}") for n in range(sessions)]))
    return Statement(chosen.order_by(_e.number).limit(given("most")))


def _filled_up(name: str, values: Collection[str] | None) -> tuple[int, dict[str, str]]:
    """Values for a list of a length that is a power of two, so that there are few statements; -1 for None."""
    if values is None:
        return -1, {}
    listed = sorted(values)
    length = 1 << max(0, len(listed) - 1).bit_length()
    listed += [listed[-1] if listed else ""] * (length - len(listed))
    return length, {f"{name}_{n}": value for n, value in enumerate(listed)}


async def _wanted_after(
    tx: Tx, user_id: str, after: int, most: int, wanted: EventFilter
) -> tuple[list[LoggedEvent], int]:
    ends = await tx.one(_ENDS, of_user=user_id)
    oldest, newest = ends or (0, 0)
    after = max(after, oldest - 1)
    up_to = min(after + _SCANNED, newest)
    types, type_values = _filled_up("type", wanted.exact_types)
    sessions, session_values = _filled_up("session", wanted.session_ids)
    statement = _selecting(types, sessions)
    rows = await tx.all(
        statement, of_user=user_id, after=after, up_to=up_to, most=most, **type_values, **session_values
    )
    looked = rows[-1][0] if len(rows) == most else max(after, up_to)
    return [_event_of(row) for row in rows], looked


async def append(tx: Tx, user_id: str, rows: Sequence[Mapping[str, Any]], now: int) -> int:
    """Put events into a user's log, with the deliveries that they are due. For every unit that tells of what it did."""
    if not rows:
        return 0
    row = await tx.one(_TAKE, of_user=user_id, count=len(rows))
    if row is None:
        await tx.run(_OPEN_LOG, of_user=user_id)
        row = await tx.one(_TAKE, of_user=user_id, count=len(rows))
    taken, endpoints = (int(row[0]), bool(row[1])) if row else (len(rows), False)
    before = taken - len(rows)
    if endpoints:
        await tx.claim(user_id)  # deliveries wait behind those of the events before them
    added = await _add(tx, user_id, before, rows, now)
    newest = before + len(added)
    if newest < taken:  # some were there already
        tx.alone(user_id)
        await tx.run(_ADVANCE, of_user=user_id, new_newest=newest)
    if newest == before:
        return 0
    if endpoints:
        await deliveries.plan(tx, user_id, added, now)
    tx.ring(user_id)
    return newest - before


async def _add(
    tx: Tx, user_id: str, before: int, rows: Sequence[Mapping[str, Any]], now: int
) -> list[tuple[int, Mapping[str, Any]]]:
    """Those that were not there, with their numbers, which have no gap."""
    whose = {"user_id": user_id, "logged_at": now}
    counts = await tx.each(_ADD, [{**whose, **event, "number": before + n} for n, event in enumerate(rows, 1)])
    if all(counts):
        return list(enumerate(rows, before + 1))
    added: list[tuple[int, Mapping[str, Any]]] = []
    for n, (event, count) in enumerate(zip(rows, counts, strict=True), 1):
        if count:
            number = before + len(added) + 1
            if number < before + n:
                await tx.run(_RENUMBER, of_user=user_id, number=before + n, new_number=number)
            added.append((number, event))
    return added


async def forget_positions(tx: Tx, session_id: str) -> None:
    await tx.run(_FORGET, of_session=session_id)


async def begin_at(tx: Tx, session_id: str, start: BoxPosition | None) -> None:
    """Where a new login stands; one that stands somewhere already goes on from there."""
    if start is not None and not await tx.all(_POSITIONS, of_session=session_id):
        await _place_at(tx, session_id, start)


async def count_endpoints(tx: Tx, user_id: str) -> None:
    """To be called where a webhook comes, goes, or is switched on or off: logs of users without any are quick."""
    await tx.run(_OPEN_LOG, of_user=user_id)
    await tx.run(_COUNT_ENDPOINTS, of_user=user_id)


async def _move(tx: Tx, session_id: str | None, positions: Sequence[BoxPosition]) -> bool:
    """The one position that a batch mostly moves. That it stands there proves that its session does."""
    if session_id is None or len(positions) != 1:
        return False
    return bool(await tx.run(_MOVE, **_placed(session_id, positions[0])))


async def _place_at(tx: Tx, session_id: str, place: BoxPosition) -> None:
    placed = _placed(session_id, place)
    await tx.run(_PLACE, **placed, session_id=session_id, box=place.box)


def _placed(session_id: str, place: BoxPosition) -> dict[str, Any]:
    return {
        "of_session": session_id,
        "of_box": place.box,
        "pts": place.pts,
        "qts": place.qts,
        "date": place.date,
        "seq": place.seq,
        "top_message": place.top_message,
        "read_max": place.read_max,
    }


async def _append(
    tx: Tx,
    user_id: str,
    session_id: str | None,
    rows: Sequence[Mapping[str, Any]],
    positions: Sequence[BoxPosition],
    faces: Sequence[Face],
    now: int,
) -> int | None:
    if await _move(tx, session_id, positions):
        positions = ()
    else:
        there = (
            await tx.one(_OWNER, of_user=user_id)
            if session_id is None
            else await tx.one(_OWNED, of_user=user_id, of_session=session_id)
        )
        if there is None:
            return None
    added = await append(tx, user_id, rows, now)
    if session_id is not None:
        for place in positions:
            await _place_at(tx, session_id, place)
    for face in faces:
        await tx.run(
            _FACE,
            session_id=session_id,
            chat_id=face.chat_id,
            type=face.type.value,
            title=face.title,
            username=face.username,
            photo_id=face.photo_id,
            has_left=int(face.left),
            admin=int(face.admin),
            forbidden=int(face.forbidden),
        )
    return added


def _stays(row: Row, newest: int, before: int, most: int) -> bool:
    """What is told late, after an absence, is as old as its telling: how long it is kept counts from there."""
    number, logged_at = row
    return bool(logged_at >= before and number > newest - most)


async def _purge(tx: Tx, user_id: str, before: int, most: int) -> int:
    """The oldest of a log: what is too old, or too much; what is still to be delivered stays, and all after it."""
    log = await tx.one(_NEWEST, of_user=user_id)
    rows = await tx.all(_OLDEST, of_user=user_id, most=_CUT_AT_ONCE)
    if log is None or not rows:
        return 0
    below = next((row[0] for row in rows if _stays(row, log[0], before, most)), rows[-1][0] + 1)
    below = min(below, await deliveries.first_carried(tx, user_id) or below)
    cut = await tx.run(_CUT, of_user=user_id, below=below)
    if cut:
        await tx.run(_MOVE_OLDEST, of_user=user_id, new_oldest=below)
    return cut


def _event_of(row: Row) -> LoggedEvent:
    return LoggedEvent(*row)


def _face_of(row: Row) -> Face:
    chat_id, type_, title, username, photo_id, left, admin, forbidden = row
    return Face(chat_id, ChatType(type_), title, username, photo_id, bool(left), bool(admin), bool(forbidden))
