"""Events of what the service itself does, each told in the batch of the act."""

from __future__ import annotations

from collections.abc import Iterable

from teleflow.model.events import NewEvent
from teleflow.storage.mongo import events as log
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.told import (
    authorized,
    broadcast_changed,
    created,
    deleted,
    flood_wait,
    row_of,
    settled,
    state_changed,
    webhook_disabled,
)

__all__ = [
    "authorized",
    "broadcast_changed",
    "created",
    "deleted",
    "flood_wait",
    "owner",
    "settled",
    "state_changed",
    "tell",
    "webhook_disabled",
]


async def tell(tx: Tx, user_id: str, events: Iterable[NewEvent], now: int, *, fresh: bool = False) -> None:
    """Into the user's log. `fresh`: as `events.append` has it."""
    await log.append(tx, user_id, [row_of(event) for event in events], now, fresh=fresh)


async def owner(reads: Reads, session_id: str) -> str | None:
    session = await reads.get("sessions", session_id)
    return None if session is None else str(session["user_id"])
