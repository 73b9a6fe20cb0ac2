"""Nothing leaves inside a flood wait: the caller is told the seconds at once, and others are not held.

The window is read from the sandbox's list of calls: after the one that opened it, no call of that account until it is
over.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Reply

_METHOD = "messages.sendMessage"
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    accounts: int
    windows: int


SHORT = Scale(accounts=4, windows=2)
LONG = Scale(accounts=20, windows=10)
WAIT = 3


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    people = await seeded(scale.accounts + 1, tokens=True)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            friend = (await friends(sandbox, 1))[0]
            held, free = people.people[: scale.accounts], people.people[scale.accounts]
            short = [await _windows(gateway, sandbox, held, free, friend, WAIT) for _ in range(scale.windows)]
            day = await _windows(gateway, sandbox, held, free, friend, DAY)
            _judge(outcome, short, day, scale)
            outcome.loop(gateway.lag)
    return outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """One window for each account: how it was opened, what was answered inside, and what left."""

    opening: list[Reply]
    inside: list[Reply]
    slowest: float
    others: list[Reply]
    left_inside: int
    after: list[Reply]


async def _windows(
    gateway: GatewayProcess, sandbox: SandboxProcess, held: list[Person], free: Person, friend: str, seconds: int
) -> Seen:
    rules = [
        await sandbox.fault("flood", {"method": _METHOD, "phone": person.phone, "times": 1}, seconds=seconds)
        for person in held
    ]
    began = time.monotonic()
    before = max([row["seq"] for row in await sandbox.calls(_METHOD)], default=0)
    opening = await asyncio.gather(*(_send(gateway, person, friend) for person in held))
    inside: list[Reply] = []
    others: list[Reply] = []
    slowest = 0.0
    while time.monotonic() - began < min(seconds, WAIT) - 1.0:
        asked = time.monotonic()
        inside += await asyncio.gather(*(_send(gateway, person, friend) for person in held))
        slowest = max(slowest, time.monotonic() - asked)
        others.append(await _send(gateway, free, friend))
        await asyncio.sleep(0.2)
    phones = {person.phone for person in held}
    calls = [row for row in await sandbox.calls(_METHOD) if row["seq"] > before and row["phone"] in phones]
    after: list[Reply] = []
    if seconds == WAIT:
        await asyncio.sleep(began + WAIT + 1.5 - time.monotonic())
        after = list(await asyncio.gather(*(_send(gateway, person, friend) for person in held)))
    for rule in rules:
        await sandbox.control.ask("DELETE", f"/faults/{rule}")
    return Seen(list(opening), inside, slowest, others, len(calls) - len(held), after)


async def _send(gateway: GatewayProcess, person: Person, friend: str) -> Reply:
    caller = gateway.caller(person.token)
    try:
        return await caller.ask("POST", "/send", {"phone": friend, "message": "flood proof"})
    finally:
        caller.close()


def _judge(outcome: Outcome, short: list[Seen], day: Seen, scale: Scale) -> None:
    for name, seen, seconds in ((f"{WAIT} s", short, WAIT), ("a day", [day], DAY)):
        opening = [reply for one in seen for reply in one.opening]
        inside = [reply for one in seen for reply in one.inside]
        outcome.fact(f"waits of {name}", f"{len(opening)} windows, {len(inside)} sends inside")
        outcome.exactly("  calls inside a window", 0, sum(one.left_inside for one in seen))
        outcome.exactly(
            "  answers without the seconds", 0, sum(not _tells(reply, seconds) for reply in opening + inside)
        )
        outcome.at_most("  slowest answer inside", 2, max(one.slowest for one in seen), "s")
        outcome.exactly(
            "  sends of another account that were held", 0, sum(r.status != 200 for one in seen for r in one.others)
        )
    after = [reply for one in short for reply in one.after]
    outcome.exactly(
        "sends that work after the window", scale.accounts * scale.windows, sum(r.status == 200 for r in after)
    )


def _tells(reply: Reply, most: int) -> bool:
    """400 with Retry-After in seconds, which stand in the sentence too."""
    seconds = reply.header("retry-after")
    if reply.status != 400 or seconds is None or not seconds.isdigit():
        return False
    return 1 <= int(seconds) <= most + 1 and seconds in reply.json()["detail"]
