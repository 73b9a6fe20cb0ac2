"""POST /send, stored with full sync before it leaves, beside bare Telethon that stores nothing.

Ours and the bare client run on core 0 in turns; the data centre and the load share core 1.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import friends, seeded
from proofs.process import Child, GatewayProcess, SandboxProcess, free_port, kept

SESSIONS = 100
SECONDS = 5.0
WARM_UP = 1.5
RATIO = 0.5
ADDED_MS = 4.0
_BARE_PHONE = 15_550_300_000


async def run(rounds: int) -> Outcome:
    seed = await seeded(SESSIONS, tokens=True)
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        seed.copy(folder)
        sandbox = seed.sandbox(folder, core=1, pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, core=0, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            phones = await friends(sandbox, SESSIONS)
            sessions = await bare_sessions(folder, sandbox, SESSIONS)
            await gateway.start()
            found: dict[str, list[dict[str, float]]] = defaultdict(list)
            tokens = [person.token for person in seed.people]
            for _ in range(rounds):
                for count, suffix in ((SESSIONS, ""), (1, "1")):
                    theirs, to = sessions[:count], phones[:count]
                    found["bare" + suffix].append(await _bare(folder, sandbox, theirs, to))
                    found["floor" + suffix].append(await _floor(folder, sandbox, theirs, to))
                    gateway.lag.mark()
                    found["ours" + suffix].append(await _load(folder, gateway.port, gateway.pid, tokens[:count], to))
            return _judge(found, gateway)


def bare_plan(sandbox: SandboxProcess, **more: Any) -> str:
    info = sandbox.info
    place = {"key": info["publicKeyFile"], "dcId": info["dcId"], "host": info["host"], "port": info["port"]}
    return json.dumps({**place, **more})


async def bare_sessions(folder: Path, sandbox: SandboxProcess, count: int) -> list[str]:
    """`count` people signed in by Telethon; their session strings."""
    phones = [f"+{_BARE_PHONE + number}" for number in range(count)]
    plan = bare_plan(sandbox, control=sandbox.control.port, phones=phones)
    answer = await child_line(folder, ["telethon", "login", plan], core=0)
    sessions: list[str] = answer["sessions"]
    return sessions


async def _bare(folder: Path, sandbox: SandboxProcess, sessions: list[str], phones: list[str]) -> dict[str, float]:
    plan = bare_plan(sandbox, sessions=sessions, phones=phones, warmUp=WARM_UP, seconds=SECONDS)
    result: dict[str, float] = await child_line(folder, ["telethon", "send", plan], core=0)
    return result


async def _floor(folder: Path, sandbox: SandboxProcess, sessions: list[str], phones: list[str]) -> dict[str, float]:
    port = free_port()
    plan = bare_plan(sandbox, sessions=sessions, phones=phones, port=port)
    child = Child(["telethon", "floor", plan], folder, "floor", core=0)
    async with kept(child):
        await child.spawn()
        await child.line()
        return await _load(folder, port, child.pid, [str(number) for number in range(len(phones))], phones)


async def _load(folder: Path, port: int, pid: int, tokens: list[str], phones: list[str]) -> dict[str, float]:
    plan = {"port": port, "pid": pid, "tokens": tokens, "phones": phones, "warmUp": WARM_UP, "seconds": SECONDS}
    result: dict[str, float] = await child_line(folder, ["load", json.dumps(plan)], core=1)
    return result


async def child_line(folder: Path, arguments: list[str], *, core: int) -> Any:
    child = Child(arguments, folder, arguments[0], core=core)
    async with kept(child):
        await child.spawn()
        return await child.line(within=180)


def _judge(found: dict[str, list[dict[str, float]]], gateway: GatewayProcess) -> Outcome:
    outcome = Outcome()

    def middle(name: str, figure: str) -> float:
        return statistics.median(one[figure] for one in found[name])

    def told(name: str, figure: str) -> str:
        values = [one[figure] for one in found[name]]
        return f"{statistics.median(values):,.3g} [{min(values):,.3g} to {max(values):,.3g}]".replace("e+03", "k")

    for title, suffix in ((f"{SESSIONS} senders", ""), ("1 sender", "1")):
        names = {"ours": "ours", "bare Telethon": "bare", "floor (HTTP, Telethon, nothing stored)": "floor"}
        for who, name in ((who, name + suffix) for who, name in names.items()):
            outcome.fact(f"{title}, {who}: messages a second", told(name, "rate"))
            outcome.fact(f"{title}, {who}: CPU µs a message", told(name, "cpu"))
            outcome.fact(f"{title}, {who}: share of its core", told(name, "busy"))
            outcome.fact(f"{title}, {who}: p50 ms, p99 ms", f"{told(name, 'p50')}, {told(name, 'p99')}")
    outcome.exactly(
        "requests not answered with 200", 0, int(sum(one["failed"] for one in found["ours"] + found["ours1"]))
    )
    ratio = middle("ours", "rate") / middle("bare", "rate")
    outcome.at_least("rate, ours / bare, 100 senders", RATIO * 100, ratio * 100, "%")
    of_floor = middle("ours", "rate") / middle("floor", "rate")
    outcome.fact("rate, ours / floor", f"{of_floor * 100:.0f} %")
    ratio = middle("bare", "cpu") / middle("ours", "cpu")
    outcome.at_least("what a whole core can do (1 / CPU), ours / bare", RATIO * 100, ratio * 100, "%")
    outcome.at_most("added at p50, one sender", ADDED_MS, middle("ours1", "p50") - middle("bare1", "p50"), "ms")
    outcome.loop(gateway.lag)
    return outcome
