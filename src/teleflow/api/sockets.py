"""WebSocket connections: uvicorn's protocol, with bounds on what a client may send.

Promises: a message has a size, and ten seconds a number of frames, whatever their kind; nothing is compressed, so that
nothing can burst; who breaks a rule is told by the close code (1002, 1007, 1008, 1009); who takes nothing is cut off; a
peer that answers no ping for twenty seconds is gone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, cast

import structlog
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame

from teleflow.api.v1.admission import SOCKET
from teleflow.kit.clock import loop_time

_log = structlog.get_logger(__name__)
MESSAGE_BYTES = 64 * 1024
FRAMES = 200  # that a client may send in `FRAMES_S`
FRAMES_S = 10.0
PING_S = 30.0
PONG_S = 20.0
TAKE_TIME = 60.0  # seconds in which a reader must have taken some of what fills the buffer
LAST_TIME = 5.0  # seconds in which a close frame must have been taken
CUT_TIME = 30.0  # the same, of a reader who took nothing
_SLICE = 4 * 1024  # bytes that are parsed at once: many tiny frames must not hold up the loop
_MOST_LINE = 8_000  # what the handshake's parser takes
_MOST_HEADERS = 100
_PATH = SOCKET.encode()
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


def is_handshake(method: bytes, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether this is a request that a WebSocket can come of. Everything else stays plain HTTP, and is told so."""
    if method != b"GET" or url.partition(b"?")[0] != _PATH or not url.isascii() or len(url) > _MOST_LINE:
        return False
    if len(headers) > _MOST_HEADERS or any(len(name) + len(value) > _MOST_LINE for name, value in headers):
        return False
    named: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        named.setdefault(name, []).append(value.strip())
    tokens = b",".join(named.get(b"connection", [])).lower().split(b",")
    key = named.get(b"sec-websocket-key", [])
    return (
        [value.lower() for value in named.get(b"upgrade", [])] == [b"websocket"]
        and b"upgrade" in [token.strip() for token in tokens]
        and named.get(b"sec-websocket-version") == [b"13"]
        and len(key) == 1
        and _KEY.fullmatch(key[0]) is not None
    )


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection, from its handshake on."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "cut": self.cut}, _loop)
        self._failed = False
        self._since = loop_time()
        self._count = 0
        self._take_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", _Gathering(cast("asyncio.Transport", transport), self.loop)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._take_timer = self.loop.call_later(TAKE_TIME, self.transport.abort)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self._failed or self.transport.is_closing():
                return
            try:
                super().data_received(data[start : start + _SLICE])
            except Exception:  # noqa: BLE001 - what the parser did not foresee ends this connection and nothing else
                _log.exception("socket.failed")
                self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # it was refused, which is an end too

    def eof_received(self) -> None:
        self.transport.close()

    def handle_events(self) -> None:
        super().handle_events()
        if not self._failed and self._count > FRAMES:
            self._fail(1008, "too_many_frames")

    def handle_text(self, event: Frame) -> None:
        if self._counted():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if self._counted():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._counted():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self._counted():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._counted():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(1007, "not_utf8")
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """The parser has said why already."""
        closed = self.conn.close_sent
        self._fail(1002 if closed is None else closed.code, "" if closed is None else closed.reason)

    def shutdown(self) -> None:
        """The application is told by `stopping`, and ends its streams with a reason; nothing is cut off before that."""
        self.stop_keepalive()
        if not self.handshake_complete or self.close_sent:
            super().shutdown()

    def cut(self, code: int, reason: str) -> None:
        """End it though the peer takes nothing: the close goes behind what waits already."""
        self._fail(code, reason, within=CUT_TIME)

    def _counted(self) -> bool:
        """Count a frame; False for one too many in its time."""
        now = loop_time()
        if now - self._since >= FRAMES_S:
            self._since, self._count = now, 0
        self._count += 1
        return not self._failed and self._count <= FRAMES

    def _fail(self, code: int, reason: str, *, within: float = LAST_TIME) -> None:
        """Say why, stop listening, and close. Not at once: bytes that nobody reads would take the reason with them."""
        if self._failed:
            return
        self._failed = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if not self.close_sent:
            self.conn.fail(code, reason)
            self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_timer = self.loop.call_later(within, self.transport.abort)


class _Gathering:
    """A transport on which what is written in one round of the loop goes out together: many frames, one system call."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(b"".join(self._held))
        self._held.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
