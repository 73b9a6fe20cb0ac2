"""What the parts of the store share: the engine, the seal, the clock, and how a row is proven to be there."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import select

from teleflow.errors import NotFound
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.engine import Engine
from teleflow.storage.sql.statement import Row, Statement, Tx, given

PAGE_LIMIT = 1_000

# FOR KEY SHARE keeps the row from vanishing before we commit; SQLite has one writer and needs none.
_USER = Statement(
    select(t.users.c.id).where(t.users.c.id == given("of_user")).with_for_update(read=True, key_share=True)
)
_SESSION = Statement(
    select(t.sessions.c.id).where(t.sessions.c.id == given("of_session")).with_for_update(read=True, key_share=True)
)


async def one(tx: Tx, statement: Statement, /, **values: Any) -> Row | None:
    """A unit of one statement."""
    return await tx.one(statement, **values)


async def every(tx: Tx, statement: Statement, /, **values: Any) -> list[Row]:
    return await tx.all(statement, **values)


async def run(tx: Tx, statement: Statement, /, **values: Any) -> int:
    return await tx.run(statement, **values)


class Part:
    """A part of the port over one engine."""

    def __init__(self, engine: Engine, seal: Seal, clock: Clock) -> None:
        self._db = engine
        self._seal = seal
        self._clock = clock


async def require_user(tx: Tx, user_id: str) -> None:
    """Raises NotFound when the user was deleted meanwhile."""
    if await tx.one(_USER, of_user=user_id) is None:
        raise NotFound("The user is gone", code="USER_NOT_FOUND")


async def has_session(tx: Tx, session_id: str) -> bool:
    return await tx.one(_SESSION, of_session=session_id) is not None


def page(limit: int) -> int:
    return max(1, min(limit, PAGE_LIMIT))


def columns(value: Any) -> dict[str, Any]:
    """A flat dataclass as a row."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
