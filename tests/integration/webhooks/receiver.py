"""An endpoint that remembers what it was sent, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Got:
    headers: dict[str, str]
    body: bytes
    path: str = "/"

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["x-teleflow-delivery-id"]


Answer = Callable[[Got], "web.StreamResponse | int | Awaitable[web.StreamResponse]"]


class Receiver:
    """`answer(got)` gives a status, a response, or an awaitable of one."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Answer = lambda _: 200
        self.port = 0
        self.request: web.Request | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.request = request
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(headers, await request.read(), request.path)
        self.got.append(got)
        answer: Any = self.answer(got)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return web.Response(status=answer, text=f"said {answer}") if isinstance(answer, int) else answer

    async def count(self, number: int, within: float = 15) -> list[Got]:
        """What it was sent, once it is so many."""
        async with asyncio.timeout(within):
            while len(self.got) < number:
                await asyncio.sleep(0.01)
        return self.got


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{tail:.*}", receiver._handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
