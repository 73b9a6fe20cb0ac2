"""Deliveries of an older service, as history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from teleflow.model.webhooks import Attempt
from teleflow.storage.base.adoption import History
from teleflow.storage.common.webhooks import IDLE
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part
from teleflow.storage.sql.statement import Statement, Tx, given

_ADD = Statement(
    insert(t.webhook_deliveries)
    .values({column.name: given(column.name) for column in t.webhook_deliveries.c})
    .on_conflict_do_nothing()
)
_ADD_ATTEMPT = Statement(
    insert(t.webhook_attempts)
    .values({column.name: given(column.name) for column in t.webhook_attempts.c})
    .on_conflict_do_nothing()
)
_THERE = Statement(select(t.webhook_deliveries.c.id).where(t.webhook_deliveries.c.id == given("id")))
_NAMES = [
    *("id", "webhook_id", "user_id", "event_id", "event_type", "session_id", "attempts", "earlier", "due_at"),
    *("created_at", "ended_at", "status", "error", "duration_ms"),
]


class Adopted(Part):
    async def adopt_deliveries(self, deliveries: Sequence[History], *, dry: bool = False) -> int:
        if dry:
            return await self._db.read_heavy(_lacking, list(deliveries))
        return await self._db.write_heavy(_adopt, list(deliveries))


async def _lacking(tx: Tx, deliveries: list[History]) -> int:
    return sum([await tx.one(_THERE, id=delivery.id) is None for delivery, *_ in deliveries])


async def _adopt(tx: Tx, deliveries: list[History]) -> int:
    came = 0
    for delivery, attempt, body in deliveries:
        row: dict[str, Any] = {name: getattr(delivery, name) for name in _NAMES}
        row |= {"state": delivery.state.value, "is_open": 0, "taken": IDLE}
        row |= {"event_number": None, "order_key": None, "body": body}
        if await tx.run(_ADD, **row):
            came += 1
            await tx.run(_ADD_ATTEMPT, **_row(delivery.id, attempt))
    return came


def _row(delivery_id: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "delivery_id": delivery_id,
        "number": attempt.number,
        "at": attempt.at,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "request_headers": json.dumps(dict(attempt.request_headers)),
        "response_headers": json.dumps(dict(attempt.response_headers)),
        "response": attempt.response,
    }
