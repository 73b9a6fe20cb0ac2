"""Message bodies made by hand, and how a refusal is read."""

from __future__ import annotations

import gzip
import struct

from telethon.tl.tlobject import TLObject

from tests.sandbox.support import raw
from tests.sandbox.support.raw import RawClient


def packed(data: bytes) -> bytes:
    return struct.pack("<I", raw.GZIP) + TLObject.serialize_bytes(gzip.compress(data))


def container(*messages: tuple[int, int, bytes]) -> bytes:
    inside = b"".join(struct.pack("<qii", msg_id, seq, len(body)) + body for msg_id, seq, body in messages)
    return struct.pack("<Ii", raw.CONTAINER, len(messages)) + inside


async def refusal(client: RawClient, request: int) -> int:
    """The code with which a message was refused."""
    message = await client.wait_for(raw.BAD_MSG)
    _, bad, _, code = struct.unpack_from("<Iqii", message.body)
    assert bad == request
    assert message.seq % 2 == 0
    return int(code)
