"""From the data centre's push to the bytes at a reader of server-sent events, and what a stuck reader costs.

The service runs on core 0 with SQLite and full sync, the data centre and the reader on core 1 in this process, so that
one clock tells both ends. A message carries the moment before the data centre begins with it: what that does until the
push has left is in the figure. Then 50,000 events happen while one reader over SSE and one over WebSocket take nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.machine import rss_kib
from proofs.outcome import Outcome
from proofs.people import by_http
from proofs.process import GatewayProcess, kept
from proofs.wire import Caller, until
from teleflow.sandbox.embedded import Sandbox, running

P50_MS = 10.0
RATE = 500  # events a second
SECONDS = 8.0
WARM_UP = 1_000  # events
STUCK_EVENTS = 50_000
STUCK_RATE = 1_250
SETTLED_BY = 25_000  # events after which the service's own stores have their size
ASLEEP_S = 25.0
GROWTH_MIB = 16.0
LATE_S = 60.0
_WRITERS = [f"+1555055{number:04}" for number in range(20)]
_MOMENT = re.compile(rb'"text":"at (\d+\.\d+)","date":\d+,"isOutgoing":false,"chatType"')
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@dataclass
class _Near:
    """The data centre in this process, as those see it who would have it in another."""

    control: Caller
    info: dict[str, Any]


class _Lines(asyncio.Protocol):
    """A reader: how long each event took, in milliseconds."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        text = self._rest + data
        end = 0
        for found in _MOMENT.finditer(text):
            self.took.append((now - float(found[1])) * 1000)
            end = found.end()
        self._rest = text[max(end, len(text) - 4096) :]


async def run(rounds: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made, _pinned(1):
        folder = Path(made)
        async with running(pq_bits=30) as sandbox:
            near = _Near(Caller(int(sandbox.control_url.rsplit(":", 1)[1])), _info(sandbox))
            gateway = GatewayProcess(folder, near.info, core=0)
            async with kept(gateway):
                await gateway.start()
                (person,) = await by_http(gateway, near, 1)  # type: ignore[arg-type]
                for number, phone in enumerate(_WRITERS):
                    sandbox.control.create_account({"phone": phone, "firstName": f"Writer{number}"})
                await _latency(outcome, sandbox, gateway, person, rounds)
                await _stuck(outcome, sandbox, gateway, person)
                outcome.loop(gateway.lag)
    return outcome


def _info(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "dcId": sandbox.dc_id,
        "host": sandbox.host,
        "port": sandbox.port,
        "publicKeyFile": str(sandbox.public_key_file),
    }


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    if core in before:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def _happen(sandbox: Sandbox, to: str, count: int, rate: float) -> None:
    """Messages from all writers in turn, by schedule."""
    began = time.perf_counter()
    for number in range(count):
        wait = began + number / rate - time.perf_counter()
        if wait > 0 or number % 10 == 0:
            await asyncio.sleep(max(0.0, wait))
        body = {"do": "send", "to": to, "text": f"at {time.perf_counter():.6f}"}
        await sandbox.control.act(_WRITERS[number % len(_WRITERS)], body)


async def _latency(outcome: Outcome, sandbox: Sandbox, gateway: GatewayProcess, person: Any, rounds: int) -> None:
    transport, reader = await asyncio.get_running_loop().create_connection(_Lines, "127.0.0.1", gateway.port)
    transport.write(_request("/api/v1/events?types=message.received", person.token))
    await asyncio.sleep(0.3)
    await _happen(sandbox, person.phone, WARM_UP, RATE)
    await _until(lambda: len(reader.took) >= WARM_UP)
    medians, everything = [], []
    for _ in range(rounds):
        reader.took.clear()
        count = int(RATE * SECONDS)
        began = time.perf_counter()
        await _happen(sandbox, person.phone, count, RATE)
        reached = count / (time.perf_counter() - began)
        await _until(lambda: len(reader.took) >= count)  # noqa: B023
        medians.append(statistics.median(reader.took))
        everything += reader.took
        outcome.fact(f"{count:,} events at {reached:.0f} a second: p50 ms", f"{medians[-1]:.2f}")
    transport.abort()
    everything.sort()
    shown = [everything[int(len(everything) * share)] for share in (0.9, 0.99)]
    outcome.fact("all of them: p90, p99, max ms", "{:.2f}, {:.2f}, {:.2f}".format(*shown, everything[-1]))
    outcome.at_most("from the push to the reader's bytes, p50", P50_MS, statistics.median(medians), "ms")


async def _stuck(outcome: Outcome, sandbox: Sandbox, gateway: GatewayProcess, person: Any) -> None:
    caller = gateway.caller(person.token)
    await _happen(sandbox, person.phone, SETTLED_BY, 2 * STUCK_RATE)
    await _logged(caller)
    before = rss_kib(gateway.pid)
    peak, cuts = before, 0
    stuck = [
        asyncio.create_task(_taking_nothing(gateway.port, path, person.token, more))
        for path, more in (("/api/v1/events", ""), ("/api/v1/ws", _UPGRADE))
    ]
    happening = asyncio.create_task(_happen(sandbox, person.phone, STUCK_EVENTS, STUCK_RATE))
    began = time.perf_counter()
    while not happening.done():
        await asyncio.wait({happening}, timeout=0.5)
        peak = max(peak, rss_kib(gateway.pid))
    await happening
    reached = STUCK_EVENTS / (time.perf_counter() - began)
    await _logged(caller)
    peak = max(peak, rss_kib(gateway.pid))
    for task in stuck:
        task.cancel()
    done = await asyncio.gather(*stuck, return_exceptions=True)
    cuts = sum(count for count in done if isinstance(count, int))
    caller.close()
    outcome.fact("events with two stuck readers, a second", f"{STUCK_EVENTS:,} at {reached:,.0f}")
    outcome.at_least("  times that a stuck reader was cut off and told so", 2, cuts)
    outcome.at_most("  growth of the service at its peak", GROWTH_MIB, (peak - before) / 1024, "MiB")


async def _taking_nothing(port: int, path: str, token: str, more: str) -> int:
    """Connect, take nothing for a while, then look how it ended; how often one was cut off and told so."""
    loop = asyncio.get_running_loop()
    cuts = 0
    with suppress(asyncio.CancelledError):
        while True:
            with socket.socket() as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.setblocking(False)
                await loop.sock_connect(one, ("127.0.0.1", port))
                await loop.sock_sendall(one, _request(path, token, more))
                await asyncio.sleep(ASLEEP_S)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
                last = b""
                with suppress(ConnectionError):
                    while part := await loop.sock_recv(one, 65_536):
                        last = (last + part)[-200:]
                cuts += b"slow" in last
    return cuts


async def _logged(caller: Caller) -> None:
    """Until the log does not grow any more."""
    newest = ""
    for _ in range(int(LATE_S)):
        cursor = newest or "c0"
        while (page := (await caller.get(f"/api/v1/events/log?limit=1000&after={cursor}"))["data"])["hasMore"]:
            cursor = page["nextCursor"]
        if page["nextCursor"] == newest:
            return
        newest = page["nextCursor"]
        await asyncio.sleep(1.0)


async def _until(there: Callable[[], bool]) -> None:
    async def is_there() -> bool:
        return there()

    await until(is_there, LATE_S, every=0.02)


def _request(path: str, token: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()
