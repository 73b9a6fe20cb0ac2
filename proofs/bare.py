"""A client's session on the wire, made by hand: what libraries hide is seen here byte by byte.

It writes and reads one stream of the full framing with a key that a Telethon client has exchanged, and shares no
code with the data centre but Telethon's TL codec. It repeats nothing and repairs nothing.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import struct
import time
import zlib
from hashlib import sha1, sha256
from typing import Any, NamedTuple

import cryptg
from telethon.extensions import BinaryReader
from telethon.tl import functions

WAIT = 5.0
RPC_RESULT, GZIP, CONTAINER = 0xF35C6D01, 0x3072CFA1, 0x73F1F8DC
BAD_MESSAGE, BAD_SALT, PONG = 0xA7EFF811, 0xEDAB447B, 0x347773C5
ACK, NEW_SESSION = 0x62D6B459, 0x9EC20908
SERVICE = frozenset((RPC_RESULT, PONG, ACK, NEW_SESSION, BAD_MESSAGE, BAD_SALT))


class BadFrameError(Exception):
    """Bytes that are no frame: a wrong checksum or number."""


class TransportError(Exception):
    """The four bytes in a message's place."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Message(NamedTuple):
    msg_id: int
    seq: int
    body: bytes

    @property
    def kind(self) -> int:
        return int.from_bytes(self.body[:4], "little")


class Line:
    """One connection, and a session of its own on somebody's key."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self, address: tuple[str, int], key: bytes, salt: int) -> None:
        self._address = address
        self._key = key
        self._session = int.from_bytes(os.urandom(8), "little", signed=True)
        self._content = self._last = 0
        self._waiting: list[Message] = []
        self.salt = salt

    async def open(self) -> Line:
        self._sent = self._received = 0
        self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(*self._address), WAIT)
        return self

    def close(self) -> None:
        self.writer.close()

    # Out.

    def send(self, request: Any, *, msg_id: int = 0, content: bool = True) -> int:
        """Send one message; its id."""
        body = bytes(request)
        self._last = max(self._last + 4, int(time.time() * 2**32) & ~3)
        number = msg_id or self._last
        seq, self._content = 2 * self._content + content, self._content + content
        plain = struct.pack("<qqqii", self.salt, self._session, number, seq, len(body)) + body
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        message_key = sha256(self._key[88:120] + plain).digest()[8:24]
        sealed = cryptg.encrypt_ige(plain, *self._cipher(message_key, 0))
        payload = sha1(self._key).digest()[12:] + message_key + bytes(sealed)
        head = struct.pack("<II", len(payload) + 12, self._sent) + payload
        self._sent += 1
        self.writer.write(head + struct.pack("<I", zlib.crc32(head)))
        return number

    def _cipher(self, message_key: bytes, x: int) -> tuple[bytes, bytes]:
        a = sha256(message_key + self._key[x : x + 36]).digest()
        b = sha256(self._key[x + 40 : x + 76] + message_key).digest()
        return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]

    # In: bytes.

    async def exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), WAIT)

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        return await asyncio.wait_for(self.reader.read(-1), WAIT)

    async def frame(self) -> bytes:
        """The payload of the next frame. Raises BadFrameError."""
        head = await self.exactly(8)
        length, number = struct.unpack("<II", head)
        rest = await self.exactly(length - 8)
        expected, self._received = self._received, self._received + 1
        if zlib.crc32(head + rest[:-4]) != int.from_bytes(rest[-4:], "little"):
            raise BadFrameError("wrong checksum")
        if number != expected:
            raise BadFrameError(f"frame {number}, not {expected}")
        return rest[:-4]

    def lost(self) -> None:
        """A frame was counted by its sender and came in part."""
        self._received += 1

    # In: messages.

    async def message(self) -> Message:
        """The next message, containers taken apart. Raises TransportError, BadFrameError."""
        while not self._waiting:
            payload = await self.frame()
            if len(payload) == 4:
                raise TransportError(struct.unpack("<i", payload)[0])
            plain = cryptg.decrypt_ige(payload[24:], *self._cipher(payload[8:24], 8))
            if sha256(self._key[96:128] + plain).digest()[8:24] != payload[8:24]:
                raise BadFrameError("wrong message key")
            msg_id, seq, length = struct.unpack_from("<qii", plain, 16)
            self._take(Message(msg_id, seq, plain[32 : 32 + length]))
        return self._waiting.pop(0)

    def _take(self, message: Message) -> None:
        if message.kind != CONTAINER:
            self._waiting.append(message)
            return
        position = 8
        for _ in range(struct.unpack_from("<i", message.body, 4)[0]):
            msg_id, seq, length = struct.unpack_from("<qii", message.body, position)
            position += 16 + length
            self._waiting.append(Message(msg_id, seq, message.body[position - length : position]))

    async def of_kind(self, kind: int) -> Message:
        while (message := await self.message()).kind != kind:
            pass
        return message

    async def answer(self, request: int) -> bytes:
        """The result's bytes, errors included."""
        while True:
            body = (await self.of_kind(RPC_RESULT)).body
            if struct.unpack_from("<q", body, 4)[0] == request:
                inner = body[12:]
                if int.from_bytes(inner[:4], "little") == GZIP:
                    inner = gzip.decompress(BinaryReader(inner[4:]).tgread_bytes())
                return inner

    async def call(self, request: Any) -> Any:
        return BinaryReader(await self.answer(self.send(request))).tgread_object()

    async def ping(self) -> None:
        """What was under way before has come when this returns; it is dropped."""
        await self.pushed()

    async def pushed(self) -> list[Any]:
        """The updates that are under way, in their order; none after them when this returns."""
        ping = self.send(functions.PingRequest(7), content=False)
        found: list[Any] = []
        while (message := await self.message()).kind != PONG or message.body[4:12] != struct.pack("<q", ping):
            if message.kind not in SERVICE:
                body = message.body
                if message.kind == GZIP:
                    body = gzip.decompress(BinaryReader(body[4:]).tgread_bytes())
                found.append(BinaryReader(body).tgread_object())
        return found
