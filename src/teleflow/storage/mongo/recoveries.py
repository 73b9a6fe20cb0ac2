"""Sending again what an endpoint did not get: a walk through the log that a restart does not forget."""

from __future__ import annotations

from typing import Any

from teleflow.errors import Conflict, NotFound
from teleflow.model.webhooks import DeliveryState, Ordering, Recovery, RecoveryState
from teleflow.storage.common.webhooks import filter_of
from teleflow.storage.mongo import deliveries, webhooks
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, every, page
from teleflow.storage.mongo.tx import Reads, Tx

_RECOVERIES = "webhook_recoveries"
_RUNNING = RecoveryState.RUNNING.value
_NEWEST = [("created_at", -1), ("_id", -1)]
_NOT_GOT = frozenset({DeliveryState.FAILED.value, DeliveryState.CANCELLED.value})
_ID = frozenset({"_id"})
_EVENT = frozenset({"number", "id", "type", "session_id", "chat_id", "at"})


class Recoveries(Part):
    async def add_recovery(self, recovery: Recovery) -> None:
        await self._db.write(_add, recovery)

    async def recoveries(self, user_id: str, webhook_id: str, *, limit: int) -> list[Recovery]:
        where = {"webhook_id": webhook_id, "user_id": user_id}
        return [_recovery(doc) for doc in await self._db.read(every, _RECOVERIES, where, _NEWEST, page(limit))]

    async def recovery(self, user_id: str, webhook_id: str, recovery_id: str) -> Recovery | None:
        doc = await self._db.read(_mine, user_id, webhook_id, recovery_id)
        return None if doc is None else _recovery(doc)

    async def cancel_recovery(self, user_id: str, webhook_id: str, recovery_id: str, *, now: int) -> bool:
        if await self._db.read(_mine, user_id, webhook_id, recovery_id) is None:
            return False
        await self._db.write(_end, recovery_id, RecoveryState.CANCELLED, now)
        return True

    async def recoveries_to_run(self, *, limit: int) -> list[str]:
        return await self._db.read(_to_run, page(limit))

    async def recover_some(self, recovery_id: str, *, now: int, limit: int) -> bool:
        return await self._db.write(_recover_some, recovery_id, now, page(limit))


def _recovery(doc: Doc) -> Recovery:
    values: dict[str, Any] = dict(doc)
    id_ = values.pop("_id")
    return Recovery(**(values | {"id": id_, "state": RecoveryState(values["state"])}))


async def _mine(reads: Reads, user_id: str, webhook_id: str, recovery_id: str) -> Doc | None:
    doc = await reads.get(_RECOVERIES, recovery_id)
    return doc if doc is not None and (doc["user_id"], doc["webhook_id"]) == (user_id, webhook_id) else None


async def _to_run(reads: Reads, limit: int) -> list[str]:
    docs = await reads.find(_RECOVERIES, {"state": _RUNNING}, sort=[("_id", 1)], limit=limit, fields=_ID)
    return [doc["_id"] for doc in docs]


async def _add(tx: Tx, recovery: Recovery) -> None:
    if await webhooks.mine(tx, recovery.user_id, recovery.webhook_id) is None:
        raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
    if await tx.one(_RECOVERIES, {"webhook_id": recovery.webhook_id, "state": _RUNNING}) is not None:
        raise Conflict("A recovery of this webhook is running", code="RECOVERY_RUNNING")
    row = columns(recovery)
    tx.put(_RECOVERIES, {"_id": row.pop("id"), **row, "state": recovery.state.value})
    tx.ring([recovery.id])


async def _end(tx: Tx, recovery_id: str, state: RecoveryState, now: int) -> None:
    doc = await tx.get(_RECOVERIES, recovery_id)
    if doc is not None and doc["state"] == _RUNNING:
        await tx.change(_RECOVERIES, recovery_id, {"state": state.value, "ended_at": now})


async def _recover_some(tx: Tx, recovery_id: str, now: int, limit: int) -> bool:
    job = await tx.get(_RECOVERIES, recovery_id)
    if job is None or job["state"] != _RUNNING:
        return False
    webhook = await tx.get("webhooks", job["webhook_id"])
    if webhook is None or not webhook["active"]:  # nothing would leave
        await _end(tx, recovery_id, RecoveryState.CANCELLED, now)
        return False
    where = {"user_id": job["user_id"], "number": {"$gt": job["cursor"]}}
    looked_at = await tx.find("events", where, sort=[("number", 1)], limit=limit, fields=_EVENT)
    wanted = filter_of(webhook["types"], webhook["session_ids"])
    asked_for = [
        event
        for event in looked_at
        if job["since"] <= event["at"] < job["until"] and wanted.wants(event["type"], event["session_id"])
    ]
    found = await _begin(tx, webhook, asked_for, now)
    cursor = looked_at[-1]["number"] if looked_at else job["cursor"]
    await tx.change(_RECOVERIES, recovery_id, {"cursor": cursor, "found": job["found"] + found})
    tx.ring([webhook["_id"]])
    if len(looked_at) < limit:
        await _end(tx, recovery_id, RecoveryState.DONE, now)
        return False
    return True


async def _begin(tx: Tx, webhook: Doc, events: list[Doc], now: int) -> int:
    """Deliver what of these was not; how many were begun."""
    numbers = [event["number"] for event in events]
    where = {"webhook_id": webhook["_id"], "event_number": {"$in": numbers}}
    planned = {doc["event_number"]: doc for doc in await tx.find("webhook_deliveries", where)} if numbers else {}
    missing = [(event["number"], event) for event in events if event["number"] not in planned]
    again = [doc for doc in planned.values() if doc["state"] in _NOT_GOT]
    ordering = Ordering(webhook["ordering"])
    await deliveries.plan_for(tx, webhook["user_id"], webhook["_id"], ordering, missing, now)
    for doc in again:
        await deliveries.begin_again(tx, doc, now, however=False)
    return len(missing) + len(again)
