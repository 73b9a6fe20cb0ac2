"""Events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from teleflow.api.v1.streaming import LAST_S, Ended, Place, Streaming, in_time
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.events import EventFilter, LoggedEvent
from teleflow.model.users import Principal
from teleflow.wire.instants import iso

_BYTES_AT_ONCE = 64 * 1024
_RETRY_MS = 2_000
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # proxies that gather an answer before they pass it on
}


class EventStream(Response):
    """One reader. `still` raises when what proved them is over, and tells what they may see now."""

    def __init__(
        self,
        streaming: Streaming,
        principal: Principal,
        wanted: EventFilter,
        place: Place,
        still: Callable[[], Awaitable[Principal]],
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._streaming = streaming
        self._principal = principal
        self._wanted = wanted
        self._place = place
        self._still = still

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streaming.events.reading(self._principal) as reader:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            ended = await self._streaming.run(
                self._principal,
                reader,
                self._place,
                _Lines(send, self._wanted, self._streaming.clock),
                still=self._still,
                gone=_disconnected(receive),
                scope=scope,
            )
            if ended is not Ended.GONE:
                await _end(scope, send, ended)


class _Lines:
    """The reader as lines of text."""

    def __init__(self, send: Send, wanted: EventFilter, clock: Clock) -> None:
        self._send = send
        self._types = wanted.named_types
        self._session_ids = wanted.session_ids
        self._clock = clock

    async def connected(self, cursor: str) -> None:
        at = iso(milliseconds(self._clock.time()))
        data = f'{{"type":"connected","timestamp":"{at}","cursor":"{cursor}"}}'
        await self._put(f"retry: {_RETRY_MS}\ndata: {data}\nid: {cursor}\n\n".encode())

    async def reset(self, oldest: str) -> None:
        data = f'{{"type":"stream.reset","oldestCursor":"{oldest}"}}'
        await self._put(f"event: stream.reset\ndata: {data}\nid: {oldest}\n\n".encode())

    async def events(self, place: Place, found: Sequence[LoggedEvent]) -> int | None:  # noqa: ARG002 - it can't move
        parts: list[bytes] = []
        size, last = 0, None
        for event in found:
            if event.type in self._types and (self._session_ids is None or event.session_id in self._session_ids):
                part = b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.type.encode(), event.body)
                parts.append(part)
                size += len(part)
                last = event.number
                if size >= _BYTES_AT_ONCE:
                    await self._put(b"".join(parts))
                    parts, size = [], 0
        if parts:
            await self._put(b"".join(parts))
        return last

    async def beat(self, cursor: str | None) -> None:
        # A block of an id and no data is no event, but it is where a browser goes on.
        await self._put(b": heartbeat\n\n" if cursor is None else f": heartbeat\nid: {cursor}\n\n".encode())

    async def told_place(self, cursor: str) -> None:
        await self._put(f"id: {cursor}\n\n".encode())

    async def _put(self, body: bytes) -> None:
        await in_time(self._send({"type": "http.response.body", "body": body, "more_body": True}))


async def _end(scope: Scope, send: Send, ended: Ended) -> None:
    """The reason, and the end. For a reader who takes nothing it is put behind what waits already."""
    last = f'event: stream.closed\ndata: {{"type":"stream.closed","reason":"{ended}"}}\n\n'.encode()
    cut: Any = scope.get("state", {}).get("cut")
    try:
        if ended is Ended.SLOW and cut is not None:
            cut(last)
            return
        await in_time(send({"type": "http.response.body", "body": last, "more_body": False}), LAST_S)
    except TimeoutError:
        if cut is not None:
            cut(last)


async def _disconnected(receive: Receive) -> Ended:
    while (await receive())["type"] != "http.disconnect":
        pass
    return Ended.GONE
