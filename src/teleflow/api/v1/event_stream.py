"""Events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Promises: what a reader has not taken waits in the log and not in memory; one that takes nothing for ten seconds is cut
off, and goes on with `Last-Event-ID`; the stream ends within five seconds of the end of what proved its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from teleflow.errors import TeleFlowError, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.events import EventFilter, LoggedEvent
from teleflow.model.users import Principal
from teleflow.services.events import CursorExpired, Events, cursor_of
from teleflow.wire.instants import iso

_log = structlog.get_logger(__name__)
HEARTBEAT_S = 30.0
CHECK_S = 4.0  # how often it is asked whether the reader may still read
TAKE_S = 10.0
_BYTES_AT_ONCE = 64 * 1024
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # proxies that gather an answer before they pass it on
}


class EventStream(Response):
    """One reader. `still` raises Unauthenticated when what proved them is over, and tells what they may see now."""

    def __init__(
        self,
        events: Events,
        principal: Principal,
        wanted: EventFilter,
        clock: Clock,
        *,
        number: int | CursorExpired,
        still: Callable[[], Awaitable[Principal]],
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._events = events
        self._principal = principal
        self._wanted = wanted
        self._clock = clock
        self._number = number
        self._still = still

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        with self._events.reading(self._principal) as reader:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            tasks = Tasks("stream")
            gone = tasks.start(_disconnected(receive), "stream.gone")
            work = tasks.start(self._told_or_cut(reader.wait, send), "stream.tell")
            try:
                await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await tasks.close(timeout=1)

    async def _told_or_cut(self, wait: Callable[[float], Awaitable[bool]], send: Send) -> None:
        try:
            await self._tell(wait, send)
        except TimeoutError:
            _log.info("stream.cut", reason="slow", user=self._principal.user_id)

    async def _tell(self, wait: Callable[[float], Awaitable[bool]], send: Send) -> None:
        now = self._clock.monotonic
        start = {"type": "connected", "timestamp": iso(milliseconds(self._clock.time()))}
        await _put(send, f'retry: 2000\ndata: {{"type":"connected","timestamp":"{start["timestamp"]}"}}\n\n'.encode())
        number = await self._begin(send)
        spoken = checked = now()
        while True:
            found = await self._events.after(self._principal.user_id, number)
            if found:
                if found[0].number != number + 1:  # the log was cut under a reader who was far behind
                    await self._reset(send, found[0].number)
                number = found[-1].number
                if await self._pass_on(send, found):
                    spoken = now()
            else:
                await wait(min(CHECK_S, HEARTBEAT_S))
            if now() - checked >= CHECK_S:
                checked = now()
                if not await self._may_go_on(send):
                    return
            if now() - spoken >= HEARTBEAT_S:
                spoken = now()
                await _put(send, b": heartbeat\n\n")

    async def _begin(self, send: Send) -> int:
        if isinstance(self._number, CursorExpired):
            await self._reset(send, self._number.oldest)
            return self._number.oldest - 1
        return self._number

    async def _reset(self, send: Send, oldest: int) -> None:
        """What was before this one is gone: said, and not left to be noticed."""
        cursor = cursor_of(oldest - 1)
        data = f'{{"type":"stream.reset","oldestCursor":"{cursor}"}}'
        await _put(send, f"event: stream.reset\ndata: {data}\n\n".encode())

    async def _pass_on(self, send: Send, found: list[LoggedEvent]) -> bool:
        parts: list[bytes] = []
        size = 0
        for event in found:
            if self._wanted.wants(event.type, event.session_id):
                part = b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.type.encode(), event.body)
                parts.append(part)
                size += len(part)
                if size >= _BYTES_AT_ONCE:
                    await _put(send, b"".join(parts))
                    parts, size = [], 0
        if parts:
            await _put(send, b"".join(parts))
        return bool(parts)

    async def _may_go_on(self, send: Send) -> bool:
        try:
            principal = await self._still()
        except Unauthenticated:
            await _put(send, b'event: auth.expired\ndata: {"type":"auth.expired"}\n\n')
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return False
        except TeleFlowError:
            return True  # the database is away for a moment: nothing is known, and nothing is passed on either
        if principal.session_ids != self._principal.session_ids:
            await _put(send, b'event: auth.expired\ndata: {"type":"auth.expired"}\n\n')
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return False
        return True


async def _put(send: Send, body: bytes) -> None:
    """Raises TimeoutError for a reader who takes nothing."""
    async with asyncio.timeout(TAKE_S):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
