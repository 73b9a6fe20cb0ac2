"""What is to be sent, as columns: the text, and JSON for all that makes it more than a plain text.

A plain text has no JSON at all, so that the common case costs nothing. The names in the JSON are those of the
dataclasses; a newer program may add to them, never change one's meaning: jobs outlive upgrades.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from teleflow.model.entities import Entity
from teleflow.model.jobs import Content, Forward, Parcel, Text
from teleflow.model.messages import Message
from teleflow.model.parcels import Attachment, ContactCard, Dice, Item, Part, Place, Poll, Venue

_encode = msgspec.json.Encoder().encode
_decode_messages = msgspec.json.Decoder(tuple[Message, ...]).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_ITEMS: dict[str, type[Any]] = {
    "file": Attachment,
    "poll": Poll,
    "location": Place,
    "venue": Venue,
    "contact": ContactCard,
    "dice": Dice,
}
_NAMES = {kind: name for name, kind in _ITEMS.items()}


def columns_of(content: Content) -> tuple[str, str, str | None]:
    """(kind, text, options)."""
    if isinstance(content, Forward):
        return "forward", content.text, _encode(dataclasses.asdict(content)).decode()
    if isinstance(content, Parcel):
        return "parcel", content.text, _encode(_packed(content)).decode()
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
    if kind == "parcel":
        parts = tuple(_part_of(part) for part in given.pop("parts"))
        return Parcel(parts=parts, random_ids=tuple(given.pop("random_ids", ())), **given)
    entities = tuple(Entity(**entity) for entity in given.pop("entities", ()))
    return Text(text, entities=entities, **given)


def _packed(content: Parcel) -> dict[str, Any]:
    packed = dataclasses.asdict(content)
    for part, told in zip(content.parts, packed["parts"], strict=True):
        told["item"] = {_NAMES[type(part.item)]: told["item"]}
    return packed


def _part_of(packed: dict[str, Any]) -> Part:
    ((name, given),) = packed["item"].items()
    item: Item = msgspec.convert(given, _ITEMS[name], strict=False)
    return Part(item, packed["text"], tuple(Entity(**entity) for entity in packed["entities"]))


def json_of(messages: tuple[Message, ...]) -> bytes:
    return _encode(messages)


def messages_of(raw: bytes) -> tuple[Message, ...]:
    return _decode_messages(raw)
