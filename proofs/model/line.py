"""One MTProto session on one connection, with no more of it than a client in order needs.

A request costs some 100 µs, so that fifty thousand of them with everything they cause go through one core. Updates are
handed on in the order in which they come; `sync` returns when everything sent before has been handed on.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import struct
import time
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any

import cryptg
from telethon.extensions import BinaryReader
from telethon.tl import functions as f
from telethon.tl.alltlobjects import LAYER

ANSWERED_WITHIN = 30.0
STEP = 3600.0
"""Seconds by which the proof moves the time."""
ACKS = 8
REMEMBERED = 4096
"""Messages of the server; it sends again what is not acknowledged."""

CONTAINER, RESULT, ERROR, GZIP, ACK = 0x73F1F8DC, 0xF35C6D01, 0x2144CA19, 0x3072CFA1, 0x62D6B459
NEW_SESSION, BAD_SALT, BAD_MSG, PONG, PING = 0x9EC20908, 0xEDAB447B, 0xA7EFF811, 0x347773C5, 0x7ABE77EC


class RefusedError(Exception):
    """An `rpc_error`."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(f"{code} {name}")
        self.code, self.name = code, name


class WorldTime:
    """The data centre's time as its clients know it; `moved` when the proof moves it."""

    def __init__(self) -> None:
        self.moved = 0.0
        self._began = time.time()

    def now(self) -> float:
        return time.time() + self.moved

    def between_steps(self, number: int) -> int:
        """A date that is reached by the next step but `number`, and by no other passing of time within 40 minutes."""
        return int(self._began + (self.moved // STEP + number) * STEP + STEP * 2 / 3)


class Line(asyncio.Protocol):
    """See the module. `heard` is given each object that was pushed."""

    def __init__(self, key: bytes, session: int, clock: WorldTime, heard: Callable[[Any], None]) -> None:
        self._key, self._key_id = key, sha1(key).digest()[12:]
        self._session, self._clock, self._heard = session, clock, heard
        self._salt = self._last_id = self._content = 0
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, tuple[bytes, asyncio.Future[Any]]] = {}
        self._to_ack: list[int] = []
        self._had: dict[int, None] = {}
        self._sent: dict[int, tuple[int, list[int]]] = {}
        """Message as it went: the request in it (0: none), what it acknowledged."""
        self.lost = False

    @classmethod
    async def opened(cls, address: tuple[str, int], key: bytes, clock: WorldTime, heard: Callable[[Any], None]) -> Line:
        """A new session of `key`, which has introduced itself."""
        line = cls(key, int.from_bytes(os.urandom(8), "little", signed=True), clock, heard)
        await asyncio.get_running_loop().create_connection(lambda: line, *address)
        query = f.InitConnectionRequest(1, "proof", "1", "1", "en", "", "en", f.help.GetNearestDcRequest())
        await line.ask(f.InvokeWithLayerRequest(LAYER, query))
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._transport.write(b"\xef")  # type: ignore[union-attr]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError(f"the connection ended: {exc}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, request: Any) -> Any:
        """The answer as an object. Raises RefusedError, ConnectionError, TimeoutError."""
        return await self._asked(bytes(request))

    async def sync(self) -> None:
        """Everything that was pushed until now has been heard."""
        await self._asked(struct.pack("<Iq", PING, self._next_id()))

    async def _asked(self, body: bytes) -> Any:
        if self.lost:
            raise ConnectionError("the connection has ended")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._send(body, future)
        async with asyncio.timeout(ANSWERED_WITHIN):
            return await future

    def _send(self, body: bytes, future: asyncio.Future[Any]) -> None:
        number = self._next_id()
        self._waiting[number] = body, future
        seq = self._content * 2 + 1
        self._content += 1
        if not self._to_ack:
            self._went(number, number, [])
            self._write(number, seq, body)
            return
        acked, acks = self._acks()
        inner = struct.pack("<qii", number, seq, len(body)) + body
        inner += struct.pack("<qii", self._next_id(), self._content * 2, len(acks)) + acks
        outer = self._next_id()
        self._went(outer, number, acked)
        self._write(outer, self._content * 2, struct.pack("<Ii", CONTAINER, 2) + inner)

    def _acks(self) -> tuple[list[int], bytes]:
        acked, self._to_ack = self._to_ack, []
        return acked, struct.pack(f"<IIi{len(acked)}q", ACK, 0x1CB5C415, len(acked), *acked)

    def _acknowledge(self) -> None:
        acked, acks = self._acks()
        number = self._next_id()
        self._went(number, 0, acked)
        self._write(number, self._content * 2, acks)

    def _went(self, number: int, request: int, acked: list[int]) -> None:
        self._sent[number] = request, acked
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def _again(self, number: int) -> None:
        """What went with an old salt has not been taken: once more."""
        request, acked = self._sent.pop(number, (0, []))
        self._to_ack += acked
        waiting = self._waiting.pop(request, None)
        if waiting is not None:
            self._send(*waiting)

    def _next_id(self) -> int:
        self._last_id = max(self._last_id + 4, int(self._clock.now() * 4294967296) & ~3)
        return self._last_id

    def _write(self, number: int, seq: int, body: bytes) -> None:
        plain = struct.pack("<qqqii", self._salt, self._session, number, seq, len(body)) + body
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        key, message_key = self._key, sha256(self._key[88:120] + plain).digest()[8:24]
        sealed = self._key_id + message_key + bytes(cryptg.encrypt_ige(plain, *_secrets(key, message_key, 0)))
        words = len(sealed) // 4
        head = bytes([words]) if words < 127 else b"\x7f" + words.to_bytes(3, "little")
        self._transport.write(head + sealed)  # type: ignore[union-attr]

    # What comes.

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while buffer:
            words, start = buffer[0], 1
            if words == 0x7F:
                if len(buffer) < 4:
                    return
                words, start = int.from_bytes(buffer[1:4], "little"), 4
            end = start + words * 4
            if len(buffer) < end:
                return
            packet = bytes(buffer[start:end])
            del buffer[:end]
            self._packet(packet)

    def _packet(self, packet: bytes) -> None:
        if len(packet) == 4:
            raise ConnectionError(f"transport error {struct.unpack('<i', packet)[0]}")
        plain = bytes(cryptg.decrypt_ige(packet[24:], *_secrets(self._key, packet[8:24], 8)))
        if sha256(self._key[96:128] + plain).digest()[8:24] != packet[8:24]:
            raise ConnectionError("a packet that is not of this key")
        _, _, number, seq, length = struct.unpack_from("<qqqii", plain)
        self._message(number, seq, plain[32 : 32 + length])
        if len(self._to_ack) >= ACKS:
            self._acknowledge()

    def _message(self, number: int, seq: int, body: bytes) -> None:
        if seq & 1:
            self._to_ack.append(number)
            if number in self._had:
                return  # sent again, as the acknowledgement was late
            self._had[number] = None
            if len(self._had) > REMEMBERED:
                del self._had[next(iter(self._had))]
        (kind,) = struct.unpack_from("<I", body)
        if kind == CONTAINER:
            (count,) = struct.unpack_from("<i", body, 4)
            at = 8
            for _ in range(count):
                inner, inner_seq, length = struct.unpack_from("<qii", body, at)
                self._message(inner, inner_seq, body[at + 16 : at + 16 + length])
                at += 16 + length
        elif kind == RESULT:
            self._answered(struct.unpack_from("<q", body, 4)[0], body[12:])
        elif kind == PONG:
            self._done(struct.unpack_from("<q", body, 4)[0], None)
        elif kind == BAD_SALT:
            again, _, _, self._salt = struct.unpack_from("<qiiq", body, 4)
            self._again(again)
        elif kind == BAD_MSG:
            raise ConnectionError(f"bad_msg_notification {struct.unpack_from('<qii', body, 4)}")
        elif kind == GZIP:
            self._message(number, 0, _unzipped(body))
        elif kind not in (NEW_SESSION, ACK):
            self._heard(_read(body))

    def _answered(self, request: int, body: bytes) -> None:
        (kind,) = struct.unpack_from("<I", body)
        if kind == GZIP:
            body = _unzipped(body)
            (kind,) = struct.unpack_from("<I", body)
        if kind == ERROR:
            error = _read(body)
            self._done(request, RefusedError(error.error_code, error.error_message))
        else:
            self._done(request, _read(body))

    def _done(self, request: int, answer: Any) -> None:
        _, future = self._waiting.pop(request, (b"", None))
        if future is None or future.done():
            return
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _secrets(key: bytes, message_key: bytes, x: int) -> tuple[bytes, bytes]:
    a = sha256(message_key + key[x : x + 36]).digest()
    b = sha256(key[40 + x : 76 + x] + message_key).digest()
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def _read(body: bytes) -> Any:
    with BinaryReader(body) as reader:
        return reader.tgread_object()


def _unzipped(body: bytes) -> bytes:
    with BinaryReader(body[4:]) as reader:
        return gzip.decompress(reader.tgread_bytes())
