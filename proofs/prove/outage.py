"""A data centre that is gone comes back to every session: no storm while it is away, none at its return, nothing lost.

Half an hour in virtual time, then a shorter outage and a mass hang-up in real time with processes of their own.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from proofs.machine import cpu_seconds
from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.prove.outage_virtual import BACK_WITHIN, MOST_A_SECOND, busiest_second, outage

HANG_UP_BACK_WITHIN = 15.0
STEADY = 6.0  # a connection that breaks sooner counts as one more failed try


@dataclass(frozen=True, slots=True)
class Scale:
    sessions: int
    down: float


SHORT = Scale(sessions=200, down=8.0)
LONG = Scale(sessions=200, down=60.0)


async def run(scale: Scale, seed: int) -> Outcome:
    people = await seeded(scale.sessions, tokens=True)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder / "virtual")
        outcome = await asyncio.to_thread(outage, people, folder / "virtual", seed)
        people.copy(folder / "real")
        sandbox = people.sandbox(folder / "real")
        await sandbox.start()
        gateway = GatewayProcess(folder / "real", sandbox.info)
        async with kept(gateway, sandbox):
            await _real(outcome, gateway, sandbox, people.people, scale.down)
    return outcome


async def _real(
    outcome: Outcome, gateway: GatewayProcess, sandbox: SandboxProcess, people: list[Person], down: float
) -> None:
    friend = (await friends(sandbox, 1))[0]
    await gateway.start()
    await sandbox.all_introduced(people, since=0, within=60)
    gateway.lag.mark()
    before = await _sends(gateway, people[:20], friend)
    since, mark, used = await sandbox.last_call(), gateway.connects(), cpu_seconds(gateway.pid)
    gone = time.time()
    await sandbox.fault("refuse", seconds=down)
    await asyncio.sleep(down)
    used = cpu_seconds(gateway.pid) - used
    tried = gateway.connects()[len(mark) :]
    back = await sandbox.all_introduced(people, since=since, within=90) - (gone + down)
    outcome.fact(f"{down:.0f} s of refused connections, real time", f"{len(people)} sessions")
    outcome.at_most("  all back after the return", BACK_WITHIN, back, "s")
    outcome.at_most("  connections in any second", MOST_A_SECOND, busiest_second(gateway.connects(), second=0.9))
    outcome.at_most("  attempts of a session during the outage", 2 + down / 5, len(tried) / len(people))
    outcome.fact("  CPU of the service while it was down", f"{used / down * 100:.1f} % of a core")
    middle = await _sends(gateway, people[:20], friend)

    await asyncio.sleep(STEADY)
    since, hung_up = await sandbox.last_call(), time.time()
    await sandbox.fault("close_tcp")
    back = await sandbox.all_introduced(people, since=since, within=60) - hung_up
    after = await _sends(gateway, people[:20], friend)
    outcome.at_most("every connection closed: all back", HANG_UP_BACK_WITHIN, back, "s")
    outcome.at_most("  connections in any second", MOST_A_SECOND, busiest_second(gateway.connects(), second=0.9))
    outcome.exactly("sends before, between and after that worked", 60, before + middle + after)
    outcome.loop(gateway.lag)


async def _sends(gateway: GatewayProcess, people: list[Person], friend: str) -> int:
    """One from each, at once; how many were told as sent."""

    async def one(person: Person) -> bool:
        caller = gateway.caller(person.token)
        try:
            reply = await caller.ask("POST", "/send", {"phone": friend, "message": "still here"})
            return reply.status == 200
        finally:
            caller.close()

    return sum(await asyncio.gather(*(one(person) for person in people)))
