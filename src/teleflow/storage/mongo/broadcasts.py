"""Broadcasts: the documents, their states, and those that are at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teleflow.errors import Conflict, Internal, NotFound
from teleflow.model.audit import AuditEntry
from teleflow.model.broadcasts import FROM, Broadcast, BroadcastState, Recipient, RecipientState
from teleflow.storage.common import broadcasts as common
from teleflow.storage.mongo import audit as log
from teleflow.storage.mongo import own
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, key, page, require_user
from teleflow.storage.mongo.tx import Reads, Tx

_BROADCASTS = "broadcasts"
_RECIPIENTS = "broadcast_recipients"
_LAST_ID = "~"
_RUNNING = BroadcastState.RUNNING.value
_NUMBER = frozenset({"number"})
_ENDS = frozenset({BroadcastState.CANCELLED, BroadcastState.FINISHED})


class Broadcasts(Part):
    async def add_broadcast(
        self, broadcast: Broadcast, recipients: Sequence[Recipient], *, audit: AuditEntry | None = None
    ) -> None:
        await self._db.write_heavy(_add, broadcast, recipients, audit)

    async def add_recipients(
        self, user_id: str, broadcast_id: str, recipients: Sequence[Recipient], *, most: int
    ) -> int:
        return await self._db.write_heavy(_append, user_id, broadcast_id, recipients, most)

    async def broadcast(self, user_id: str, broadcast_id: str) -> Broadcast | None:
        doc = await self._db.read(_mine, user_id, broadcast_id)
        return None if doc is None else broadcast_of(doc)

    async def broadcasts(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: BroadcastState | None = None,
        before: str | None = None,
    ) -> list[Broadcast]:
        where: dict[str, Any] = {"user_id": user_id, "_id": {"$lt": before or _LAST_ID}}
        if session_ids is not None:
            where["session_id"] = {"$in": sorted(session_ids)}
        if state is not None:
            where["state"] = state.value
        return [broadcast_of(doc) for doc in await self._db.read_heavy(_list, where, page(limit))]

    async def move_broadcast(
        self,
        user_id: str,
        broadcast_id: str,
        state: BroadcastState,
        *,
        now: int,
        cause: str | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        return await self._db.write_heavy(_move, user_id, broadcast_id, state, now, cause, audit)

    async def rest_broadcast(self, broadcast_id: str, waiting_for: str | None, until: int | None, *, now: int) -> None:
        await self._db.write(_rest, broadcast_id, waiting_for, until, now)

    async def broadcasts_at_work(self, *, limit: int, after: str | None = None) -> list[Broadcast]:
        docs = await self._db.read(_at_work, page(limit), after or "")
        return sorted((broadcast_of(doc) for doc in docs), key=lambda broadcast: broadcast.id)


def recipient_document(user_id: str, broadcast_id: str, recipient: Recipient) -> Doc:
    row = common.recipient_row(broadcast_id, recipient)
    return {"_id": recipient_id(broadcast_id, recipient.number), "user_id": user_id, **row}


def recipient_id(broadcast_id: str, number: int) -> str:
    return key(broadcast_id, number)


def broadcast_of(doc: Doc) -> Broadcast:
    row = dict(doc)
    return common.broadcast_of({"id": row.pop("_id"), **row})


async def _mine(reads: Reads, user_id: str, broadcast_id: str) -> Doc | None:
    doc = await reads.get(_BROADCASTS, broadcast_id)
    return doc if doc is not None and doc["user_id"] == user_id else None


async def _list(reads: Reads, where: Doc, limit: int) -> list[Doc]:
    return await reads.find(_BROADCASTS, where, sort=[("_id", -1)], limit=limit)


async def _at_work(reads: Reads, limit: int, after: str) -> list[Doc]:
    """Those that run, and others of which jobs are still out."""
    by_id = [("_id", 1)]
    running = await reads.find(_BROADCASTS, {"state": _RUNNING, "_id": {"$gt": after}}, sort=by_id, limit=limit)
    of_queued: list[Doc] = [{"$match": {"state": RecipientState.QUEUED.value}}, {"$group": {"_id": "$broadcast_id"}}]
    out = [group["_id"] for group in await reads.aggregate(_RECIPIENTS, of_queued)]
    if not out:
        return running
    where = {"_id": {"$in": out, "$gt": after}, "state": {"$ne": _RUNNING}}
    return running + await reads.find(_BROADCASTS, where, sort=by_id, limit=limit)


async def _add(tx: Tx, broadcast: Broadcast, recipients: Sequence[Recipient], audit: AuditEntry | None) -> None:
    await require_user(tx, broadcast.user_id)
    stands = await tx.get(_BROADCASTS, broadcast.id)
    if stands is not None:
        if stands["user_id"] != broadcast.user_id or stands["state"] != BroadcastState.DRAFT.value:
            raise Internal("The database refused what was to be stored")
        tx.clear(_RECIPIENTS, {"broadcast_id": broadcast.id})
    row = common.broadcast_row(broadcast)
    tx.put(_BROADCASTS, {"_id": row.pop("id"), **row})
    for each in recipients:
        tx.put(_RECIPIENTS, recipient_document(broadcast.user_id, broadcast.id, each))
    await log.add(tx, audit)


async def _append(tx: Tx, user_id: str, broadcast_id: str, recipients: Sequence[Recipient], most: int) -> int:
    held = await _mine(tx, user_id, broadcast_id)
    if held is None:
        raise NotFound("There is no broadcast of this id", code="BROADCAST_NOT_FOUND")
    if held["state"] != BroadcastState.DRAFT.value:
        raise Conflict("Recipients are added to a draft only", code="BROADCAST_NOT_DRAFT")
    where = {"broadcast_id": broadcast_id}
    last = await tx.find(_RECIPIENTS, where, sort=[("number", -1)], limit=1, fields=_NUMBER)
    count = last[0]["number"] if last else 0
    if count + len(recipients) > most:
        raise Conflict(f"A broadcast has at most {most} recipients", code="TOO_MANY_RECIPIENTS")
    for number, each in enumerate(recipients, count + 1):
        doc = recipient_document(user_id, broadcast_id, each)
        tx.put(_RECIPIENTS, doc | {"_id": recipient_id(broadcast_id, number), "number": number})
    return int(count) + len(recipients)


async def _move(
    tx: Tx,
    user_id: str,
    broadcast_id: str,
    state: BroadcastState,
    now: int,
    cause: str | None,
    audit: AuditEntry | None,
) -> bool:
    doc = await _mine(tx, user_id, broadcast_id)
    if doc is None or not await move(tx, broadcast_of(doc), state, now, cause):
        return False
    await log.add(tx, audit)
    return True


async def move(tx: Tx, broadcast: Broadcast, state: BroadcastState, now: int, cause: str | None) -> bool:
    """Into this state, if that may follow the one it is in."""
    if broadcast.state not in FROM[state]:
        return False
    running = state is BroadcastState.RUNNING
    fields = {
        "state": state.value,
        "cause": cause,
        "updated_at": now,
        "started_at": now if running and broadcast.started_at is None else broadcast.started_at,
        "ended_at": now if state in _ENDS else None,
        "waiting_for": None,
        "waiting_until": None,
        "failed_in_a_row": 0 if running else broadcast.failed_in_a_row,
    }
    await tx.change(_BROADCASTS, broadcast.id, fields)
    if state is BroadcastState.CANCELLED:
        await _end_waiting(tx, broadcast.id, now)
    await own.tell(tx, broadcast.user_id, [own.broadcast_changed(broadcast, state, cause, now)], now)
    return True


async def _end_waiting(tx: Tx, broadcast_id: str, now: int) -> None:
    fields = {"state": RecipientState.CANCELLED.value, "ended_at": now}
    where = {"broadcast_id": broadcast_id, "state": RecipientState.PENDING.value}
    for doc in await tx.find(_RECIPIENTS, where):
        await tx.change(_RECIPIENTS, doc["_id"], fields)


async def _rest(tx: Tx, broadcast_id: str, why: str | None, until: int | None, now: int) -> None:
    doc = await tx.get(_BROADCASTS, broadcast_id)
    if doc is not None and doc["state"] == _RUNNING:
        await tx.change(_BROADCASTS, broadcast_id, {"waiting_for": why, "waiting_until": until, "updated_at": now})
