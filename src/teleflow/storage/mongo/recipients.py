"""Recipients of broadcasts: whose turn it is, what became of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from teleflow.model.broadcasts import Broadcast, BroadcastState, Outcome, Recipient, RecipientState
from teleflow.model.jobs import SendJob
from teleflow.storage.base import Placed
from teleflow.storage.common.broadcasts import TOO_MANY_FAILURES, WHY_SKIPPED, names_of, recipient_of
from teleflow.storage.mongo import broadcasts as rows
from teleflow.storage.mongo import opt_outs, sends
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, every, page
from teleflow.storage.mongo.tx import Reads, Tx

_S = RecipientState
_BROADCASTS = "broadcasts"
_RECIPIENTS = "broadcast_recipients"
_BY_NUMBER = [("number", 1)]


class Recipients(Part):
    async def recipient_counts(self, broadcast_id: str) -> Mapping[RecipientState, int]:
        return await self._db.read_heavy(_counts, broadcast_id)

    async def broadcast_recipients(
        self, broadcast_id: str, *, limit: int, state: RecipientState | None = None, after: int = 0
    ) -> list[Recipient]:
        where: dict[str, Any] = {"broadcast_id": broadcast_id, "number": {"$gt": after}}
        if state is not None:
            where["state"] = state.value
        return [recipient_of(doc) for doc in await self._db.read(every, _RECIPIENTS, where, _BY_NUMBER, page(limit))]

    async def place_recipient(
        self,
        broadcast: Broadcast,
        number: int,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        stranger: bool,
        next_at: int,
        node: str,
        lease_until: int,
    ) -> Placed:
        doc = sends.job_document(job, username=username, from_phone=from_phone, node=node, lease_until=lease_until)
        near = [*_near(broadcast.id, number), ("users", job.user_id)]
        return await self._db.write_near(near, _place, broadcast.id, number, job, doc, stranger, next_at)

    async def end_recipient(
        self, broadcast_id: str, number: int, state: RecipientState, *, code: str, reason: str, now: int
    ) -> None:
        near = _near(broadcast_id, number)
        await self._db.write_near(near, _end, broadcast_id, number, state, code, reason, now)

    async def withdraw_recipient(
        self,
        broadcast_id: str,
        number: int,
        job_id: str,
        *,
        detail: str,
        now: int,
        skipped: str | None = None,
    ) -> bool:
        near = [*_near(broadcast_id, number), ("send_jobs", job_id)]
        return await self._db.write_near(near, _withdraw, broadcast_id, number, job_id, detail, now, skipped)

    async def queued_recipients(self, broadcast_id: str, *, limit: int) -> list[tuple[int, SendJob]]:
        return await self._db.read(_queued, broadcast_id, page(limit))

    async def settle_recipients(self, broadcast: Broadcast, outcomes: Sequence[Outcome], *, now: int) -> None:
        near = [each for one in outcomes for each in _near(broadcast.id, one.number)]
        await self._db.write_near(near, _settle, broadcast.id, outcomes, now)


def _near(broadcast_id: str, number: int) -> list[tuple[str, Any]]:
    return [(_BROADCASTS, broadcast_id), (_RECIPIENTS, rows.recipient_id(broadcast_id, number))]


async def _counts(reads: Reads, broadcast_id: str) -> Mapping[RecipientState, int]:
    by_state: list[Doc] = [
        {"$match": {"broadcast_id": broadcast_id}},
        {"$group": {"_id": "$state", "count": {"$sum": 1}}},
    ]
    return {_S(group["_id"]): int(group["count"]) for group in await reads.aggregate(_RECIPIENTS, by_state)}


async def _queued(reads: Reads, broadcast_id: str, limit: int) -> list[tuple[int, SendJob]]:
    where = {"broadcast_id": broadcast_id, "state": _S.QUEUED.value}
    queued = await reads.find(_RECIPIENTS, where, sort=_BY_NUMBER, limit=limit)
    ids = [doc["job_id"] for doc in queued]
    jobs = {doc["_id"]: doc for doc in await reads.find("send_jobs", {"_id": {"$in": ids}})} if ids else {}
    return [(doc["number"], sends.job_of(jobs[doc["job_id"]], ())) for doc in queued if doc["job_id"] in jobs]


async def _place(
    tx: Tx, broadcast_id: str, number: int, job: SendJob, doc: Doc, stranger: bool, next_at: int
) -> Placed:
    held = await tx.get(_BROADCASTS, broadcast_id)
    id_ = rows.recipient_id(broadcast_id, number)
    recipient = await tx.get(_RECIPIENTS, id_)
    if held is None or recipient is None or recipient["state"] != _S.PENDING.value:
        return Placed.NOT_NOW
    stands = rows.broadcast_of(held)
    if stands.state is not BroadcastState.RUNNING:
        return Placed.NOT_NOW
    counted = bool(recipient["stranger"])  # whose job was withdrawn: they were counted then
    refused = await _refused(tx, stands, number, job, recipient["peer"], stranger and not counted)
    if refused is not None:
        why = WHY_SKIPPED[refused]
        await _end(tx, broadcast_id, number, _S.SKIPPED, refused.value, why, job.created_at, job.chat_id)
        return refused
    await sends.accept(tx, doc, None, "")
    queued = {
        "state": _S.QUEUED.value,
        "job_id": job.id,
        "chat_id": job.chat_id,
        "stranger": int(stranger or counted),
        "queued_at": job.created_at,
        "code": None,
        "reason": None,
    }
    await tx.change(_RECIPIENTS, id_, queued)
    met = stands.strangers_met + int(stranger and not counted)
    await tx.change(_BROADCASTS, broadcast_id, {"next_at": next_at, "strangers_met": met})
    return Placed.QUEUED


async def _refused(tx: Tx, broadcast: Broadcast, number: int, job: SendJob, peer: str, stranger: bool) -> Placed | None:
    same_chat = {"broadcast_id": broadcast.id, "chat_id": job.chat_id, "number": {"$ne": number}}
    if await tx.one(_RECIPIENTS, same_chat | {"state": {"$ne": _S.PENDING.value}}) is not None:
        return Placed.DUPLICATE
    known = await tx.one("peers", {"session_id": broadcast.session_id, "peer_id": job.chat_id})
    username, phone = (known["username"], known["phone"]) if known is not None else (None, None)
    if await opt_outs.among(tx, broadcast.user_id, names_of(peer, job.chat_id, username, phone)):
        return Placed.OPTED_OUT
    if stranger and broadcast.strangers_met >= broadcast.plan.strangers:
        return Placed.STRANGERS_CAP
    return None


async def _end(
    tx: Tx,
    broadcast_id: str,
    number: int,
    state: RecipientState,
    code: str,
    reason: str,
    now: int,
    chat_id: int | None = None,
) -> None:
    id_ = rows.recipient_id(broadcast_id, number)
    doc = await tx.get(_RECIPIENTS, id_)
    if doc is None or doc["state"] != _S.PENDING.value:
        return
    ended = {
        "state": state.value,
        "code": code,
        "reason": reason,
        "chat_id": doc["chat_id"] if chat_id is None else chat_id,
        "ended_at": now,
    }
    await tx.change(_RECIPIENTS, id_, ended)
    if state is _S.FAILED:
        await _count(tx, broadcast_id, [Outcome(number, "", state)], now)


async def _withdraw(
    tx: Tx, broadcast_id: str, number: int, job_id: str, detail: str, now: int, skipped: str | None
) -> bool:
    held = await tx.get(_BROADCASTS, broadcast_id)
    if held is None or not await sends.cancel(tx, job_id, detail, now):
        return False
    cancelled = held["state"] == BroadcastState.CANCELLED.value
    state = _S.CANCELLED if cancelled else _S.PENDING if skipped is None else _S.SKIPPED
    skips = state is _S.SKIPPED
    outcome = Outcome(number, job_id, state, code=skipped if skips else None, reason=detail if skips else None)
    await _write(tx, broadcast_id, outcome, now)
    return True


async def _write(tx: Tx, broadcast_id: str, outcome: Outcome, now: int) -> bool:
    """What became of a recipient's job. False where the recipient waits for no such job."""
    id_ = rows.recipient_id(broadcast_id, outcome.number)
    doc = await tx.get(_RECIPIENTS, id_)
    if doc is None or doc["state"] != _S.QUEUED.value or doc["job_id"] != outcome.job_id:
        return False
    waits = outcome.state is _S.PENDING
    fields = {
        "state": outcome.state.value,
        "job_id": None if waits else outcome.job_id,
        "code": outcome.code,
        "reason": outcome.reason,
        "message_id": outcome.message_id,
        "chat_id": doc["chat_id"] if outcome.chat_id is None else outcome.chat_id,
        "ended_at": None if waits else now,
    }
    await tx.change(_RECIPIENTS, id_, fields)
    return True


