"""TL objects of any kind as plain values, for the many things that are told as they are and not worked with.

Names become camelCase, peers marked ids, dates Unix seconds; numbers beyond what JSON's readers keep exact become
strings. What opens something (access hashes, file references, raw bytes) is left out.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

from telethon.tl import TLObject
from telethon.tl import types as tl

from teleflow.telegram.convert.peers import marked

_EXACT = 2**53
_DEEPEST = 6
_WITHHELD = frozenset({"access_hash", "file_reference", "stripped", "charge", "payload", "credentials", "_"})
_WORDS = re.compile(r"(?<!^)(?=[A-Z])")
_JOINTS = re.compile(r"_([a-z0-9])")
_NAMES: dict[type[Any], str] = {}


def snake(name: str) -> str:
    return _WORDS.sub("_", name).lower()


@cache
def camel(name: str) -> str:
    """Of the names of TL's fields, which are so many and no more."""
    return _JOINTS.sub(lambda found: found.group(1).upper(), name)


def kind_of(value: Any, prefix: str) -> str:
    """``chat_add_user`` for MessageActionChatAddUser with the prefix MessageAction."""
    kind = type(value)
    name = _NAMES.get(kind)
    if name is None:
        name = _NAMES[kind] = snake(kind.__name__.removeprefix(prefix))
    return name


def fields(value: TLObject, *, depth: int = 0) -> dict[str, Any]:
    """What is set in a TL object, without its name. An empty list, an unset flag and an empty string are not."""
    told: dict[str, Any] = {}
    for name, held in vars(value).items():
        if name.startswith("_") or name in _WITHHELD or held is None or isinstance(held, bytes):
            continue
        if held is False or held in ([], ""):
            continue
        written = plain(held, depth=depth + 1)
        if written is not None:
            told[camel(name)] = written
    return told


def plain(value: Any, *, depth: int = 0) -> Any:
    match value:
        case bool() | str() | float():
            return value
        case int():
            return value if -_EXACT < value < _EXACT else str(value)
        case datetime():
            return int(value.timestamp())
        case list():
            return [one for one in (plain(each, depth=depth + 1) for each in value) if one is not None]
        case tl.PeerUser() | tl.PeerChat() | tl.PeerChannel():
            return str(marked(value))
        case tl.TextWithEntities():
            return value.text
        case TLObject() if depth <= _DEEPEST:
            return {"type": kind_of(value, ""), **fields(value, depth=depth)}
    return None


def seconds(date: datetime | None) -> int | None:
    return int(date.timestamp()) if date is not None else None
