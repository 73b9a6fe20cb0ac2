"""The load on the data centre, in a process of its own: one job, one line of figures.

A job gets the plan and returns its figures. What the data centre used of its core meanwhile is read from outside.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from proofs.bench import sandbox_files, sandbox_messages
from proofs.bench.sandbox_meter import Figures, Meter, Plan, introduced
from proofs.child import tell
from proofs.exchange import PublicKey, exchange
from proofs.lean import Lean
from proofs.machine import rss_kib
from teleflow.kit import process

Job = Callable[[Plan], Awaitable[dict[str, Any]]]
PING_EVERY = 60.0


def main(job: str, given: str) -> None:
    process.raise_file_limit()
    uvloop.run(_run(JOBS[job], json.loads(given)))


async def _run(job: Job, plan: Plan) -> None:
    """Ends with the first thing that goes wrong, also where nobody waits for it."""
    work = asyncio.ensure_future(job(plan))
    wrong: list[str] = []

    def seen(_loop: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
        wrong.append(f"{facts.get('message')}: {facts.get('exception')!r}")
        work.cancel()

    asyncio.get_running_loop().set_exception_handler(seen)
    try:
        tell(await work)
    except asyncio.CancelledError:
        sys.exit("; ".join(wrong))


async def handshakes(plan: Plan) -> Figures:
    """From the connect to `dh_gen_ok`, each on a connection of its own; `atOnce` under way at a time."""
    pem = await asyncio.to_thread(Path(plan["publicKeyFile"]).read_text)
    public, place = PublicKey.of(pem), (plan["host"], plan["port"])
    made: set[bytes] = set()

    async def some(until: float) -> None:
        while time.perf_counter() < until:
            made.add(await exchange(*place, public))

    await exchange(*place, public)
    meter = Meter(plan["pid"])
    with meter.running():
        until = time.perf_counter() + plan["seconds"]
        await asyncio.gather(*(some(until) for _ in range(plan["atOnce"])))
    return meter.figures(len(made))


async def sessions(plan: Plan) -> Figures:
    """Everybody connected and introduced; quiet for a while; then a sample of messages to those who were quiet."""
    count, pid = plan["people"], plan["pid"]
    coming, idle = Meter(pid), Meter(pid)
    gc.freeze()
    with coming.running():
        links = await introduced(plan, range(count))
    await asyncio.sleep(plan["settle"])
    kib = rss_kib(pid)
    with idle.running():
        await _quiet(links, plan["seconds"])
    arrived = await sandbox_messages.sample(links, plan["sample"])
    return {
        "sessionKib": (kib - plan["emptyKib"]) / count,
        "peopleKib": (plan["peopleKib"] - plan["emptyKib"]) / count,
        "idleCpu": idle.cpu / idle.seconds * 100,
        "comingCpu": coming.cpu / count * 1e6,
        "arrived": arrived,
    }


async def _quiet(links: list[Lean], seconds: float) -> None:
    """Each pings once a minute, one after the other."""
    began, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        due = int(passed / PING_EVERY * len(links))
        for link in links[done:due]:
            link.ping()
        done = max(done, due)
        await asyncio.sleep(0.05)


JOBS: dict[str, Job] = {
    "handshakes": handshakes,
    "sessions": sessions,
    "messages": sandbox_messages.messages,
    "files": sandbox_files.files,
}
