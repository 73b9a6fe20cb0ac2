"""Idle sessions are cheap: at most 48 KiB each, 2 % of a core for a thousand; all are back 3 s after a restart.

Two processes of the same kind are compared: the empty service, and one in which every session is online and quiet.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from proofs.machine import core_wait_seconds, cpu_seconds, rss_kib
from proofs.outcome import Outcome
from proofs.people import Person, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import until

KIB = 48.0
QUIET_S = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """`percent` of a core for a thousand sessions, `back` in seconds: the bounds."""

    sessions: int
    seconds: float
    settle: float
    percent: float
    back: float


# Within a quarter of a minute of its link a session asks once what it may have missed: idle is what comes after that.
# The long form watches whole periods: all sessions ask how they stand once in 45 s, those of one start all at once.
# The promise is the long form's. The short one, for machines of any speed, has room: two hundred share neither the
# loop's waking up nor its caches as a thousand do, times five; and most of a restart is the interpreter's start.
SHORT = Scale(sessions=200, seconds=20.0, settle=16.0, percent=10.0, back=6.0)
LONG = Scale(sessions=1000, seconds=90.0, settle=20.0, percent=2.0, back=3.0)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    people = await seeded(scale.sessions, tokens=True)
    count = len(people.people)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        full = GatewayProcess(folder, sandbox.info, lag_every=0.05, TELEGRAM_CONNECT_RATE="0")
        empty = GatewayProcess(folder / "empty", sandbox.info, lag_every=0.05, TELEGRAM_CONNECT_RATE="0")
        async with kept(full, empty, sandbox):
            await empty.start()
            await empty.stop()  # its first start made the admin, whose password took memory to hash
            await empty.start()
            await full.start()
            await sandbox.all_introduced(people.people, since=0, within=60)
            await asyncio.gather(_asked(empty), _asked(full))
            await asyncio.sleep(scale.settle)
            await _quiet(sandbox)
            base, with_all = rss_kib(empty.pid), rss_kib(full.pid)
            cpu_full, cpu_empty = await _cpu(full, empty, scale.seconds)
            listening, back, waited = await _restart(full, sandbox, people.people)
            outcome.fact("sessions online", count)
            outcome.fact("memory: empty service, with sessions", f"{base / 1024:.1f} MiB, {with_all / 1024:.1f} MiB")
            outcome.at_most("memory of a session", KIB, (with_all - base) / count, "KiB")
            outcome.fact("CPU of the empty service", f"{cpu_empty:.2f} % of a core")
            added = (cpu_full - cpu_empty) * 1000 / count
            outcome.at_most("CPU of 1,000 sessions over the empty service", scale.percent, added, "%")
            outcome.fact("listens after a restart", f"{listening:.2f} s after the process was started")
            within = scale.back
            outcome.at_most("all online after a restart, from the process's start on", within, back - waited, "s")
            outcome.fact("the same with its waits for a core", f"{back:.2f} s")
            outcome.loop(full.lag)
    return outcome


async def _cpu(full: GatewayProcess, empty: GatewayProcess, seconds: float) -> tuple[float, float]:
    """Percent of a core that each used while nothing happened."""
    before = [cpu_seconds(full.pid), cpu_seconds(empty.pid)]
    began = time.monotonic()
    await asyncio.sleep(seconds)
    after = [cpu_seconds(full.pid), cpu_seconds(empty.pid)]
    passed = time.monotonic() - began
    used = [(later - earlier) / passed * 100 for earlier, later in zip(before, after, strict=True)]
    return used[0], used[1]


async def _asked(gateway: GatewayProcess) -> None:
    """Both have answered the same requests: what is loaded at the first one is no session's memory."""
    caller = gateway.caller()
    for path in ("/health", "/version", "/openapi.json"):
        await caller.get(path)
    caller.close()


async def _quiet(sandbox: SandboxProcess) -> None:
    """Until nobody asks for anything any more: on a slow machine they take their time."""
    asked = -1

    async def nothing_new() -> bool:
        nonlocal asked
        before, asked = asked, await sandbox.last_call()
        return asked == before

    await until(nothing_new, 60.0, every=QUIET_S)


async def _restart(
    gateway: GatewayProcess, sandbox: SandboxProcess, people: list[Person]
) -> tuple[float, float, float]:
    """SIGTERM, start: seconds from the process's start until it listens, and until the last one is online again; how
    many of the latter it was ready to run and had no core, as others had them.
    """
    await gateway.stop()
    left = sum(row["endedAt"] is None for row in await sandbox.connections())
    if left:
        raise RuntimeError(f"{left} connections are left of a service that has ended")
    since = await sandbox.last_call()
    began = time.time()
    starting = asyncio.create_task(gateway.start())
    waits: list[tuple[float, float]] = []  # sessions connect before anybody is listened to

    async def started() -> bool:
        with suppress(RuntimeError, FileNotFoundError):  # not there yet
            waits.append((time.time(), core_wait_seconds(gateway.pid)))
        return starting.done()

    await until(started, 60.0, every=0.02)
    await starting
    listening = time.time() - began
    back = await sandbox.all_introduced(people, since=since, within=60)
    return listening, back - began, max((waited for at, waited in waits if at <= back), default=0.0)
