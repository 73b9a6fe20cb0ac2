"""Answers of requests, as they are kept: packed, sealed, each bound to its key."""

from __future__ import annotations

import struct

from teleflow.kit.seal import Seal
from teleflow.storage import bindings
from teleflow.storage.base import StoredAnswer

_HEAD = struct.Struct("<HH")  # status, length of the media type


def sealed_answer(seal: Seal, user_id: str, key: str, answer: StoredAnswer) -> bytes:
    media = answer.media_type.encode()
    return seal.seal(_HEAD.pack(answer.status, len(media)) + media + answer.body, *bindings.answer(user_id, key))


def opened_answer(seal: Seal, user_id: str, key: str, sealed: bytes) -> StoredAnswer:
    """Raises SealBroken."""
    packed = seal.open(sealed, *bindings.answer(user_id, key))
    status, length = _HEAD.unpack_from(packed)
    body = packed[_HEAD.size :]
    return StoredAnswer(status, body[:length].decode(), body[length:])
