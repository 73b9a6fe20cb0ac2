"""Each chat in order, nothing sent inside a wait, and a chat that waits slows no other.

One account sends to twenty chats; five of them are told to wait, again and again. To those five it posts jobs; in the
fifteen others each send waits for its answer, and its time is taken: with waits next door and without, by turns. Chats
are told apart by the sandbox's own lists alone: a request that was refused comes again with the same random_id.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, until

_METHOD = "messages.sendMessage"
CHATS, HELD = 20, 5


@dataclass(frozen=True, slots=True)
class Scale:
    """`slack_ms` is added to the bound of the ratio: few samples have wild tails."""

    sends: int
    rounds: int
    waits: int
    slack_ms: float


SHORT = Scale(sends=30, rounds=3, waits=2, slack_ms=25)  # the median of three forgives one stall of the disk
LONG = Scale(sends=200, rounds=3, waits=5, slack_ms=0)
DONE_WITHIN = 120.0


async def run(scale: Scale, seed: int) -> Outcome:
    people = await seeded(1, tokens=True)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            story = Story(gateway, sandbox, people.people[0], await friends(sandbox, CHATS), random.Random(seed))
            await story.begin()
            for number in range(scale.rounds):
                await story.phase(f"calm{number}", scale, waits=False)
                await story.phase(f"held{number}", scale, waits=True)
            await story.judge(outcome, scale)
            outcome.loop(gateway.lag)
    return outcome


class Story:
    """What one account does to twenty chats, and how long the free ones took."""

    def __init__(
        self, gateway: GatewayProcess, sandbox: SandboxProcess, person: Person, phones: list[str], chance: random.Random
    ) -> None:
        self._gateway = gateway
        self._sandbox = sandbox
        self._person = person
        self._phones = phones
        self._chance = chance
        self._session = ""
        self._posted: dict[str, list[str]] = defaultdict(list)
        self._times: dict[str, list[float]] = {}
        self._refused = 0
        self._ids: dict[str, int] = {}

    async def begin(self) -> None:
        caller = self._gateway.caller(self._person.token)
        self._session = (await caller.get("/api/v1/sessions"))["data"][0]["id"]
        accounts = await self._sandbox.control.get("/accounts")
        self._ids = {one["phone"]: one["id"] for one in accounts if one["phone"] in self._phones}
        for phone in self._phones:
            await self._send(caller, phone, "warm up", wait=True)
        caller.close()

    async def phase(self, name: str, scale: Scale, *, waits: bool) -> None:
        held, free = self._phones[:HELD], self._phones[HELD:]
        self._times[name] = []
        before = len(await self._sandbox.messages())
        work = [self._post_all(phone, name, scale.sends) for phone in held]
        work += [self._send_all(phone, name, scale.sends) for phone in free]
        if waits:
            work += [self._hold(phone, scale.waits) for phone in held]
        await asyncio.gather(*work)
        wanted = before + scale.sends * CHATS - self._refused

        async def all_there() -> bool:
            return len(await self._sandbox.messages()) >= wanted

        await until(all_there, DONE_WITHIN, every=0.2)
        await self._sandbox.clear_faults()

    async def _hold(self, phone: str, count: int) -> None:
        """A wait for this chat, and another one some time after it."""
        control = Caller(self._sandbox.control.port)
        match = {"method": _METHOD, "phone": self._person.phone, "chat": str(self._ids[phone]), "times": 1}
        for _ in range(count):
            seconds = self._chance.randint(1, 2)
            await control.post("/faults", {"verb": "flood", "match": match, "args": {"seconds": seconds}})
            await asyncio.sleep(seconds + self._chance.uniform(0.1, 0.5))
        control.close()

    async def _post_all(self, phone: str, name: str, count: int) -> None:
        caller = self._gateway.caller(self._person.token)
        for number in range(count):
            await self._send(caller, phone, f"{name} {number}", wait=False)
            await asyncio.sleep(0.005)
        caller.close()

    async def _send_all(self, phone: str, name: str, count: int) -> None:
        caller = self._gateway.caller(self._person.token)
        for number in range(count):
            began = time.monotonic()
            await self._send(caller, phone, f"{name} {number}", wait=True)
            self._times[name].append(time.monotonic() - began)
        caller.close()

    async def _send(self, caller: Caller, phone: str, text: str, *, wait: bool) -> None:
        path = "/api/v1/messages/send" + ("" if wait else "?async=true")
        reply = await caller.ask("POST", path, {"sessionId": self._session, "chatId": phone, "text": text})
        if reply.status in {201, 202}:
            self._posted[phone].append(text)
        else:
            self._refused += 1

    async def judge(self, outcome: Outcome, scale: Scale) -> None:
        messages = [line for line in await self._sandbox.messages() if line["from"] == self._person.phone]
        arrived: dict[str, list[str]] = defaultdict(list)
        for line in messages:
            arrived[line["to"]].append(line["text"])
        wrong = sum(arrived[phone] != self._posted[phone] for phone in self._phones)
        calls = [row for row in await self._sandbox.calls(_METHOD) if row["phone"] == self._person.phone]
        windows, inside = _inside(calls, {line["randomId"]: line["to"] for line in messages})
        outcome.fact("chats, sends a chat and phase, phases", f"{CHATS}, {scale.sends}, {2 * scale.rounds}")
        outcome.exactly("sends of free chats that were refused", 0, self._refused)
        outcome.exactly("chats whose order is not exact", 0, wrong)
        outcome.at_least("waits that chats were told", HELD * scale.rounds, windows)
        outcome.exactly("sends to a chat inside its wait", 0, inside)
        calm, held = (
            statistics.median(_p99(self._times[name]) for name in self._times if name.startswith(kind))
            for kind in ("calm", "held")
        )
        outcome.fact("p99 of a send to a free chat: calm, with waits", f"{calm * 1e3:.1f} ms, {held * 1e3:.1f} ms")
        outcome.at_most("ratio of the two", 1.5 + scale.slack_ms / 1e3 / calm, held / calm)


def _inside(calls: list[dict[str, Any]], chat_of: dict[Any, str]) -> tuple[int, int]:
    """How many waits chats were told, and how many requests of a chat came before its wait was over."""
    by_chat: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(calls, key=lambda row: row["seq"]):
        if row["randomId"] in chat_of:
            by_chat[chat_of[row["randomId"]]].append(row)
    windows = inside = 0
    for rows in by_chat.values():
        over = 0.0
        for row in rows:
            inside += row["at"] < over
            wait = re.fullmatch(r"FLOOD_WAIT_(\d+)", row["error"] or "")
            if wait:
                windows += 1
                over = row["endedAt"] + int(wait.group(1)) * 1000 - 1
    return windows, inside


def _p99(times: list[float]) -> float:
    return sorted(times)[max(0, round(len(times) * 0.99) - 1)]