async def _settle(tx: Tx, broadcast_id: str, outcomes: Sequence[Outcome], now: int) -> None:
    held = await tx.get(_BROADCASTS, broadcast_id)
    if held is None:
        return
    cancelled = held["state"] == BroadcastState.CANCELLED.value
    told = []
    for one in outcomes:
        if cancelled and one.state is _S.PENDING:
            one = dataclasses.replace(one, state=_S.CANCELLED)
        if await _write(tx, broadcast_id, one, now):
            told.append(one)
    await _count(tx, broadcast_id, told, now)


async def _count(tx: Tx, broadcast_id: str, outcomes: Sequence[Outcome], now: int) -> None:
    """Failures in a row, and whether that, or one of these ends, stops the broadcast. A cancelled one ends all."""
    doc = await tx.get(_BROADCASTS, broadcast_id)
    if doc is None or not outcomes:
        return
    broadcast = rows.broadcast_of(doc)
    failed, most = broadcast.failed_in_a_row, broadcast.plan.failures
    cause = None
    for one in outcomes:
        if one.stop is not None:
            cause = cause or one.stop
        elif one.state is _S.SENT:
            failed = 0
        elif one.state is _S.FAILED:
            failed += 1
            cause = cause or (TOO_MANY_FAILURES if failed >= most else None)
    await tx.change(_BROADCASTS, broadcast_id, {"failed_in_a_row": failed})
    if cause is not None:
        await rows.move(tx, dataclasses.replace(broadcast, failed_in_a_row=failed), BroadcastState.STOPPED, now, cause)
