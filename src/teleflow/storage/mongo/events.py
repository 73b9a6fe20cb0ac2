"""The event log. `append_events` is the hot path: a batch of updates is one unit of work.

Its events are written before the log's end moves, and nobody reads past that end: on a server without transactions too
a reader who was told a number has seen all before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from teleflow.model.chats import ChatType
from teleflow.model.events import ON_REQUEST, EventFilter, LoggedEvent, NewEvent
from teleflow.model.updates import BoxPosition, Face
from teleflow.storage.base.events import LogEnds
from teleflow.storage.mongo import deliveries
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, get, key, page
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.told import row_of

_EVENTS = "events"
_LOGS = "event_logs"
_PLACES = "update_positions"
_FACES = "chat_faces"
_SCANNED = 20_000  # events that one call looks at for a filter
_PIECE = 64  # of them first
_BY_NUMBER = (("number", 1),)
_CUT_AT_ONCE = 500
_LOGS_AT_ONCE = 500
_AGE = frozenset({"number", "logged_at"})


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
        near: list[tuple[str, Any]] = [(_LOGS, user_id), *((_EVENTS, key(user_id, row["id"])) for row in rows)]
        if session_id is None:
            near.append(("users", user_id))
        else:
            near.append(("sessions", session_id))
            near += [(_PLACES, key(session_id, place.box)) for place in positions]
        return await self._db.write_near(near, _append, user_id, session_id, rows, positions, faces, now)

    async def events_after(
        self, user_id: str, *, after: int, limit: int, wanted: EventFilter | None = None
    ) -> tuple[list[LoggedEvent], int]:
        return await self._db.read_heavy(_after, user_id, after, page(limit), wanted)

    async def event_number(self, user_id: str, event_id: str) -> int | None:
        doc = await self._db.read(get, _EVENTS, key(user_id, event_id))
        return None if doc is None else int(doc["number"])

    async def count_events(self) -> int:
        return await self._db.read(_count)

    async def log_ends(self, user_id: str) -> LogEnds:
        log = await self._db.read(get, _LOGS, user_id)
        return LogEnds(0, 0) if log is None or not log["newest"] else LogEnds(log["oldest"], log["newest"])

    async def purge_events(self, *, before: int, most: int) -> int:
        """The writer is asked only for what there is, a user at a time."""
        gone, after = 0, ""
        while logs := await self._db.read(every, _LOGS, {"_id": {"$gt": after}}, [("_id", 1)], _LOGS_AT_ONCE):
            for log in logs:
                first = await self._db.read(_oldest, log, 1)
                if first and (first[0]["number"] < log["oldest"] or not _stays(first[0], log["newest"], before, most)):
                    below = await self._db.write_heavy(_move_oldest, log["_id"], before, most)
                    gone += await self._db.write_heavy(_cut, log["_id"], below)
                if gone >= _CUT_AT_ONCE:
                    return gone
            after = logs[-1]["_id"]
        return gone

    async def positions(self, session_id: str) -> list[BoxPosition]:
        docs = await self._db.read(every, _PLACES, {"session_id": session_id}, [], 0)
        return [_place_of(doc) for doc in docs]

    async def faces(self, session_id: str) -> list[Face]:
        docs = await self._db.read_heavy(every, _FACES, {"session_id": session_id}, [], 0)
        return [_face_of(doc) for doc in docs]

    async def forget_positions(self, session_id: str) -> None:
        await self._db.write(forget_positions, session_id)

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._db.on_append(ring)


async def _count(reads: Reads) -> int:
    found = await reads.aggregate(_LOGS, [{"$group": {"_id": None, "all": {"$sum": "$newest"}}}])
    return int(found[0]["all"]) if found else 0


async def append(tx: Tx, user_id: str, rows: Sequence[Mapping[str, Any]], now: int, *, fresh: bool = False) -> int:
    """Put events into a user's log, with the deliveries that they are due. For every unit that tells of what it did.

    `fresh`: they can't be there, since this batch makes what they tell of, once.
    """
    if not rows:
        return 0
    log = await _log_of(tx, user_id)
    before = newest = int(log["newest"])
    added: list[tuple[int, Mapping[str, Any]]] = []
    for event in rows:
        id_ = key(user_id, event["id"])
        if not fresh and not await tx.lacks(_EVENTS, id_):
            continue
        newest += 1
        (tx.add if fresh else tx.put)(
            _EVENTS, {"_id": id_, "user_id": user_id, "number": newest, "logged_at": now, **event}
        )
        added.append((newest, event))
    if newest == before:
        return 0
    await _write_log(tx, log, {"newest": newest})
    if log["endpoints"]:
        await deliveries.plan(tx, user_id, added, now)
    tx.ring([user_id])
    return newest - before


async def forget_positions(tx: Tx, session_id: str) -> None:
    tx.clear(_PLACES, {"session_id": session_id})


async def begin_at(tx: Tx, session_id: str, start: BoxPosition | None) -> None:
    """Where a new login stands; one that stands somewhere already goes on from there."""
    if start is not None and await tx.one(_PLACES, {"session_id": session_id}) is None:
        await _place(tx, session_id, start)


async def count_endpoints(tx: Tx, user_id: str) -> None:
    """To be called where a webhook comes, goes, or is switched on or off: logs of users without any are quick."""
    active = await tx.count("webhooks", {"user_id": user_id, "active": 1})
    await _write_log(tx, await _log_of(tx, user_id), {"endpoints": active})


async def _log_of(tx: Tx, user_id: str) -> Doc:
    """The two ends of a user's log. `newest` is the counter that numbers come from; it never goes back."""
    log = await tx.get(_LOGS, user_id)
    return log or {"_id": user_id, "user_id": user_id, "newest": 0, "oldest": 1, "endpoints": 0}


