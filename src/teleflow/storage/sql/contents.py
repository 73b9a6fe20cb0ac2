"""What is to be sent, as columns: the text, and JSON for all that makes it more than a plain text.

A plain text has no JSON at all, so that the common case costs nothing. The names in the JSON are those of the
dataclasses; a newer program may add to them, never change one's meaning: jobs outlive upgrades.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from teleflow.model.entities import Entity
from teleflow.model.jobs import Content, Forward, Text
from teleflow.model.messages import Message

_encode = msgspec.json.Encoder().encode
_decode_messages = msgspec.json.Decoder(tuple[Message, ...]).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def columns_of(content: Content) -> tuple[str, str, str | None]:
    """(kind, text, options)."""
    if isinstance(content, Forward):
        return "forward", content.text, _encode(dataclasses.asdict(content)).decode()
    given = {
        field.name: value
        for field in dataclasses.fields(content)
        if field.name != "text" and (value := getattr(content, field.name)) != field.default
    }
    if not given:
        return "text", content.text, None
    if content.entities:
        given["entities"] = [dataclasses.asdict(entity) for entity in content.entities]
    return "text", content.text, _encode(given).decode()


def content_of(kind: str, text: str, options: str) -> Content:
    given = _decode(options)
    if kind == "forward":
        message_ids, random_ids = tuple(given.pop("message_ids")), tuple(given.pop("random_ids"))
        return Forward(message_ids=message_ids, random_ids=random_ids, **given)
    entities = tuple(Entity(**entity) for entity in given.pop("entities", ()))
    return Text(text, entities=entities, **given)


def json_of(messages: tuple[Message, ...]) -> bytes:
    return _encode(messages)


def messages_of(raw: bytes) -> tuple[Message, ...]:
    return _decode_messages(raw)
