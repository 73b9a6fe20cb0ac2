"""Deliveries of events to webhooks: planned in the transaction that logs the event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.kit.ids import new_id
from teleflow.model.events import EventFilter
from teleflow.model.webhooks import DeliveryState, Ordering
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.statement import YES, Statement, Tx, given

_w = t.webhooks.c
_d = t.webhook_deliveries.c
_decode = msgspec.json.Decoder(list[str]).decode

_WANTING = Statement(
    select(_w.id, _w.types, _w.session_ids, _w.ordering).where(_w.user_id == given("of_user"), _w.active == YES)
)
_ADD = Statement(insert(t.webhook_deliveries).values({c.name: given(c.name) for c in _d}))
_FIRST_CARRIED = Statement(select(func.min(_d.event_number)).where(_d.user_id == given("of_user"), _d.is_open == YES))
_BLANK: dict[str, Any] = {
    "body": None,
    "state": DeliveryState.PENDING.value,
    "attempts": 0,
    "is_open": 1,
    "lease_node": None,
    "lease_until": 0,
    "ended_at": None,
    "status": None,
    "error": None,
    "response": None,
    "duration_ms": None,
}


async def plan(tx: Tx, user_id: str, added: Sequence[tuple[int, Mapping[str, Any]]], now: int) -> None:
    """One open delivery for each of these events (number, row) and each active webhook that wants it."""
    for webhook_id, types, session_ids, ordering in await tx.all(_WANTING, of_user=user_id):
        wanted = EventFilter(
            frozenset(_decode(types)), None if session_ids is None else frozenset(_decode(session_ids))
        )
        for number, event in added:
            if wanted.wants(event["type"], event["session_id"]):
                await tx.run(
                    _ADD,
                    id=new_id("dlv"),
                    webhook_id=webhook_id,
                    user_id=user_id,
                    event_id=event["id"],
                    event_type=event["type"],
                    event_number=number,
                    session_id=event["session_id"],
                    order_key=_order_key(Ordering(ordering), event),
                    due_at=now,
                    created_at=now,
                    **_BLANK,
                )


async def first_carried(tx: Tx, user_id: str) -> int | None:
    """The number of the oldest event that a delivery still waits to carry."""
    row = await tx.one(_FIRST_CARRIED, of_user=user_id)
    return None if row is None or row[0] is None else int(row[0])


def _order_key(ordering: Ordering, event: Mapping[str, Any]) -> str | None:
    if ordering is Ordering.NONE:
        return None
    if ordering is Ordering.SESSION or event["chat_id"] is None:
        return f"{event['session_id'] or ''}"
    return f"{event['session_id'] or ''}:{event['chat_id']}"
