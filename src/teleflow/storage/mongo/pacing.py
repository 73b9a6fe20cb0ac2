"""Waits that outlive the process, and whom a session has talked to."""

from __future__ import annotations

from typing import Any

from teleflow.kit.clock import milliseconds
from teleflow.model.pacing import Hold
from teleflow.storage.mongo import own
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, document, every, get, has_session, key, page
from teleflow.storage.mongo.tx import Reads, Tx

_KEY = ("session_id", "method", "scope")


class PacingRows(Part):
    async def put_hold(self, hold: Hold) -> None:
        await self._db.write(_put_hold, hold, milliseconds(self._clock.time()))

    async def holds(self, *, now: int, limit: int, after: Hold | None = None) -> list[Hold]:
        where: dict[str, Any] = {"until": {"$gt": now}}
        if after is not None:
            last = [(name, getattr(after, name)) for name in _KEY]
            where["$or"] = [
                {**dict(last[:place]), last[place][0]: {"$gt": last[place][1]}} for place in range(len(last))
            ]
        docs = await self._db.read_heavy(every, "holds", where, [(name, 1) for name in _KEY], page(limit))
        return [_hold(doc) for doc in docs]

    async def is_acquainted(self, session_id: str, peer_id: int) -> bool:
        return await self._db.read(get, "acquaintances", key(session_id, peer_id)) is not None

    async def note_acquaintance(self, session_id: str, peer_id: int, *, now: int) -> None:
        near = [("sessions", session_id), ("acquaintances", key(session_id, peer_id))]
        await self._db.write_near(near, _meet, session_id, peer_id, now, 0)

    async def spend_first_contact(
        self, session_id: str, peer_id: int, *, now: int, since: int, most: int
    ) -> int | None:
        return await self._db.write(_spend, session_id, peer_id, now, since, most)

    async def count_first_contacts(self, session_id: str, *, since: int) -> int:
        return await self._db.read(_count, session_id, since)


async def _put_hold(tx: Tx, hold: Hold, now: int) -> None:
    user_id = await own.owner(tx, hold.session_id)
    if user_id is None:
        return
    id_ = key(hold.session_id, hold.method, hold.scope)
    tx.put("holds", document(id_, columns(hold), expires_at=hold.until))
    if hold.until > now:
        await own.tell(tx, user_id, [own.flood_wait(hold, now)], now)


async def _meet(tx: Tx, session_id: str, peer_id: int, now: int, stranger: int) -> None:
    id_ = key(session_id, peer_id)
    if await has_session(tx, session_id) and await tx.get("acquaintances", id_) is None:
        fields = {"session_id": session_id, "peer_id": peer_id, "met_at": now, "stranger": stranger}
        tx.put("acquaintances", {"_id": id_, **fields})


async def _count(reads: Reads, session_id: str, since: int) -> int:
    return await reads.count("acquaintances", _strangers(session_id, since))


def _strangers(session_id: str, since: int) -> dict[str, Any]:
    return {"session_id": session_id, "met_at": {"$gt": since}, "stranger": 1}


async def _spend(tx: Tx, session_id: str, peer_id: int, now: int, since: int, most: int) -> int | None:
    """None when the contact is counted, or was one before; else the instant of the oldest one counted."""
    if await tx.get("acquaintances", key(session_id, peer_id)) is not None:
        return None
    where = _strangers(session_id, since)
    if await tx.count("acquaintances", where, limit=max(1, most)) >= most:
        oldest = await tx.one("acquaintances", where, sort=[("met_at", 1)])
        return int(oldest["met_at"]) if oldest is not None else now
    await _meet(tx, session_id, peer_id, now, 1)
    return None


def _hold(doc: Doc) -> Hold:
    return Hold(**{name: value for name, value in doc.items() if name in Hold.__dataclass_fields__})
