"""A TL object as JSON: numbers past 53 bits as text, bytes as base64, instants as Unix seconds."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any

import msgspec
from telethon.tl import TLObject

_SAFE = 2**53
_DEEPEST = 32
MOST = 64 * 1024
_encode = msgspec.json.Encoder().encode


def bounded(told: Any) -> Any:
    """As it is, or only what it is called where it is too much for an event."""
    if len(_encode(told)) <= MOST:
        return told
    return {"_": told["_"], "truncated": True}


def plain_of(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, TLObject):
        name = type(value).__name__
        told: dict[str, Any] = {"_": name[0].lower() + name[1:]}
        for key, held in vars(value).items():
            if held is not None and not key.startswith("_"):  # what Telethon keeps beside the fields
                told[key] = plain_of(held, depth + 1)
        return told
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int):
        return value if -_SAFE < value < _SAFE else str(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, list | tuple):
        return [plain_of(one, depth + 1) for one in value]
    return str(value)
