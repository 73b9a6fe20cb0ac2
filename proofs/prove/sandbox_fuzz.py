"""Bytes of every kind on the data centre's port crash nothing, leave nothing behind and disturb nobody else.

Spoilt by a seeded dice on every layer (`proofs.nonsense`): streams in each framing, steps of key exchanges, messages
under a whole seal, requests of a client that is signed in. A bystander makes calls all the while, each of which has
to be answered in time and truly; memory is looked at twice a second once pools, caches and the bounded ledger have
been filled, and the slope of the line through all of it has to be flat.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from telethon.tl import functions as f
from telethon.tl import types

from proofs import machine
from proofs.nonsense import Nonsense
from proofs.outcome import Outcome
from proofs.process import SandboxProcess
from proofs.raw import KeyedClient

ANSWER_MS = 2000.0
TEXT = "still the same"
OURS = ("connection.failed", "task.failed", "call.failed", "observer_failed", "Traceback")


@dataclass(frozen=True, slots=True)
class Scale:
    seconds: float
    warm: float
    slope_kib: float
    """What memory may grow by in a minute."""


SHORT = Scale(seconds=12, warm=5, slope_kib=48 * 1024)
LONG = Scale(seconds=600, warm=120, slope_kib=768)


class Bystander:
    """Somebody who asks, and knows what the answers are."""

    def __init__(self, client: KeyedClient) -> None:
        self._client = client
        self.took: list[float] = []
        self.wrong = 0

    async def begin(self) -> None:
        await self._client.ask(f.messages.SendMessageRequest(types.InputPeerSelf(), TEXT, random_id=1))

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            good = await asyncio.wait_for(self._asked(), ANSWER_MS / 1000 * 3)
            self.took.append((time.perf_counter() - began) * 1000)
            self.wrong += not good
            await asyncio.sleep(0.02)

    async def _asked(self) -> bool:
        if len(self.took) % 2:
            (me,) = await self._client.ask(f.users.GetUsersRequest([types.InputUserSelf()]))
            return bool(me.is_self) and me.first_name == "Raw"
        request = f.messages.GetHistoryRequest(types.InputPeerSelf(), 0, None, 0, 5, 0, 0, 0)
        return [each.message for each in (await self._client.ask(request)).messages] == [TEXT]


async def _watch(pid: int, until: float) -> list[tuple[float, float]]:
    seen = []
    while time.monotonic() < until:
        seen.append((time.monotonic(), float(machine.rss_kib(pid))))
        await asyncio.sleep(0.5)
    return seen


async def _fuzz(nonsense: Nonsense, until: float) -> None:
    while time.monotonic() < until:
        await nonsense.one()


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        sandbox = SandboxProcess(Path(made), pq_bits=46, ledger_limit=2_000)
        await sandbox.start()
        try:
            await _proven(outcome, sandbox, scale, seed)
            log = (Path(made) / "sandbox.log").read_text(errors="replace")
            outcome.exactly("failures that it logged of itself", 0, sum(log.count(word) for word in OURS))
            if any(word in log for word in OURS):
                outcome.fact("  the last of its log", log[-1500:])
        finally:
            await sandbox.stop()
    return outcome


async def _proven(outcome: Outcome, sandbox: SandboxProcess, scale: Scale, seed: int) -> None:
    info = sandbox.info
    address = str(info["host"]), int(info["port"])
    pem = await asyncio.to_thread(Path(info["publicKeyFile"]).read_text)
    clients = [await KeyedClient.made(*address, pem) for _ in range(2)]
    for number, client in enumerate(clients):
        await client.sign_in(sandbox.control, f"1555040000{number}")
    bystander, nonsense = Bystander(clients[0]), Nonsense(*address, clients[1], seed)
    await bystander.begin()
    await clients[1].close()
    until = time.monotonic() + scale.seconds
    watching = asyncio.ensure_future(bystander.run(until))
    await _fuzz(nonsense, until - scale.seconds + scale.warm)
    memory = asyncio.ensure_future(_watch(sandbox.pid, until))
    await _fuzz(nonsense, until)
    await watching
    line = statistics.linear_regression(*zip(*await memory, strict=True))
    again = await KeyedClient.made(*address, pem)
    await again.ping()
    for client in (clients[0], again):
        await client.close()
    await asyncio.sleep(1)  # the last connections end
    left = sum(1 for row in await sandbox.connections() if row["endedAt"] is None)
    outcome.fact("connections of nonsense", f"{nonsense.connections:,}")
    for kind, count in nonsense.sent.most_common():
        outcome.fact(f"  {kind}", f"{count:,}")
    outcome.at_least("calls of the bystander answered", 10, len(bystander.took))
    outcome.exactly("  of them wrongly", 0, bystander.wrong)
    outcome.at_most("  the slowest of them", ANSWER_MS, max(bystander.took), "ms")
    outcome.fact("  half of them within", f"{statistics.median(bystander.took):.3g} ms")
    outcome.at_most("memory grown in a minute, after the warm-up", scale.slope_kib, line.slope * 60, "KiB")
    outcome.fact("memory at the end", f"{machine.rss_kib(sandbox.pid):,} KiB")
    outcome.exactly("connections left open", 0, left)
