"""Events of what the service itself does, each told in the transaction of the act."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from teleflow.model.events import NewEvent
from teleflow.storage.sql import events as log
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.statement import Statement, Tx, given
from teleflow.storage.told import (
    authorized,
    broadcast_changed,
    created,
    deleted,
    flood_wait,
    row_of,
    settled,
    state_changed,
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
]

_OWNER = Statement(select(t.sessions.c.user_id).where(t.sessions.c.id == given("of_session")))


async def tell(tx: Tx, user_id: str, events: Iterable[NewEvent], now: int) -> None:
    await log.append(tx, user_id, [row_of(event) for event in events], now)


async def owner(tx: Tx, session_id: str) -> str | None:
    row = await tx.one(_OWNER, of_session=session_id)
    return None if row is None else str(row[0])
