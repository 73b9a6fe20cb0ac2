"""uvicorn inside a running event loop: started and stopped like any other part, signals left alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from teleflow.kit.tasks import Tasks


class _Server(uvicorn.Server):
    """Does not touch the process's signal handlers: they belong to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One ASGI application on one address."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=64 * 1024,
            limit_concurrency=512,
        )
        self._server = _Server(config)
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._tasks = Tasks("sandbox control")
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen; requests are answered as soon as this returns. Raises OSError when the address is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self._host, self._port))
            listening.listen(512)
        except OSError:
            listening.close()
            raise
        listening.setblocking(False)
        self._socket = listening
        host = f"[{self._host}]" if family == socket.AF_INET6 else self._host
        self.url = f"http://{host}:{listening.getsockname()[1]}"
        # The socket listens already, so a client that comes before uvicorn is up waits in its backlog.
        self._serving = self._tasks.start(self._server.serve(sockets=[listening]), "control server")

    async def stop(self) -> None:
        """Let open requests end for a second, then close."""
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=3)
        await self._tasks.close(timeout=2)
        if self._socket is not None:
            self._socket.close()
