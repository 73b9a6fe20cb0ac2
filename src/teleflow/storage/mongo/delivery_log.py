"""What became of deliveries: listed, told one by one, begun again, counted, forgotten in time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from teleflow.errors import Conflict, NotFound
from teleflow.model.webhooks import Attempt, Delivery, DeliveryState, DeliveryStats
from teleflow.storage.common.webhooks import UNDER_WAY
from teleflow.storage.mongo import deliveries, webhooks
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, key, page
from teleflow.storage.mongo.tx import Reads, Tx

_DELIVERIES = "webhook_deliveries"
_ATTEMPTS = "webhook_attempts"
_S = DeliveryState
PURGED_AT_ONCE = 500
_ATTEMPTS_SHOWN = 50
_NAMES = (
    *("webhook_id", "user_id", "event_id", "event_type", "session_id", "attempts", "earlier", "due_at"),
    *("created_at", "ended_at", "status", "error", "duration_ms"),
)
_SHORT = frozenset({*_NAMES, "state"})
_RESPONSE = frozenset({"response"})
_ID = frozenset({"_id"})
_NEWEST = [("created_at", -1), ("_id", -1)]


class DeliveryLog(Part):
    async def deliveries(
        self,
        user_id: str,
        webhook_id: str,
        *,
        limit: int,
        before: str | None = None,
        states: frozenset[DeliveryState] | None = None,
        event_type: str | None = None,
        session_id: str | None = None,
        since: int | None = None,
    ) -> list[Delivery]:
        where: dict[str, Any] = {"webhook_id": webhook_id, "user_id": user_id, "created_at": {"$gte": since or 0}}
        if states is not None:
            where["state"] = {"$in": sorted(state.value for state in states)}
        if event_type is not None:
            where["event_type"] = event_type
        if session_id is not None:
            where["session_id"] = session_id
        return await self._db.read_heavy(_list, where, before, page(limit))

    async def delivery(
        self, user_id: str, webhook_id: str, delivery_id: str
    ) -> tuple[Delivery, bytes | None, list[Attempt]] | None:
        return await self._db.read(_told, user_id, webhook_id, delivery_id)

    async def begin_again(self, user_id: str, webhook_id: str, delivery_id: str, *, now: int) -> Delivery | None:
        return await self._db.write(_begin_again, user_id, webhook_id, delivery_id, now)

    async def add_test(self, delivery: Delivery, body: bytes) -> None:
        await self._db.write(_add_test, delivery, body)

    async def delivery_stats(self, user_id: str, webhook_id: str, *, since: int) -> DeliveryStats:
        return await self._db.read_heavy(_stats, user_id, webhook_id, since)

    async def purge_deliveries(self, *, before: int, now: int) -> int:
        """Reads first: the writer is asked only for what there is."""
        gone = 0
        for webhook_id in await self._db.read(deliveries.left_open, 100):
            gone += await self._db.write_heavy(deliveries.cancel_some, webhook_id, now)
        after = ""
        while ids := await self._db.read(_webhook_ids, after):
            for webhook_id in ids:
                # The history of an older service came to its end here when it was adopted.
                aged = {"$lt": before}
                ended = {"webhook_id": webhook_id, "is_open": 0, "created_at": aged, "ended_at": aged}
                if await self._db.read(_any, ended):
                    oldest = [("created_at", 1)]
                    gone += await self._db.write_heavy(deliveries.forget, ended, PURGED_AT_ONCE, oldest)
                if gone >= PURGED_AT_ONCE:
                    return gone
            after = ids[-1]
        return gone


async def _webhook_ids(reads: Reads, after: str) -> list[str]:
    docs = await reads.find("webhooks", {"_id": {"$gt": after}}, sort=[("_id", 1)], limit=page(1000), fields=_ID)
    return [doc["_id"] for doc in docs]


async def _any(reads: Reads, where: Doc) -> bool:
    return bool(await reads.find(_DELIVERIES, where, limit=1, fields=_ID))


async def _list(reads: Reads, where: dict[str, Any], before: str | None, limit: int) -> list[Delivery]:
    if before is not None:
        last = await _mine(reads, where["user_id"], where["webhook_id"], before)
        if last is None:
            return []
        at = last["created_at"]
        where = where | {"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": before}}]}
    docs = await reads.find(_DELIVERIES, where, sort=_NEWEST, limit=limit, fields=_SHORT)
    responses = await _responses(reads, docs)
    return [_delivery(doc, responses) for doc in docs]


async def _responses(reads: Reads, docs: Sequence[Doc]) -> dict[str, str]:
    """Of their last attempts, by the deliveries' ids."""
    last = {key(doc["_id"], doc["attempts"]): doc["_id"] for doc in docs if doc["attempts"]}
    if not last:
        return {}
    found = await reads.find(_ATTEMPTS, {"_id": {"$in": list(last)}}, fields=_RESPONSE)
    return {last[doc["_id"]]: doc["response"] for doc in found}


