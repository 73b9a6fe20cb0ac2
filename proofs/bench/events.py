"""Updates into the durable log, beside a bare Telethon handler that takes the same and keeps nothing.

Service (SQLite, full sync) and bare client run on core 0 in turns, the data centre on core 1. Somebody writes to the
account as fast as the data centre goes; the clock runs from the first message's beginning until all of them are in the
log, or have been handed to the handler.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from proofs.bench.send import bare_plan, child_line
from proofs.machine import cpu_seconds
from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import Child, GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, until

MESSAGES = 10_000
RATIO = 0.6
_BARE_PHONE = "+15550600000"
_WITHIN = 120.0


async def run(rounds: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", core=1, pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, core=0, RATE_LIMIT_MAX="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            (friend,) = await friends(sandbox, 1)
            plan = bare_plan(sandbox, control=sandbox.control.port, phones=[_BARE_PHONE])
            sessions = (await child_line(folder, ["telethon", "login", plan], core=0))["sessions"]
            caller = gateway.caller(person.token)
            ours: list[tuple[float, float]] = []
            bare: list[tuple[float, float]] = []
            cursor = await end_of_log(caller, "")
            for number in range(rounds):
                for mine in (True, False) if number % 2 else (False, True):
                    if mine:
                        rate, cpu, cursor = await into_log(gateway, sandbox, caller, friend, person.phone, cursor)
                        ours.append((rate, cpu))
                    else:
                        bare.append(await _bare(folder, sandbox, friend, sessions))
            caller.close()
        return _judge(ours, bare, gateway)


async def _write(sandbox: SandboxProcess, friend: str, to: str, messages: int = MESSAGES) -> None:
    act = {"do": "send", "to": to, "text": "message {n} of quite an ordinary length", "times": messages}
    reply = await sandbox.control.ask("POST", f"/accounts/{friend}/act", act, within=_WITHIN)
    if reply.status != 200:
        raise RuntimeError(f"the messages were not written: {reply.status}")


async def end_of_log(caller: Caller, cursor: str) -> str:
    """The end of the log from this cursor on."""
    while True:
        after = f"&after={cursor}" if cursor else ""
        page = (await caller.get(f"/api/v1/events/log?limit=1000{after}"))["data"]
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            return str(cursor)


async def into_log(
    gateway: GatewayProcess,
    sandbox: SandboxProcess,
    caller: Caller,
    friend: str,
    to: str,
    cursor: str,
    messages: int = MESSAGES,
) -> tuple[float, float, str]:
    gateway.lag.mark()
    first = int(cursor.removeprefix("c"))
    used, began = cpu_seconds(gateway.pid), time.monotonic()
    writing = asyncio.create_task(_write(sandbox, friend, to, messages))

    at = cursor

    async def logged() -> bool:
        """A filter that lets nothing through: where the log ends is all that is told."""
        nonlocal at
        page = (await caller.get(f"/api/v1/events/log?limit=1&types=webhook.disabled&after={at}"))["data"]
        at = page["nextCursor"]
        return int(at.removeprefix("c")) >= first + messages

    await until(logged, _WITHIN, every=0.05)
    took = time.monotonic() - began
    used = cpu_seconds(gateway.pid) - used
    await writing
    page = (await caller.get(f"/api/v1/events/log?limit=1000&types=message.received&after={cursor}"))["data"]
    if len(page["items"]) < 1000:
        raise RuntimeError("what came was no messages")
    return messages / took, used / messages * 1e6, await end_of_log(caller, f"c{first + messages}")


async def _bare(folder: Path, sandbox: SandboxProcess, friend: str, sessions: list[str]) -> tuple[float, float]:
    plan = json.loads(bare_plan(sandbox, sessions=sessions, messages=MESSAGES))
    child = Child(["telethon", "listen", json.dumps(plan)], folder, "listen", core=0)
    async with kept(child):
        await child.spawn()
        await child.line()
        began = time.monotonic()
        writing = asyncio.create_task(_write(sandbox, friend, _BARE_PHONE))
        told: dict[str, Any] = await child.line(within=_WITHIN)
        await writing
    return MESSAGES / (told["at"] - began), told["cpu"] / MESSAGES * 1e6


def _judge(ours: list[tuple[float, float]], bare: list[tuple[float, float]], gateway: GatewayProcess) -> Outcome:
    outcome = Outcome()
    for who, found in (("into the log", ours), ("to a bare Telethon handler", bare)):
        rates = [rate for rate, _ in found]
        shown = f"{statistics.median(rates):,.0f} [{min(rates):,.0f} to {max(rates):,.0f}]"
        outcome.fact(f"updates a second {who}", shown)
        outcome.fact("  CPU µs an update", f"{statistics.median(cpu for _, cpu in found):,.0f}")
    ratio = statistics.median(rate for rate, _ in ours) / statistics.median(rate for rate, _ in bare)
    outcome.at_least("rate, ours / bare", RATIO * 100, ratio * 100, "%")
    outcome.loop(gateway.lag)
    return outcome
