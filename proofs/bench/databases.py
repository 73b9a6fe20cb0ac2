"""The same sends and the same updates on each database, in turns: what a server costs beside a file.

One is measured at a time, with a service, a data centre and a database that begin with that measure and end with it:
what four of each do when nothing happens weighs most on whom both cores are full for, and a server that has kept much
is slower than a new file. The service is on core 0, the data centre and the load share core 1. The database's server
runs where there is room, as it would on any machine: SQLite's work is done on core 0, and bound to core 1 a server
would wait for the load. Each server waits for its disk before it says that something is stored. What stands beside the
rates is whose CPU time an operation took.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from proofs import databases
from proofs.bench import events
from proofs.bench.send import child_line
from proofs.machine import cpu_seconds_of_all
from proofs.outcome import Outcome
from proofs.people import friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller

SENDERS = 100
SECONDS = 4.0
WARM_UP = 1.5
WARM_UP_MESSAGES = 2_000
BOUNDS = {"postgresql": 0.7, "mongodb": 0.5, "mongodb-alone": 0.5}
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """One database, with a service and a data centre of its own."""

    folder: Path
    gateway: GatewayProcess
    sandbox: SandboxProcess
    caller: Caller
    tokens: list[str]
    phones: list[str]
    account: str
    server: int | None

    @property
    def beside(self) -> dict[str, int]:
        server = {} if self.server is None else {"database": self.server}
        return {"centre": self.sandbox.pid, **server}


async def run(rounds: int) -> Outcome:
    before = databases.chosen()
    names = list(databases.NAMES)
    found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    try:
        with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
            numbers = itertools.count()
            for number in range(rounds):
                turn = number % len(names)
                # One measure after the other on all of them: a machine that was made to work hard is slower for a
                # while, and none is to be measured in what it has done to itself.
                for what, measure in _MEASURES.items():
                    for name in names[turn:] + names[:turn]:
                        async with AsyncExitStack() as stack:
                            place = await _opened(stack, Path(made) / f"{next(numbers)}", name)
                            found[name, what].append(await measure(place))
    finally:
        databases.choose(before)
    return _judge(names, found)


async def _opened(stack: AsyncExitStack, folder: Path, name: str) -> _Place:
    server = databases.choose(name, anew=True)
    seed = await seeded(SENDERS, tokens=True)
    seed.copy(folder)
    sandbox = seed.sandbox(folder, core=1, pq_bits=30)
    await stack.enter_async_context(kept(sandbox))
    await sandbox.start()
    phones = await friends(sandbox, SENDERS)
    gateway = GatewayProcess(folder, sandbox.info, core=0, TELEGRAM_CONNECT_RATE="0")
    await stack.enter_async_context(kept(gateway))
    await gateway.start()
    first = seed.people[0]
    caller = gateway.caller(first.token)
    stack.callback(caller.close)
    tokens = [person.token for person in seed.people]
    return _Place(folder, gateway, sandbox, caller, tokens, phones, first.phone, server)


async def _many(place: _Place) -> Figures:
    return await _load(place, SENDERS)


async def _single(place: _Place) -> Figures:
    return await _load(place, 1)


async def _load(place: _Place, senders: int) -> Figures:
    plan = {
        "port": place.gateway.port,
        "pid": place.gateway.pid,
        "tokens": place.tokens[:senders],
        "phones": place.phones[:senders],
        "warmUp": WARM_UP,
        "seconds": SECONDS,
        "beside": place.beside,
    }
    result: Figures = await child_line(place.folder, ["load", json.dumps(plan)], core=1)
    return result


async def _updates(place: _Place) -> Figures:
    def of(cursor: str) -> tuple[GatewayProcess, SandboxProcess, Caller, str, str, str]:
        return place.gateway, place.sandbox, place.caller, place.phones[0], place.account, cursor

    cursor = await events.end_of_log(place.caller, "")
    _, _, cursor = await events.into_log(*of(cursor), WARM_UP_MESSAGES)
    before = {name: cpu_seconds_of_all(pid) for name, pid in place.beside.items()}
    rate, cpu, _ = await events.into_log(*of(cursor))
    theirs = {
        name: (cpu_seconds_of_all(pid) - before[name]) / events.MESSAGES * 1e6 for name, pid in place.beside.items()
    }
    return {"rate": rate, "cpu": cpu, "failed": 0.0, **theirs}


_MEASURES = {f"{SENDERS} senders": _many, "1 sender": _single, "events": _updates}


def _judge(names: list[str], found: dict[tuple[str, str], list[Figures]]) -> Outcome:
    outcome = Outcome()

    def middle(name: str, what: str, figure: str) -> float:
        return statistics.median(one.get(figure, 0.0) for one in found[name, what])

    for what in _MEASURES:
        for name in names:
            rates = [one["rate"] for one in found[name, what]]
            outcome.fact(
                f"{what}, {name}: a second", f"{statistics.median(rates):,.0f} [{min(rates):,.0f} to {max(rates):,.0f}]"
            )
            whose = ", ".join(f"{middle(name, what, of):,.0f}" for of in ("cpu", "database", "centre"))
            outcome.fact("  CPU µs each: service, database's server, data centre", whose)
            if "p50" in found[name, what][0]:
                outcome.fact("  p50 ms, p99 ms", f"{middle(name, what, 'p50'):.3g}, {middle(name, what, 'p99'):.3g}")
    failed = sum(one["failed"] for several in found.values() for one in several)
    outcome.exactly("requests not answered with 200", 0, int(failed))
    for name, bound in BOUNDS.items():
        for what in (f"{SENDERS} senders", "events"):
            if name in names and databases.SQLITE in names:
                ratio = middle(name, what, "rate") / middle(databases.SQLITE, what, "rate")
                outcome.at_least(f"rate, {name} / sqlite, {what}", bound * 100, ratio * 100, "%")
    return outcome
