"""What Telegram does to a text before it is a message: control characters, edges, limits, entities.

Lengths and offsets are counted in UTF-16 code units, as everywhere in Telegram.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.help_methods import MESSAGE_LIMIT
from teleflow.sandbox.rpc.view import opaque
from teleflow.sandbox.world.records import Person

ENTITY_LIMIT = 100
# every control character but tab and line feed becomes a space
_CONTROL = dict.fromkeys((*range(9), *range(11, 32)), " ")


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cleaned(desk: Desk, me: Person, text: str, entities: list[Any] | None) -> tuple[str, list[bytes]]:
    """The text as it is stored, and its entities. Raises MESSAGE_EMPTY, MESSAGE_TOO_LONG and ENTITY_*."""
    plain = text if text.isprintable() else text.translate(_CONTROL)
    body = plain.strip()
    if not body:
        raise RpcError(400, "MESSAGE_EMPTY")
    length = units(body)
    if length > MESSAGE_LIMIT:
        raise RpcError(400, "MESSAGE_TOO_LONG")
    if not entities:
        return body, []
    cut = units(plain[: len(plain) - len(plain.lstrip())])
    return body, opaque(_entities(desk, me, entities, cut, length, units(plain)))


def _entities(desk: Desk, me: Person, entities: list[Any], cut: int, length: int, before: int) -> list[Any]:
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
