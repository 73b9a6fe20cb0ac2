"""HTTP for checkers and loads: requests as bytes on a kept connection, answers as status, headers and body.

It knows HTTP/1.1 as far as Content-Length goes. A request costs some 20 µs, so a load does not starve what it measures.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Deadline = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode()
        return None


class Wire(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiter: asyncio.Future[Reply] | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError(f"the connection ended: {exc}"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = buffer.find(b"content-length: ")
        length = int(buffer[at + 16 : buffer.index(b"\r", at)]) if 0 <= at < end else 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = buffer[end + 4 + length :]
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Reply(int(buffer[9:12]), buffer[:end], buffer[end + 4 : end + 4 + length]))

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Raises ConnectionError (through the future) when the connection ends first."""
        if self.lost or self._transport is None:
            raise ConnectionError("the connection has ended")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def connect(port: int) -> Wire:
    _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port)
    return wire


@dataclass
class Caller:
    """Someone who talks to a service on loopback; a broken connection is opened again at the next request."""

    port: int
    token: str | None = None
    _wire: Wire | None = field(default=None, repr=False)

    async def ask(
        self, method: str, path: str, body: Any = None, *, form: bool = False, within: float = Deadline, **headers: str
    ) -> Reply:
        """Raises OSError (ConnectionError, TimeoutError)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        raw = b""
        if form:
            sent["content-type"] = "application/x-www-form-urlencoded"
            raw = urllib.parse.urlencode(body).encode()
        elif body is not None:
            sent["content-type"] = "application/json"
            raw = json.dumps(body).encode()
        try:
            async with asyncio.timeout(within):
                if self._wire is None or self._wire.lost:
                    self._wire = await connect(self.port)
                return await self._wire.ask(request(method, path, sent, raw))
        except BaseException:
            self.close()
            raise

    async def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        return _good(await self.ask("GET", path), path)

    async def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return _good(await self.ask("POST", path, body if body is not None else {}, **more), path)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def _good(reply: Reply, path: str) -> Any:
    if reply.status not in {200, 201}:
        raise RuntimeError(f"{path}: {reply.status} {reply.body[:300]!r}")
    return reply.json()


async def until(condition: Any, within: float, *, every: float = 0.05) -> float:
    """Wait until `await condition()` is true; the seconds it took. Raises TimeoutError."""
    began = time.monotonic()
    while not await condition():
        if time.monotonic() - began > within:
            raise TimeoutError(f"not within {within} s")
        await asyncio.sleep(every)
    return time.monotonic() - began
