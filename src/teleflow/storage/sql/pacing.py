"""Waits that outlive the process, and whom a session has talked to."""

from __future__ import annotations

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from teleflow.kit.clock import milliseconds
from teleflow.model.pacing import Hold
from teleflow.storage.sql import own
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, columns, has_session, one, page
from teleflow.storage.sql.statement import Row, Statement, Tx, given

_h = t.holds.c
_a = t.acquaintances.c
_put = insert(t.holds)
_PUT_HOLD = Statement(
    _put.on_conflict_do_update(
        index_elements=[_h.session_id, _h.method, _h.scope],
        set_={name: _put.excluded[name] for name in ("until", "kind", "code", "message")},
    )
)
_KEY = (_h.session_id, _h.method, _h.scope)
_HOLDS = Statement(
    select(t.holds)
    .where(
        _h.until > given("now"),
        tuple_(*_KEY) > tuple_(given("after_session"), given("after_method"), given("after_scope")),
    )
    .order_by(*_KEY)
    .limit(given("most"))
)
_MET = Statement(select(_a.peer_id).where(_a.session_id == given("of_session"), _a.peer_id == given("this")))
_MEET = Statement(insert(t.acquaintances).on_conflict_do_nothing())
_SPENT = Statement(
    select(func.count(), func.min(_a.met_at)).where(
        _a.session_id == given("of_session"), _a.met_at > given("since"), _a.stranger == 1
    )
)


class PacingRows(Part):
    async def put_hold(self, hold: Hold) -> None:
        await self._db.write(_put_hold, hold, milliseconds(self._clock.time()))

    async def holds(self, *, now: int, limit: int, after: Hold | None = None) -> list[Hold]:
        last = (after.session_id, after.method, after.scope) if after else ("", "", "")
        return [Hold(*row) for row in await self._db.read_heavy(_holds, now, last, page(limit))]

    async def is_acquainted(self, session_id: str, peer_id: int) -> bool:
        return await self._db.read(_is_acquainted, session_id, peer_id)

    async def note_acquaintance(self, session_id: str, peer_id: int, *, now: int) -> None:
        await self._db.write(_meet, session_id, peer_id, now, 0)

    async def spend_first_contact(
        self, session_id: str, peer_id: int, *, now: int, since: int, most: int
    ) -> int | None:
        return await self._db.write(_spend, session_id, peer_id, now, since, most)

    async def count_first_contacts(self, session_id: str, *, since: int) -> int:
        row = await self._db.read(one, _SPENT, of_session=session_id, since=since)
        return 0 if row is None else int(row[0])


async def _put_hold(tx: Tx, hold: Hold, now: int) -> None:
    if not await has_session(tx, hold.session_id):
        return
    await tx.run(_PUT_HOLD, **columns(hold))
    user_id = await own.owner(tx, hold.session_id)
    if user_id is not None and hold.until > now:
        await own.tell(tx, user_id, [own.flood_wait(hold, now)], now)


async def _holds(tx: Tx, now: int, last: tuple[str, str, str], limit: int) -> list[Row]:
    session_id, method, scope = last
    return await tx.all(_HOLDS, now=now, after_session=session_id, after_method=method, after_scope=scope, most=limit)


async def _is_acquainted(tx: Tx, session_id: str, peer_id: int) -> bool:
    return await tx.one(_MET, of_session=session_id, this=peer_id) is not None


async def _meet(tx: Tx, session_id: str, peer_id: int, now: int, stranger: int) -> None:
    if await has_session(tx, session_id):
        await tx.run(_MEET, session_id=session_id, peer_id=peer_id, met_at=now, stranger=stranger)


async def _spend(tx: Tx, session_id: str, peer_id: int, now: int, since: int, most: int) -> int | None:
    if await _is_acquainted(tx, session_id, peer_id):
        return None
    row = await tx.one(_SPENT, of_session=session_id, since=since)
    count, oldest = row or (0, None)
    if count >= most:
        return oldest if oldest is not None else now
    await _meet(tx, session_id, peer_id, now, 1)
    return None