async def _mine(reads: Reads, user_id: str, webhook_id: str, delivery_id: str) -> Doc | None:
    doc = await reads.get(_DELIVERIES, delivery_id)
    return doc if doc is not None and (doc["user_id"], doc["webhook_id"]) == (user_id, webhook_id) else None


async def _told(
    reads: Reads, user_id: str, webhook_id: str, delivery_id: str
) -> tuple[Delivery, bytes | None, list[Attempt]] | None:
    doc = await _mine(reads, user_id, webhook_id, delivery_id)
    if doc is None:
        return None
    body = await _body(reads, doc)
    newest = [("number", -1)]
    attempts = await reads.find(_ATTEMPTS, {"delivery_id": delivery_id}, sort=newest, limit=_ATTEMPTS_SHOWN)
    responses = await _responses(reads, [doc])
    return _delivery(doc, responses), body, [_attempt(one) for one in reversed(attempts)]


async def _body(reads: Reads, delivery: Doc) -> bytes | None:
    """Its own, or its event's, where the log still has it."""
    if delivery["body"] is not None:
        return bytes(delivery["body"])
    if delivery["event_number"] is None:
        return None
    event = await reads.one("events", {"user_id": delivery["user_id"], "number": delivery["event_number"]})
    return None if event is None else bytes(event["body"])


async def _begin_again(tx: Tx, user_id: str, webhook_id: str, delivery_id: str, now: int) -> Delivery | None:
    doc = await _mine(tx, user_id, webhook_id, delivery_id)
    if doc is None:
        return None
    if await _body(tx, doc) is None:
        raise Conflict("The log no longer has this event", code="EVENT_GONE")
    doc = await deliveries.begin_again(tx, doc, now, however=True)
    tx.ring([webhook_id])
    return _delivery(doc, await _responses(tx, [doc]))


async def _add_test(tx: Tx, delivery: Delivery, body: bytes) -> None:
    if await webhooks.mine(tx, delivery.user_id, delivery.webhook_id) is None:
        raise NotFound("There is no webhook of this id", code="WEBHOOK_NOT_FOUND")
    doc = {"_id": delivery.id, **{name: getattr(delivery, name) for name in _NAMES}}
    doc |= {"state": delivery.state.value, "is_open": 1, "taken": UNDER_WAY}
    doc |= {"event_number": None, "order_key": None, "body": body}
    tx.put(_DELIVERIES, doc)
    tx.ring([delivery.webhook_id])


async def _stats(reads: Reads, user_id: str, webhook_id: str, since: int) -> DeliveryStats:
    timed: Doc = {"$cond": [{"$eq": ["$duration_ms", None]}, 0, 1]}
    groups = await reads.aggregate(
        _DELIVERIES,
        [
            {"$match": {"webhook_id": webhook_id, "user_id": user_id, "created_at": {"$gte": since}}},
            {
                "$group": {
                    "_id": "$state",
                    "count": {"$sum": 1},
                    "attempts": {"$sum": "$attempts"},
                    "took": {"$sum": "$duration_ms"},
                    "timed": {"$sum": timed},
                    "slowest": {"$max": "$duration_ms"},
                    "ended_at": {"$max": "$ended_at"},
                }
            },
        ],
    )
    by_state: dict[str, Doc] = {group["_id"]: group for group in groups}

    def of(state: DeliveryState, name: str, missing: int | None) -> Any:
        value = by_state.get(state.value, {}).get(name)
        return missing if value is None else int(value)

    all_timed = sum(group["timed"] for group in groups)
    return DeliveryStats(
        pending=of(_S.PENDING, "count", 0),
        delivered=of(_S.DELIVERED, "count", 0),
        failed=of(_S.FAILED, "count", 0),
        cancelled=of(_S.CANCELLED, "count", 0),
        attempts=sum(int(group["attempts"]) for group in groups),
        mean_ms=round(sum(int(group["took"]) for group in groups) / all_timed) if all_timed else None,
        slowest_ms=max((int(group["slowest"]) for group in groups if group["slowest"] is not None), default=None),
        last_success_at=of(_S.DELIVERED, "ended_at", None),
        last_failure_at=of(_S.FAILED, "ended_at", None),
    )


def _delivery(doc: Doc, responses: dict[str, str]) -> Delivery:
    values = {name: doc[name] for name in _NAMES}
    return Delivery(id=doc["_id"], state=DeliveryState(doc["state"]), response=responses.get(doc["_id"]), **values)


def _attempt(doc: Doc) -> Attempt:
    return Attempt(
        doc["number"],
        doc["at"],
        doc["duration_ms"],
        doc["status"],
        doc["error"],
        json.loads(doc["request_headers"]),
        json.loads(doc["response_headers"]),
        doc["response"],
    )
