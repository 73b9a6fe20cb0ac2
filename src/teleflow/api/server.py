"""The HTTP server around the application: uvicorn's protocol, held so that it cannot surprise us.

Promises: a head of a request has a size and a time to come in, an answer has a time in which it must be taken, and
bytes that belong to no request keep no connection open; what cannot be parsed gets an answer of our form; headers
of a proxy are not believed; the server does not name itself; signals and the event loop stay with whoever runs us;
an idle server wakes up once a second; streams hear of a stop at once, and may say so to their readers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from email.utils import formatdate
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from teleflow.api.edge import SECURITY_HEADERS
from teleflow.api.errors import error_answer
from teleflow.api.sockets import MESSAGE_BYTES, PING_S, PONG_S, SocketProtocol, is_handshake
from teleflow.errors import Invalid, Malformed
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks

GRACE = 20.0  # seconds that requests under way may take when we stop
HEAD_TIME = 15.0  # seconds in which a request's head must have come
HEAD_BYTES = 64 * 1024
TAKE_TIME = 60.0  # seconds in which a caller must have taken some of an answer that fills the buffer
CUT_TIME = 30.0  # seconds in which the last words of an answer that was cut must have been taken
_STATUS_LINES = {400: b"HTTP/1.1 400 Bad Request", 431: b"HTTP/1.1 431 Request Header Fields Too Large"}


class HttpServer:
    """Serves a listening socket from `start` to `stop`."""

    def __init__(self, app: ASGIApp, listening: socket.socket, *, clock: Clock) -> None:
        self._socket = listening
        self._clock = clock
        self._config = uvicorn.Config(
            app,
            loop="none",
            http=_Protocol,
            ws=SocketProtocol,
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PONG_S,
            ws_per_message_deflate=False,
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            log_level=None,
            timeout_keep_alive=75,
        )
        self._state = ServerState()
        self._stopping = asyncio.Event()
        self._tasks = Tasks("http")
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Returns when connections are accepted."""
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._config.load()
        self._state.default_headers = [self._date()]
        self._tasks.start(self._tick(), "http.date")
        # Taken over by what it accepts. asyncio sees to it for its own sockets only, and without it a small frame waits
        # up to 40 ms for the acknowledgement of the one before.
        if self._socket.family in {socket.AF_INET, socket.AF_INET6}:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = await asyncio.get_running_loop().create_server(self._protocol, sock=self._socket)

    async def stop(self, *, grace: float = GRACE) -> None:
        """Take no more, and let what is under way end, at most `grace` seconds. Streams are told to end now."""
        if self._server is None:
            return
        self._stopping.set()
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=grace)
        # The connections go first: a request that is cut off gets no answer, for an error would be a promise.
        for connection in list(self._state.connections):
            connection.transport.abort()
        late = list(self._state.tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self._tasks.close()

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(self._config, self._state, {"stopping": self._stopping})

    async def _tick(self) -> None:
        """Keep the Date header right."""
        while True:
            await self._clock.sleep(1)
            self._state.default_headers = [self._date()]

    def _date(self) -> tuple[bytes, bytes]:
        return b"date", formatdate(self._clock.time(), usegmt=True).encode()


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with bounds on the head of a request."""

    def __init__(self, config: uvicorn.Config, state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, state, app_state)
        self.access_log = False  # whatever others made of uvicorn's logger: tickets stand in URLs
        self._head_bytes = 0
        self._in_head = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))
        self._head_timer = self.loop.call_later(HEAD_TIME, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
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
        # A body may come with its head in one read: what counts is a head that is not over after that.
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:  # it is a WebSocket now
            return
        if self._head_timer is None and (self._in_head or self._is_idle()):
            self._head_timer = self.loop.call_later(HEAD_TIME, self.transport.abort)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, Invalid("The headers are too large", code="HEADERS_TOO_LARGE"))

    def _should_upgrade(self) -> bool:
        return is_handshake(self.parser.get_method(), self.url, self.headers)

    def _is_idle(self) -> bool:
        """Everything is answered. Whatever just came (it ended uvicorn's own wait) must become a request soon."""
        return self.cycle is None or self.cycle.response_complete

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["cut"] = self.cut
        self._in_head, self._head_bytes = True, 0

    def cut(self, last: bytes) -> None:
        """End the chunked answer under way though its reader takes nothing: `last` goes behind what waits already."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or self.transport.is_closing():
            return
        self.transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last) if cycle.chunked_encoding else last)
        cycle.response_complete = True
        self.transport.close()
        self.loop.call_later(CUT_TIME, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn calls this for what it can't parse."""
        del msg
        self._refuse(400, Malformed("This is not HTTP as we understand it"))

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, error: Invalid) -> None:
        request_id = secrets.token_hex(8)
        answer = error_answer(error, request_id)
        headers = [
            *self.server_state.default_headers,
            *answer.headers,
            *SECURITY_HEADERS,
            (b"x-request-id", request_id.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"connection", b"close"),
        ]
        lines = [_STATUS_LINES[status], *(name + b": " + value for name, value in headers)]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + answer.body)
        self.transport.close()


class _Joining:
    """A transport on which the head of an answer waits for its body, until this turn of the loop ends at most.

    Most answers are one small body: so they are one packet and one system call, and a third less work.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():  # nobody is there to read it, and some transports raise
            self._held = b""
            return
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._held = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
