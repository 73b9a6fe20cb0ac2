"""Telegram's packet framings, the client's side, written for tests and apart from the server's."""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

NAMES = (
    "full",
    "abridged",
    "intermediate",
    "padded",
    "obfuscated abridged",
    "obfuscated intermediate",
    "obfuscated padded",
)
TAGS = {"abridged": b"\xef" * 4, "intermediate": b"\xee" * 4, "padded": b"\xdd" * 4}


class Wire:
    """Packets over a pair of streams."""

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        obfuscated, _, plain = name.rpartition("obfuscated ")
        self.name = plain
        self.sent = 0
        self._encrypt: Any = None
        self._decrypt: Any = None
        if name.startswith("obfuscated"):
            self._obfuscate()
        elif plain == "abridged":
            writer.write(b"\xef")
        elif plain != "full":
            writer.write(TAGS[plain])
        del obfuscated

    def _obfuscate(self) -> None:
        head = bytearray(os.urandom(64))
        head[0], head[4:8] = 0x42, b"abcd"
        head[56:60] = TAGS[self.name]

        def cipher(key: bytes, iv: bytes) -> Any:
            return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()

        back = bytes(head[8:56])[::-1]
        self._encrypt = cipher(bytes(head[8:40]), bytes(head[40:56]))
        self._decrypt = cipher(back[:32], back[32:48])
        sealed = self._encrypt.update(bytes(head))
        self.writer.write(bytes(head[:56]) + sealed[56:])

    def write(self, data: bytes) -> None:
        self.writer.write(self._encrypt.update(data) if self._encrypt else data)

    async def read(self, count: int) -> bytes:
        data = await self.reader.readexactly(count)
        return self._decrypt.update(data) if self._decrypt else data

    def frame(self, payload: bytes, *, quick_ack: bool = False) -> bytes:
        if self.name == "full":
            head = struct.pack("<II", len(payload) + 12, self.sent) + payload
            self.sent += 1
            return head + struct.pack("<I", zlib.crc32(head))
        if self.name == "abridged":
            words = len(payload) // 4
            flag = 0x80 if quick_ack else 0
            if words < 127:
                return bytes([words | flag]) + payload
            return bytes([0x7F | flag]) + words.to_bytes(3, "little") + payload
        if self.name == "padded":
            payload += os.urandom(7)
        return struct.pack("<I", len(payload) | (0x80000000 if quick_ack else 0)) + payload

    def send(self, payload: bytes, *, quick_ack: bool = False) -> None:
        self.write(self.frame(payload, quick_ack=quick_ack))

    async def receive(self) -> bytes:
        if self.name == "full":
            head = await self.read(4)
            rest = await self.read(int.from_bytes(head, "little") - 4)
            assert zlib.crc32(head + rest[:-4]) == int.from_bytes(rest[-4:], "little")
            return rest[4:-4]
        if self.name == "abridged":
            words = (await self.read(1))[0]
            if words == 0x7F:
                words = int.from_bytes(await self.read(3), "little")
            return await self.read(words * 4)
        data = await self.read(int.from_bytes(await self.read(4), "little"))
        return data[: len(data) - len(data) % 4]
