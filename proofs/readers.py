"""Readers of event streams, as a careful program writes them: SSE over a socket of its own, and WebSocket.

Each remembers where it is once it has an event whole, and goes on from there however its connection ended.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from proofs.wire import Caller

CONNECT_WITHIN = 10.0
AGAIN_S = 0.1


class Refused(Exception):
    """The stream was not opened: the answer's first bytes."""


@dataclass
class Reader:
    """`start` is where it began; `after` where it is; `closed` what it was told at an end that was told."""

    kind: str
    port: int
    token: str
    types: str
    sessions: frozenset[str]
    chance: random.Random
    stay_s: float = 1.0
    with_tickets: bool = True
    key: str | None = None
    start: str | None = None
    after: str | None = None
    seen: list[str] = field(default_factory=list)
    foreign: int = 0
    resets: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    opened: int = 0
    drops: int = 0
    done: bool = False

    async def run(self) -> None:
        """Until it is cancelled, or done: connect, read for a while, drop, go on."""
        while not self.done:
            self.drops += 1
            stay = self.chance.expovariate(1 / self.stay_s)
            with suppress(OSError, EOFError, TimeoutError, ConnectionClosed, InvalidHandshake, Refused, ValueError):
                async with asyncio.timeout(stay):
                    await self.once()
            await asyncio.sleep(self.chance.random() * AGAIN_S)

    async def once(self) -> None:
        """One connection, to its end."""
        async with asyncio.timeout(CONNECT_WITHIN):
            ticket = await self._ticket() if self.with_tickets and self.chance.random() < 0.3 else None
        if self.kind == "SSE":
            await self._over_lines(ticket)
        else:
            await self._over_frames(ticket)

    def _headers(self, ticket: str | None) -> dict[str, str]:
        if ticket is not None:
            return {}
        return {"X-API-Key": self.key} if self.key else {"Authorization": f"Bearer {self.token}"}

    async def _ticket(self) -> str:
        caller = Caller(self.port, self.token)
        try:
            return str((await caller.post("/api/v1/events/tickets", {}))["data"]["ticket"])
        except RuntimeError as error:
            raise Refused(str(error)) from error
        finally:
            caller.close()

    async def _over_lines(self, ticket: str | None) -> None:
        query = {"types": self.types} | ({"ticket": ticket} if ticket else {})
        headers = self._headers(ticket)
        if self.after is not None and self.chance.random() < 0.5:
            query["after"] = self.after
        elif self.after is not None:
            headers["Last-Event-ID"] = self.after
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET /api/v1/events?{urlencode(query)} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Refused(head[:100])
            self.opened += 1
            async for block in _blocks(reader):
                self._block(block)
        finally:
            writer.transport.abort()

    def _block(self, block: dict[str, str]) -> None:
        data = json.loads(block["data"]) if "data" in block else {}
        if "data" in data:
            self._saw(data)
        else:
            self._told(data)
        if "id" in block:
            self.after = block["id"]

    async def _over_frames(self, ticket: str | None) -> None:
        query = {"types": self.types} | ({"ticket": ticket} if ticket else {})
        by_frame = self.after is not None and self.chance.random() < 0.5
        if self.after is not None and not by_frame:
            query["after"] = self.after
        url = f"ws://127.0.0.1:{self.port}/api/v1/ws?{urlencode(query)}"
        async with connect(
            url, additional_headers=self._headers(ticket), proxy=None, compression=None, close_timeout=0.1
        ) as connection:
            self.opened += 1
            if by_frame:
                await connection.send(json.dumps({"action": "resume", "after": self.after}))
            waiting = by_frame
            while True:
                frame = json.loads(await connection.recv())
                if waiting:  # what comes before the answer is not what was asked for
                    waiting = frame["type"] != "resumed"
                elif "data" in frame:
                    self._saw(frame)
                    self.after = frame["id"]
                else:
                    self._told(frame)

    def _saw(self, event: dict[str, Any]) -> None:
        self.seen.append(event["id"])
        if event["sessionId"] not in self.sessions:
            self.foreign += 1

    def _told(self, told: dict[str, Any]) -> None:
        kind = told.get("type")
        if kind == "connected" and self.start is None:
            self.start = self.after = told["cursor"]
        elif kind == "stream.reset":
            self.after = told["oldestCursor"]
            self.resets.append(told["oldestCursor"])
        elif kind == "stream.cursor":
            self.after = told["cursor"]
        elif kind == "stream.closed":
            self.closed.append(told["reason"])


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
    """Server-sent events out of a chunked answer, as fields by name."""
    text = b""
    while True:
        size = int(await reader.readline(), 16)
        if not size:
            return
        text += (await reader.readexactly(size + 2))[:-2]
        *whole, text = text.split(b"\n\n")
        for block in whole:
            lines = [line.partition(": ") for line in block.decode().split("\n")]
            yield {name: value for name, _, value in lines}