async def _write_log(tx: Tx, log: Doc, fields: Doc) -> None:
    if await tx.change(_LOGS, log["_id"], fields) is None:
        tx.put(_LOGS, log | fields)


async def _append(
    tx: Tx,
    user_id: str,
    session_id: str | None,
    rows: Sequence[Mapping[str, Any]],
    positions: Sequence[BoxPosition],
    faces: Sequence[Face],
    now: int,
) -> int | None:
    if session_id is None:
        if await tx.get("users", user_id) is None:
            return None
    else:
        session = await tx.get("sessions", session_id)
        if session is None or session["user_id"] != user_id:
            return None
    added = await append(tx, user_id, rows, now)
    if session_id is not None:
        for place in positions:
            await _place(tx, session_id, place)
        for face in faces:
            tx.put(_FACES, _face_document(session_id, face))
    return added


async def _place(tx: Tx, session_id: str, place: BoxPosition) -> None:
    """A box never goes back, and a stale writer changes nothing; date and seq are of the newest state."""
    id_ = key(session_id, place.box)
    stands = await tx.get(_PLACES, id_)
    known = stands or {"pts": -1, "top_message": 0, "read_max": 0}
    if stands is not None and place.pts < known["pts"]:
        return
    fields = {
        "pts": max(known["pts"], place.pts),
        "qts": place.qts,
        "date": place.date,
        "seq": place.seq,
        "top_message": max(known["top_message"], place.top_message),
        "read_max": max(known["read_max"], place.read_max),
    }
    if stands is None:
        tx.put(_PLACES, {"_id": id_, "session_id": session_id, "box": place.box, **fields})
    else:
        await tx.change(_PLACES, id_, fields)


async def _after(
    reads: Reads, user_id: str, after: int, most: int, wanted: EventFilter | None
) -> tuple[list[LoggedEvent], int]:
    """What is behind the end of the log may be half of a batch that is being written."""
    log = await reads.get(_LOGS, user_id)
    oldest, newest = (log["oldest"], log["newest"]) if log is not None else (0, 0)
    begin = max(after, oldest - 1)
    if wanted is None:
        docs = await _between(reads, user_id, begin, min(begin + most, newest))
        return [_event_of(doc) for doc in docs], docs[-1]["number"] if docs else after
    up_to = min(begin + _SCANNED, newest)
    docs = await _wanted_between(reads, user_id, begin, up_to, most, wanted)
    looked = docs[-1]["number"] if len(docs) == most else max(after, up_to)
    return [_event_of(doc) for doc in docs], looked


