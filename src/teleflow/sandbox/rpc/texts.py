"""A message's text with its entities, which move when the text is trimmed."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.detect import detected
from teleflow.sandbox.rpc.view import opaque
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.texts import body, printable, units

ENTITY_LIMIT = 100


def cleaned(desk: Desk, me: Person, text: str, entities: list[Any] | None) -> tuple[str, list[bytes]]:
    """The text as it is stored, and its entities. Raises MESSAGE_EMPTY, MESSAGE_TOO_LONG and ENTITY_*."""
    kept = body(text)
    if not entities:
        found = detected(kept)
        return kept, opaque(found) if found else []
    plain = printable(text)
    cut = units(plain[: len(plain) - len(plain.lstrip())])
    marked = _entities(desk, me, entities, cut, units(kept), units(plain))
    return kept, opaque(sorted([*marked, *detected(kept, marked)], key=lambda each: (each.offset, -each.length)))


def _entities(desk: Desk, me: Person, entities: list[Any], cut: int, length: int, before: int) -> list[Any]:
    """`cut` units are gone from the front; `length` is left of the `before` that the client counted."""
    if len(entities) > ENTITY_LIMIT:
        raise RpcError(400, "ENTITIES_TOO_LONG")
    kept: list[Any] = []
    for entity in entities:
        if entity.offset < 0 or entity.length < 0 or entity.offset + entity.length > before:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
        start = max(entity.offset - cut, 0)
        end = min(entity.offset + entity.length - cut, length)
        if end <= start:
            continue
        if isinstance(entity, types.InputMessageEntityMentionName):
            person = desk.user(me, entity.user_id)
            entity = types.MessageEntityMentionName(start, end - start, person.id)
        entity.offset, entity.length = start, end - start
        kept.append(entity)
    return sorted(kept, key=lambda each: (each.offset, -each.length))
