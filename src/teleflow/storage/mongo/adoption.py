"""Deliveries of an older service, as history."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from teleflow.storage.base.adoption import History
from teleflow.storage.common.webhooks import IDLE
from teleflow.storage.mongo.part import Part, key
from teleflow.storage.mongo.tx import Reads, Tx

_ELSEWHERE = ("id", "response")


class Adopted(Part):
    async def adopt_deliveries(self, deliveries: Sequence[History], *, dry: bool = False) -> int:
        if dry:
            return len(deliveries) - len(await self._db.read_heavy(_known, deliveries))
        return await self._db.write_heavy(_adopt, list(deliveries))


async def _known(reads: Reads, deliveries: Sequence[History]) -> set[str]:
    ids = [delivery.id for delivery, *_ in deliveries]
    found = await reads.find("webhook_deliveries", {"_id": {"$in": ids}}, fields=("_id",))
    return {doc["_id"] for doc in found}


async def _adopt(tx: Tx, deliveries: list[History]) -> int:
    came = 0
    known = await _known(tx, deliveries)
    for delivery, attempt, body in deliveries:
        if delivery.id in known:
            continue
        came += 1
        doc = {name: value for name, value in dataclasses.asdict(delivery).items() if name not in _ELSEWHERE}
        doc |= {"_id": delivery.id, "state": delivery.state.value, "is_open": 0, "taken": IDLE, "body": body}
        tx.put("webhook_deliveries", doc | {"event_number": None, "order_key": None})
        tried = dataclasses.asdict(attempt) | {
            "_id": key(delivery.id, attempt.number),
            "delivery_id": delivery.id,
            "webhook_id": delivery.webhook_id,
            "user_id": delivery.user_id,
            "request_headers": json.dumps(dict(attempt.request_headers)),
            "response_headers": json.dumps(dict(attempt.response_headers)),
        }
        tx.put("webhook_attempts", tried)
    return came
