"""Containers, and which messages may carry which number."""

from __future__ import annotations

import struct

from teleflow.sandbox.mtproto import msg_ids, service
from teleflow.sandbox.mtproto.session import CONTAINER_ID

MAX_MESSAGES = 1020
MAX_BYTES = 1 << 20
Message = tuple[int, int, bytes]
"""Id, number, body."""
_INNER = struct.Struct("<qii")


def judge_number(constructor: int, seq: int) -> int:
    """Whether the kind of message and the parity of its number agree."""
    if constructor == CONTAINER_ID:
        return msg_ids.SEQ_ODD_EXPECTED_EVEN if seq & 1 else 0
    if constructor in service.FREE_NUMBER or seq & 1:
        return 0
    return msg_ids.SEQ_EVEN_EXPECTED_ODD


def contents(container: int, body: bytes) -> list[Message] | None:
    """Ids, numbers and bodies of a container's messages; None when it is no valid container."""
    if not 8 <= len(body) <= MAX_BYTES:
        return None
    count = int.from_bytes(body[4:8], "little")
    if not 0 < count <= MAX_MESSAGES:
        return None
    messages, position = [], 8
    for _ in range(count):
        if len(body) - position < _INNER.size + 4:
            return None
        msg_id, seq, length = _INNER.unpack_from(body, position)
        position += _INNER.size
        inner = body[position : position + length] if length >= 4 else b""
        if len(inner) != length or length % 4 or msg_id >= container:
            return None
        if int.from_bytes(inner[:4], "little") == CONTAINER_ID:
            return None
        messages.append((msg_id, seq, inner))
        position += length
    return messages
