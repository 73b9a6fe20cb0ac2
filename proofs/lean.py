"""A client that costs little: one session of a ready key, requests as ready bytes, answers and pushes to callbacks.

It checks what a client has to check of every packet (message key, session, length) and acknowledges in batches.
It reads no more of an update than whoever is called with its bytes.
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
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

ACK_FROM = 16
"""Messages that are acknowledged together; clients may wait for as long as a minute."""
WITHIN = 60.0

_RPC_RESULT, _CONTAINER, _ACK, _GZIP = 0xF35C6D01, 0x73F1F8DC, 0x62D6B459, 0x3072CFA1
_SERVICE = frozenset((0x9EC20908, 0x347773C5, _ACK))  # new_session_created, pong, msgs_ack
_RPC_ERROR = struct.pack("<I", 0x2144CA19)
_HEAD = struct.Struct("<qqqii")
_INNER = struct.Struct("<qii")
_LENGTH = struct.Struct("<I")
Heard = Callable[[bytes], None]


class RefusedError(Exception):
    """The data centre answered something else than was asked for."""


class Lean(asyncio.Protocol):
    """See the module. `pushed` is called with the body of every update."""

    def __init__(self, key: bytes, salt: int) -> None:
        self._key_id = sha1(key).digest()[12:]
        self._out = key[:36], key[40:76], key[88:120]
        self._in = key[8:44], key[48:84], key[96:128]
        self._salt = salt
        self._session = int.from_bytes(os.urandom(8), "little", signed=True)
        self._buffer = bytearray()
        self._last = self._content = 0
        self._waiting: dict[int, Heard] = {}
        self._unacked: list[int] = []
        self._transport: Any = None
        self.pushed: Heard = lambda _body: None
        self.broken: Callable[[str], None] = _raise

    @classmethod
    async def connected(cls, host: str, port: int, key: bytes, salt: int) -> Lean:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN):
            _, made = await loop.create_connection(lambda: cls(key, salt), host, port)
        return made

    # Out.

    def send(self, body: bytes, heard: Heard | None, *, content: bool = True) -> None:
        """`heard` gets what the answer holds."""
        self._last = msg_id = max(self._last + 4, int(time.time() * 4294967296) & ~3)
        seq = self._content * 2 + content
        self._content += content
        if heard is not None:
            self._waiting[msg_id] = heard
        plain = _HEAD.pack(self._salt, self._session, msg_id, seq, len(body)) + body
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        first, second, check = self._out
        message_key = sha256(check + plain).digest()[8:24]
        sealed = cryptg.encrypt_ige(plain, *_cipher(first, second, message_key))
        self._transport.write(
            b"".join((_LENGTH.pack(24 + len(sealed)), self._key_id, message_key, sealed)),
        )

    async def call(self, request: Any) -> Any:
        """One request as an object, and its answer as one. Raises RefusedError."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.send(bytes(request), answer.set_result)
        async with asyncio.timeout(WITHIN):
            return opened(await answer)

    async def introduce(self, request: Any) -> Any:
        """The same for the first request of a session."""
        about = functions.InitConnectionRequest(7, "bench", "Linux", "1.0", "en", "", "en", request)
        return await self.call(functions.InvokeWithLayerRequest(LAYER, about))

    def ping(self) -> None:
        """As clients do each minute, so that a dead connection ends."""
        self.acknowledge()
        self.send(bytes(functions.PingDelayDisconnectRequest(7, 75)), None, content=False)

    def acknowledge(self) -> None:
        if self._unacked:
            ids, self._unacked = self._unacked, []
            self.send(struct.pack(f"<IIi{len(ids)}q", _ACK, 0x1CB5C415, len(ids), *ids), None, content=False)

    def close(self) -> None:
        self.broken = lambda _why: None
        self._transport.abort()

    # In.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=8 * 1024 * 1024)
        transport.write(b"\xee\xee\xee\xee")

    def connection_lost(self, _error: Exception | None) -> None:
        self.broken("the data centre hung up")

    def data_received(self, data: bytes) -> None:
        whole: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            whole = self._buffer
        start, end = 0, len(whole)
        while end - start >= 4:
            stop = start + 4 + _LENGTH.unpack_from(whole, start)[0]
            if stop > end:
                break
            self._packet(whole, start + 4, stop)
            start = stop
        if whole is data:
            self._buffer += memoryview(data)[start:]
        else:
            del self._buffer[:start]

    def _packet(self, whole: bytes | bytearray, start: int, stop: int) -> None:
        if stop - start == 4:
            self.broken(f"transport error {struct.unpack_from('<i', whole, start)[0]}")
            return
        message_key = bytes(whole[start + 8 : start + 24])
        first, second, check = self._in
        plain = cryptg.decrypt_ige(bytes(memoryview(whole)[start + 24 : stop]), *_cipher(first, second, message_key))
        digest = sha256(check)
        digest.update(plain)
        if digest.digest()[8:24] != message_key or whole[start : start + 8] != self._key_id:
            raise RefusedError("not sealed with this key")
        _, session, msg_id, seq, length = _HEAD.unpack_from(plain)
        if session != self._session or not 12 <= len(plain) - 32 - length <= 1024:
            raise RefusedError("not of this session")
        self._message(plain, 32, msg_id, seq, length)
        if len(self._unacked) >= ACK_FROM:
            self.acknowledge()

    def _message(self, plain: bytes, start: int, msg_id: int, seq: int, length: int) -> None:
        if seq & 1:
            self._unacked.append(msg_id)
        (kind,) = _LENGTH.unpack_from(plain, start)
        if kind == _RPC_RESULT:
            heard = self._waiting.pop(int.from_bytes(plain[start + 4 : start + 12], "little"), None)
            if heard is not None:
                heard(plain[start + 12 : start + length])
        elif kind == _CONTAINER:
            place = start + 8
            for _ in range(_LENGTH.unpack_from(plain, start + 4)[0]):
                inner, number, size = _INNER.unpack_from(plain, place)
                self._message(plain, place + 16, inner, number, size)
                place += 16 + size
        elif kind in _SERVICE:
            return
        elif kind in {0xEDAB447B, 0xA7EFF811}:
            self.broken(f"refused a message: {plain[start : start + length].hex()}")
        else:
            self.pushed(plain[start : start + length])


def _cipher(first: bytes, second: bytes, message_key: bytes) -> tuple[bytes, bytes]:
    a, b = sha256(message_key + first).digest(), sha256(second + message_key).digest()
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def _raise(why: str) -> None:
    raise RefusedError(why)


def unpacked(body: bytes) -> bytes:
    """What is inside, of bytes that may have been compressed."""
    if body[:4] == _GZIP.to_bytes(4, "little"):
        with BinaryReader(body[4:]) as reader:
            return gzip.decompress(reader.tgread_bytes())
    return body


def opened(answer: bytes) -> Any:
    """The object that an answer holds. Raises RefusedError for an error."""
    with BinaryReader(unpacked(answer)) as reader:
        found = reader.tgread_object()
    if isinstance(found, types.RpcError):
        raise RefusedError(f"{found.error_code} {found.error_message}")
    return found


def is_error(answer: bytes) -> bool:
    """The same at a glance."""
    return answer[:4] == _RPC_ERROR


def template(request: Any, marker: int) -> tuple[bytes, bytes]:
    """A request's bytes before and after the eight in which it holds `marker`: what changes from one to the next."""
    before, found, after = bytes(request).partition(struct.pack("<q", marker))
    if not found:
        raise ValueError("the marker is not in the request")
    return before, after
