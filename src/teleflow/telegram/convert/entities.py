"""Formatting, both ways between TL and the model: pure functions. https://core.telegram.org/api/entities"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from telethon.tl import types as tl

from teleflow.errors import Invalid
from teleflow.model.entities import Entity
from teleflow.model.peers import Peer

_PREFIX = "MessageEntity"
_RENAMED = {"strike": "strikethrough", "text_url": "text_link"}
_TYPES: dict[str, Any] = {}
for _name in dir(tl):
    if _name.startswith(_PREFIX) and _name != _PREFIX:
        _snake = re.sub(r"(?<!^)(?=[A-Z])", "_", _name.removeprefix(_PREFIX)).lower()
        _TYPES[_RENAMED.get(_snake, _snake)] = getattr(tl, _name)
_NAMES = {kind: name for name, kind in _TYPES.items()}


def entities_from(found: Iterable[Any] | None) -> tuple[Entity, ...]:
    """Those of a TL message; kinds that are not known here keep Telegram's name in snake case."""
    return tuple(_entity(one) for one in found or ())


def _entity(one: Any) -> Entity:
    return Entity(
        _NAMES.get(type(one), "unknown"),
        one.offset,
        one.length,
        url=getattr(one, "url", None),
        language=getattr(one, "language", None) or None,
        user_id=getattr(one, "user_id", None) if isinstance(one, tl.MessageEntityMentionName) else None,
        document_id=getattr(one, "document_id", None),
        collapsed=bool(getattr(one, "collapsed", False)),
    )


def input_entities(entities: Iterable[Entity], mentioned: Iterable[Peer] = ()) -> list[Any]:
    """For a request; `mentioned` can be addressed. Raises Invalid for a type that Telegram does not have."""
    hashes = {peer.id: peer.access_hash for peer in mentioned}
    return [_input(entity, hashes) for entity in entities]


def _input(entity: Entity, hashes: Mapping[int, int]) -> Any:
    place = {"offset": entity.offset, "length": entity.length}
    match entity.type:
        case "text_link":
            return tl.MessageEntityTextUrl(**place, url=entity.url or "")
        case "pre":
            return tl.MessageEntityPre(**place, language=entity.language or "")
        case "custom_emoji":
            return tl.MessageEntityCustomEmoji(**place, document_id=entity.document_id or 0)
        case "blockquote":
            return tl.MessageEntityBlockquote(**place, collapsed=entity.collapsed or None)
        case "mention_name":
            user_id = entity.user_id or 0
            return tl.InputMessageEntityMentionName(**place, user_id=tl.InputUser(user_id, hashes.get(user_id, 0)))
    kind = _TYPES.get(entity.type)
    if kind is None:
        raise Invalid(f"There is no entity of type {entity.type[:40]}", code="ENTITY_INVALID")
    return kind(**place)
