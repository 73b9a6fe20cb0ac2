"""A client's packets made by hand: framings, and bodies sealed with a key that Telethon has exchanged."""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Any

import cryptg
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import MemorySession
from telethon.tl import functions

from proofs.judges import connected
from proofs.wire import Caller

Wrap = Callable[[bytes, int], bytes]


def framings() -> list[tuple[bytes, Wrap]]:
    """What opens the stream, and how a packet with its number is framed."""
    return [(b"", _full), (b"\xef", _abridged), (b"\xee" * 4, _intermediate), (b"\xdd" * 4, _padded)]


def _full(payload: bytes, number: int) -> bytes:
    head = struct.pack("<II", len(payload) + 12, number) + payload
    return head + struct.pack("<I", zlib.crc32(head))


def _abridged(payload: bytes, _number: int) -> bytes:
    words = len(payload) // 4
    return (bytes([words]) if words < 127 else b"\x7f" + words.to_bytes(3, "little")) + payload


def _intermediate(payload: bytes, _number: int) -> bytes:
    return struct.pack("<I", len(payload)) + payload


def _padded(payload: bytes, _number: int) -> bytes:
    return _intermediate(payload + os.urandom(7), 0)


def obfuscated(tag: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """The header of an obfuscated stream with a framing's tag in it, and what encrypts all that follows."""
    while True:
        head = bytearray(os.urandom(64))
        if head[0] != 0xEF and bytes(head[:4]) not in _TAKEN and head[4:8] != bytes(4):
            break
    head[56:60] = tag
    cipher = Cipher(algorithms.AES(bytes(head[8:40])), modes.CTR(bytes(head[40:56]))).encryptor()
    sealed = cipher.update(bytes(head))
    return bytes(head[:56]) + sealed[56:], cipher.update


_TAKEN = {b"HEAD", b"POST", b"GET ", b"OPTI", b"\x16\x03\x01\x02", b"\xdd" * 4, b"\xee" * 4}


class KeyedClient:
    """A Telethon client on a key of its own, and that key for packets made by hand."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._key: bytes = client.session.auth_key.key
        self._salt: int = client._sender._state.salt  # noqa: SLF001 - told nowhere else
        self._last = 0

    @classmethod
    async def made(cls, host: str, port: int, pem: str) -> KeyedClient:
        rsa.add_key(pem, old=False)
        session = MemorySession()
        session.set_dc(2, host, port)
        client = TelegramClient(session, 1, "hash", receive_updates=False, connection_retries=1)
        await connected(client)
        return cls(client)

    async def sign_in(self, control: Caller, phone: str) -> None:
        """Be somebody: an account is made for it."""
        await control.post("/accounts", {"phone": phone, "firstName": "Raw"})
        await self._client.send_code_request(phone)
        await self._client.sign_in(phone, (await control.get(f"/accounts/{phone}/code"))["code"])

    async def ask(self, request: Any) -> Any:
        return await self._client(request)

    async def ping(self) -> None:
        await self._client(functions.help.GetNearestDcRequest())

    async def close(self) -> None:
        await self._client.disconnect()

    def next_id(self) -> int:
        self._last = max(self._last + 4, int(time.time() * 2**32) & ~3)
        return self._last

    def seal(self, body: bytes, *, session: int, seq: int = 1, spoil: Callable[[bytes], bytes] = bytes) -> bytes:
        """A packet with one message, as a session of this key would send it; `spoil` changes what is then sealed."""
        plain = spoil(struct.pack("<qqqii", self._salt, session, self.next_id(), seq, len(body)) + body)
        plain += os.urandom(12 + -(len(plain) + 12) % 16)
        key, message_key = self._key, sha256(self._key[88:120] + plain).digest()[8:24]
        a = sha256(message_key + key[:36]).digest()
        b = sha256(key[40:76] + message_key).digest()
        sealed = cryptg.encrypt_ige(plain, a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:])
        return sha1(key).digest()[12:] + message_key + bytes(sealed)
