"""A full disk costs answers, never truth: what was acknowledged is there, what was refused never left, and it heals.

The service's files may not grow for a while (a file size limit set from outside), then they may again.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, kept
from proofs.wire import Reply

BACK_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    rounds: int
    senders: int
    full: float


SHORT = Scale(rounds=2, senders=10, full=2.0)
LONG = Scale(rounds=20, senders=20, full=5.0)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    people = await seeded(scale.senders, tokens=True)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            friend = (await friends(sandbox, 1))[0]
            answers: dict[str, Reply] = {}
            while_full: list[Reply] = []
            healths: list[int] = []
            heals: list[float] = []
            for number in range(scale.rounds):
                stop = asyncio.Event()
                senders = [
                    asyncio.create_task(_keep_sending(gateway, person, friend, number, stop, answers, while_full))
                    for person in people.people[: scale.senders]
                ]
                await asyncio.sleep(1)
                _limit(gateway)
                await asyncio.sleep(scale.full)
                healths.append((await gateway.caller().ask("GET", "/health")).status)
                while_full.clear() if number == 0 and not while_full else None
                resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                heals.append(await _healed(gateway, people.people[0], friend))
                await asyncio.sleep(0.5)
                stop.set()
                await asyncio.gather(*senders)
            await asyncio.sleep(1)
            ledger = Counter(line["text"] for line in await sandbox.messages())
            outcome = Outcome()
            _judge(outcome, answers, ledger, heals, healths)
            outcome.loop(gateway.lag)
            return outcome
