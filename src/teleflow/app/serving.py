"""The service as a process: it listens, tells who started it, and stops in good order."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from teleflow.app.gateway import Gateway
from teleflow.config import Settings, manager
from teleflow.errors import SettingsError
from teleflow.kit import process
from teleflow.kit.clock import SystemClock, loop_time
from teleflow.kit.notify import Notify
from teleflow.kit.tasks import Tasks
from teleflow.services.users import FirstAdmin
from teleflow.services.virtual_phones import VirtualPhones

_CLOSING = 0.2  # of the time that a stop may take: for what is closed after the last answer
_FILES_BESIDE_SESSIONS = 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What stands when the service listens. `first_admin` only at the first start."""

    url: str
    first_admin: FirstAdmin | None


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[Ready], Awaitable[None] | None] | None = None,
    virtual_phones: VirtualPhones | None = None,
) -> None:
    """Run the service until SIGTERM or SIGINT. Raises SettingsError when it can't start."""
    process.raise_file_limit(few=_FILES_BESIDE_SESSIONS * 2)
    # The sessions connect while a thread makes the routes: the loop is not to wait for it.
    sys.setswitchinterval(5e-5)
    sockets = [_listen(settings.host, settings.port)]
    beside: list[socket.socket] = []
    try:
        if settings.metrics_port is not None:
            beside.append(_listen(settings.metrics_host, settings.metrics_port, "METRICS_HOST, METRICS_PORT"))
        async with Gateway(settings, virtual_phones=virtual_phones) as gateway:
            host, port = sockets[0].getsockname()[:2]
            gateway.egress.own_ports.add(port)
            shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
            process.tune_for_a_busy_loop()
            ready = Ready(f"http://{f'[{shown}]' if ':' in shown else shown}:{port}", gateway.first_admin)
            metrics = [(gateway.metrics_app(), one) for one in beside]
            for one in beside:
                gateway.egress.own_ports.add(one.getsockname()[1])
            await listen(gateway, sockets, metrics, on_listening=lambda: on_ready(ready) if on_ready else None)
    finally:
        for one in [*sockets, *beside]:
            one.close()


async def listen(
    gateway: Gateway,
    sockets: list[socket.socket],
    beside: Sequence[tuple[Any, socket.socket]] = (),
    *,
    on_listening: Callable[[], Awaitable[None] | None],
) -> None:
    """Serve HTTP on these sockets, and other applications on theirs, until a stop signal.

    Then nothing new is taken, and what is under way is settled, in STOP_WITHIN_SECONDS at most. A second signal ends
    the process at once.
    """
    from teleflow.api.server import HttpServer  # as `_build_app`: by now it has come with the application

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    servers = [HttpServer(gateway.app, one, clock=SystemClock()) for one in sockets]
    others = [HttpServer(app, one, clock=SystemClock()) for app, one in beside]
    told = manager()
    notify, alive = Notify(told.address), Tasks("manager")
    try:
        for server in (*servers, *others):
            await server.start()
        outcome = on_listening()
        if outcome is not None:
            await outcome
        notify.tell("READY=1")
        if told.watchdog_s is not None:
            alive.start(notify.stay_alive(told.watchdog_s, SystemClock()), "watchdog")
        await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        notify.tell("STOPPING=1")
        until = loop_time() + gateway.settings.stop_within_seconds * (1 - _CLOSING)
        for server in servers:
            await server.stop(grace=until - loop_time())
        await gateway.drain(until)
        for server in others:  # whoever watches sees it to its end
            await server.stop(grace=1)
        await alive.close()


def _listen(host: str, port: int, named: str = "HOST, PORT") -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(f"{named}: can't listen on {host}:{port}: {error.strerror}") from error
    listening.setblocking(False)
    return listening
