"""Proxies for tests: SOCKS5, HTTP CONNECT and MTProxy, each as its document says, on loopback.

The MTProxy knows the obfuscated transport by itself and shares no code with what is tested.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Served:
    """`reached`: where the proxy connected to, in order."""

    port: int = 0
    reached: list[tuple[str, int]] = field(default_factory=list)
    refused: int = 0


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes] = lambda data: data
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(change(data))
            await writer.drain()
    writer.close()


@asynccontextmanager
async def _serving(
    handle: Callable[[Served, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Served]:
    served = Served()
    open_: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await handle(served, reader, writer)
        open_.discard(writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for writer in open_:
            writer.transport.abort()


async def _join(served: Served, host: str, port: int, ours: Streams) -> None:
    served.reached.append((host, port))
    there = await asyncio.open_connection(host, port)
    await asyncio.gather(_pipe(ours[0], there[1]), _pipe(there[0], ours[1]))


@asynccontextmanager
async def socks5(username: str, password: str) -> AsyncIterator[Served]:
    """RFC 1928 with RFC 1929."""

    async def handle(served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        assert 2 in await reader.readexactly(count)
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        name = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        secret = await reader.readexactly(length)
        if (name.decode(), secret.decode()) != (username, password):
            served.refused += 1
            writer.write(b"\x01\x01")
            return
        writer.write(b"\x01\x00")
        _, _, _, kind = await reader.readexactly(4)
        assert kind == 1
        host = ".".join(str(part) for part in await reader.readexactly(4))
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await _join(served, host, port, (reader, writer))

    async with _serving(handle) as served:
        yield served


@asynccontextmanager
async def http_connect() -> AsyncIterator[Served]:
    """RFC 9110 §9.3.6."""

    async def handle(served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, place, _ = head.split("\r\n", 1)[0].split(" ")
        assert method == "CONNECT"
        host, _, port = place.rpartition(":")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join(served, host, int(port), (reader, writer))

    async with _serving(handle) as served:
        yield served


@asynccontextmanager
async def mtproxy(secret: bytes, centres: dict[int, tuple[str, int]]) -> AsyncIterator[Served]:
    """Undoes the client's obfuscation and speaks padded intermediate to the data centre that the client named."""

    async def handle(served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(64)

        def cipher(part: bytes) -> Cipher[modes.CTR]:
            key = hashlib.sha256(part[:32] + secret).digest()
            return Cipher(algorithms.AES(key), modes.CTR(part[32:48]))

        come, go = cipher(head[8:56]).decryptor(), cipher(head[8:56][::-1]).encryptor()
        opened = come.update(head)
        if opened[56:60] != b"\xdd" * 4:
            served.refused += 1
            return
        host, port = centres[abs(struct.unpack_from("<h", opened, 60)[0])]
        served.reached.append((host, port))
        there = await asyncio.open_connection(host, port)
        there[1].write(b"\xdd" * 4)
        await asyncio.gather(_pipe(reader, there[1], come.update), _pipe(there[0], writer, go.update))

    async with _serving(handle) as served:
        yield served
