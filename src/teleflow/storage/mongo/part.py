"""What the parts of the store share: the engine, the seal, the clock, and how a document is proven to be there."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from teleflow.errors import NotFound
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.storage.mongo.engine import MongoEngine
from teleflow.storage.mongo.match import Doc, Sort, Where
from teleflow.storage.mongo.schema import TTL_FIELD
from teleflow.storage.mongo.tx import Reads

PAGE_LIMIT = 1_000


class Part:
    """A part of the port over one engine."""

    def __init__(self, engine: MongoEngine, seal: Seal, clock: Clock) -> None:
        self._db = engine
        self._seal = seal
        self._clock = clock


async def get(reads: Reads, collection: str, id_: Any) -> Doc | None:
    """A unit of one document."""
    return await reads.get(collection, id_)


async def one(reads: Reads, collection: str, where: Where) -> Doc | None:
    return await reads.one(collection, where)


async def every(reads: Reads, collection: str, where: Where, sort: Sort, limit: int) -> list[Doc]:
    return await reads.find(collection, where, sort=sort, limit=limit)


async def require_user(reads: Reads, user_id: str) -> None:
    """Raises NotFound when the user was deleted meanwhile."""
    if await reads.get("users", user_id) is None:
        raise NotFound("The user is gone", code="USER_NOT_FOUND")


async def has_session(reads: Reads, session_id: str) -> bool:
    return await reads.get("sessions", session_id) is not None


def page(limit: int) -> int:
    return max(1, min(limit, PAGE_LIMIT))


def columns(value: Any) -> Doc:
    """A flat dataclass as fields."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def document(id_: Any, fields: Mapping[str, Any], *, expires_at: int | None = None) -> Doc:
    """With its `_id`; `expires_at` (Unix ms) lets the server remove it when nobody else has."""
    doc = {"_id": id_, **fields}
    if expires_at is not None:
        doc[TTL_FIELD] = gone_at(expires_at)
    return doc


def gone_at(instant: int) -> dt.datetime:
    """An instant that every database can hold."""
    return dt.datetime.fromtimestamp(min(instant / 1000, 253_000_000_000), dt.UTC)


def key(*parts: str | int) -> str:
    """One `_id` of several things; only the last part may be any text."""
    return "\x1f".join(map(str, parts))