async def _between(
    reads: Reads, user_id: str, after: int, up_to: int, fields: Collection[str] | None = None
) -> list[Doc]:
    """By their numbers, which have no gap, and by nothing else: not every server reads a sorted index lazily."""
    if up_to <= after:
        return []
    where = {"user_id": user_id, "number": {"$gt": after, "$lte": up_to}}
    return await reads.find(_EVENTS, where, sort=_BY_NUMBER, fields=fields)


async def _wanted_between(
    reads: Reads, user_id: str, after: int, up_to: int, most: int, wanted: EventFilter
) -> list[Doc]:
    """Piece by piece, each longer than the one before. Numbers first: not every server takes an index that covers a
    part of the filter, where it is written as one.
    """
    types = wanted.exact_types
    rest: dict[str, Any] = {"type": {"$nin": sorted(ON_REQUEST)} if types is None else {"$in": sorted(types)}}
    if wanted.session_ids is not None:
        rest["session_id"] = {"$in": sorted(wanted.session_ids)}
    found: list[Doc] = []
    piece = max(_PIECE, 2 * most)
    while after < up_to and len(found) < most:
        end = min(after + piece, up_to)
        numbers = {"user_id": user_id, "number": {"$gt": after, "$lte": end}}
        stages: list[Doc] = [{"$match": numbers}, {"$match": rest}, {"$sort": dict(_BY_NUMBER)}]
        found += await reads.aggregate(_EVENTS, [*stages, {"$limit": most - len(found)}])
        after, piece = end, piece * 4
    return found


async def _oldest(reads: Reads, log: Doc, most: int) -> list[Doc]:
    """Ages and numbers. Where a cut was not finished, the log begins later than what is left of it."""
    left: dict[str, Any] = {"user_id": log["user_id"], "number": {"$lt": log["oldest"]}}
    found = await reads.find(_EVENTS, left, sort=_BY_NUMBER, limit=most, fields=_AGE)
    return found or await _between(reads, log["user_id"], log["oldest"] - 1, log["oldest"] - 1 + most, fields=_AGE)


def _stays(event: Doc, newest: int, before: int, most: int) -> bool:
    """What is told late, after an absence, is as old as its telling: how long it is kept counts from there."""
    return bool(event["logged_at"] >= before and event["number"] > newest - most)


async def _move_oldest(tx: Tx, user_id: str, before: int, most: int) -> int:
    """The oldest of a log that is too old, or too much, up to what is still to be delivered; where it begins then.

    That it begins there is told before anything goes: whoever follows from further back is told of the gap.
    """
    log = await tx.get(_LOGS, user_id)
    rows = [] if log is None else await _oldest(tx, log, _CUT_AT_ONCE)
    if log is None or not rows:
        return 0
    below = next((row["number"] for row in rows if _stays(row, log["newest"], before, most)), rows[-1]["number"] + 1)
    below = max(log["oldest"], min(below, await deliveries.first_carried(tx, user_id) or below))
    if below != log["oldest"]:
        await tx.change(_LOGS, user_id, {"oldest": below})
    return int(below)


async def _cut(tx: Tx, user_id: str, below: int) -> int:
    where = {"user_id": user_id, "number": {"$lt": below}}
    cut = await tx.count(_EVENTS, where)
    if cut:
        tx.clear(_EVENTS, where)
    return cut


def _event_of(doc: Doc) -> LoggedEvent:
    return LoggedEvent(
        doc["number"], doc["id"], doc["type"], doc["session_id"], doc["chat_id"], doc["at"], bytes(doc["body"])
    )


def _place_of(doc: Doc) -> BoxPosition:
    return BoxPosition(doc["box"], doc["pts"], doc["qts"], doc["date"], doc["seq"], doc["top_message"], doc["read_max"])


def _face_document(session_id: str, face: Face) -> Doc:
    return {
        "_id": key(session_id, face.chat_id),
        "session_id": session_id,
        "chat_id": face.chat_id,
        "type": face.type.value,
        "title": face.title,
        "username": face.username,
        "photo_id": face.photo_id,
        "has_left": int(face.left),
        "admin": int(face.admin),
        "forbidden": int(face.forbidden),
    }


def _face_of(doc: Doc) -> Face:
    return Face(
        doc["chat_id"],
        ChatType(doc["type"]),
        doc["title"],
        doc["username"],
        doc["photo_id"],
        bool(doc["has_left"]),
        bool(doc["admin"]),
        bool(doc["forbidden"]),
    )
