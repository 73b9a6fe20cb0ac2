"""Half an hour without a data centre, in virtual time: service and sandbox in one loop on real sockets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import Person, Seed
from proofs.process import environment
from proofs.virtual import VirtualLoop, run

DOWN = 1800.0
BACK_WITHIN = 60.0
MOST_A_SECOND = 25
SETTLED_WITHIN = 120.0
TRY_EVERY = 20.0  # a bound on how often a session may try while it is refused, on average
_BUSY = 20
_FRIEND, _OTHER = "+15550900000", "+15550900001"


def outage(seed: Seed, folder: Path, chance: int) -> Outcome:
    """Blocks; run it in a thread or a process."""

    async def work(loop: VirtualLoop) -> Outcome:
        began = time.monotonic()
        story = Story(loop, seed, folder, chance)
        outcome = await story.tell()
        outcome.fact("  real time", f"{time.monotonic() - began:.0f} s")
        return outcome

    return run(work)


class Story:
    """What happens, in order; nothing of it knows that time is virtual."""

    def __init__(self, loop: VirtualLoop, seed: Seed, folder: Path, chance: int) -> None:
        self.loop = loop
        self.seed = seed
        self.folder = folder
        self.chance = chance
        self.outcome = Outcome()

    async def tell(self) -> Outcome:
        from teleflow.app import Gateway
        from teleflow.config import load_settings
        from teleflow.kit.clock import LoopClock
        from teleflow.sandbox.embedded import Sandbox
        from teleflow.sandbox.server import Options

        clock = LoopClock(time.time())
        options = Options(port=self.seed.sandbox_port, state_dir=self.folder / "dc")
        self.sandbox = Sandbox(options, clock=clock, control_port=None, seed=self.chance)
        await self.sandbox.start()
        try:
            for phone in (_FRIEND, _OTHER):
                self.sandbox.control.create_account({"phone": phone, "firstName": "Friend"})
            settings = load_settings(environment(self.folder / "data", self.sandbox.info()))
            gateway = Gateway(settings, clock=clock, storage_threads=False, seed=self.chance)
            async with gateway:
                self.gateway = gateway
                self.loop.begin_jumping()
                await self._story()
        finally:
            await self.sandbox.stop()
        return self.outcome

    async def _story(self) -> None:
        count, outcome = len(self.seed.people), self.outcome
        await self._all_online()
        busy = self.seed.people[:_BUSY]
        before = await asyncio.gather(*(self._send(person, "before") for person in busy))
        lost = await self._cut_off(busy)
        told = len(self.loop.connects)
        await asyncio.sleep(60)
        during = await asyncio.gather(*(self._send(person, "during") for person in busy))
        await asyncio.sleep(self._down_at + DOWN + 0.01 - self.loop.time())
        tried = len(self.loop.connects) - told
        back_at = self.loop.time()
        back = await self._all_online()
        after = await asyncio.gather(*(self._send(person, "after") for person in busy))
        settled = await self._settled(back_at)
        outcome.fact("half an hour of refused connections, virtual time", f"{count} sessions")
        outcome.at_most("  all back after the return", BACK_WITHIN, back, "s")
        opened = [at for at in self.loop.connects if at >= back_at]
        outcome.at_most("  connections in any second after the return", MOST_A_SECOND, busiest_second(opened))
        outcome.at_most("  connections in any second of all", MOST_A_SECOND, busiest_second(self.loop.connects))
        outcome.at_most("  attempts during the outage", count * DOWN / TRY_EVERY, tried)
        outcome.at_most("  sends cut off are settled after the return", SETTLED_WITHIN, settled, "s")
        await self._judge_sends(before, lost, during, after)
        turns = sorted(self.loop.turns)
        outcome.at_most("  turn of the loop, p99", 50, turns[int(len(turns) * 0.99)] * 1000, "ms")

    async def _all_online(self) -> float:
        began = self.loop.time()
        while self.gateway.runner.count < len(self.seed.people):
            if self.loop.time() - began > 900:
                return float("inf")
            await asyncio.sleep(0.25)
        return self.loop.time() - began

    async def _settled(self, back_at: float) -> float:
        """Seconds from the return until no send is open."""
        while await self.gateway.storage.open_jobs():
            if self.loop.time() - back_at > 600:
                return float("inf")
            await asyncio.sleep(0.25)
        return self.loop.time() - back_at

    async def _cut_off(self, busy: list[Person]) -> list[str]:
        """Sends whose replies are taken away, and then the data centre goes: nobody can know what became of them."""
        dc = self.sandbox.dc
        await dc.add_fault("drop_reply_after_commit", {"method": "messages.sendMessage"})
        under_way = [asyncio.create_task(self._send(person, "cut off", _FRIEND)) for person in busy]
        await asyncio.sleep(1)
        await dc.clear_faults()
        self._down_at = self.loop.time()
        await dc.add_fault("refuse", {}, {"seconds": DOWN})
        return await asyncio.gather(*under_way)

    async def _send(self, person: Person, what: str, phone: str = _OTHER) -> str:
        """How it was told: sent, failed, uncertain."""
        from teleflow.errors import TeleFlowError

        user = await self.gateway.storage.user_named(person.username)
        if user is None:
            raise RuntimeError(person.username)
        try:
            job = await self.gateway.services.messages.send(user, phone=phone, text=f"{what} {person.username}")
        except TeleFlowError as error:
            return error.code
        return job.state.value

    async def _judge_sends(self, before: list[str], lost: list[str], during: list[str], after: list[str]) -> None:
        outcome = self.outcome
        ledger: list[dict[str, Any]] = self.sandbox.control.ledger_messages(limit=100_000)
        times = Counter(line["text"] for line in ledger)
        rows = await self.gateway.storage.log_entries(None, limit=1000)
        state = {row.message: row.success for row in rows}
        outcome.exactly("  sends before, between and after that worked", 2 * _BUSY, (before + after).count("sent"))
        outcome.fact("  sends cut off were told as", dict(Counter(lost)))
        cut_off = [text for text in state if text.startswith("cut off")]
        outcome.exactly(
            "  sends cut off: there once, and in the log as sent",
            _BUSY,
            sum(times[text] == 1 and state[text] is True for text in cut_off),
        )
        outcome.fact("  sends during it were told as", dict(Counter(during)))
        outcome.exactly("  sends during it told as not sent", _BUSY, during.count("failed"))
        outcome.exactly("  of these in the ledger", 0, sum(times[text] for text in times if text.startswith("during")))
        outcome.exactly("  log rows open at the end", 0, sum(value is None for value in state.values()))


def busiest_second(moments: list[float], *, second: float = 0.99) -> int:
    """How many of these, at most, lie within one second.

    It is taken a little shorter than it is: a timer that rings late brings its successor closer.
    """
    moments = sorted(moments)
    first = most = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= second:
            first += 1
        most = max(most, last - first + 1)
    return most
