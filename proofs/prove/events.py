"""Nothing that happens to an account is missing from its log or in it twice, though the gateway is killed at any time.

People write, edit, delete and read in many chats of one account while the gateway is killed with SIGKILL; the judge is
what the data centre was made to do. Of a message that was edited or deleted while nobody listened, Telegram tells only
how it stands then: so the log has to agree with how each message stands, and to have told each deletion of what it had.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, until

ALL_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Scale:
    acts: int
    kills: int
    friends: int
    groups: int
    supergroups: int


SHORT = Scale(acts=2_000, kills=5, friends=30, groups=10, supergroups=10)
LONG = Scale(acts=20_000, kills=50, friends=100, groups=50, supergroups=50)


@dataclass
class Sent:
    """A message that somebody was made to send. `number` is its sender's."""

    chat: str
    by: str
    number: int
    text: str
    deleted: bool = False


@dataclass
class Stage:
    """`chats`: name → (where its people write to, who may write, where the owner's phone reads)."""

    control: Caller
    owner: str
    chats: dict[str, tuple[Any, list[str], Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)

    async def act(self, phone: str, do: str, **more: Any) -> Any:
        return await self.control.post(f"/accounts/{phone}/act", {"do": do, **more})

    async def furnish(self, scale: Scale, phones: list[str]) -> None:
        for phone in phones:
            self.chats[phone] = (self.owner, [phone], phone)
        for number in range(scale.groups + scale.supergroups):
            some = [phones[(number + k) % len(phones)] for k in range(3)]
            if number < scale.groups:
                made = await self.act(self.owner, "createGroup", title=f"group {number}", members=some)
            else:
                made = await self.act(
                    self.owner, "createChannel", kind="megagroup", title=f"club {number}", members=some
                )
            self.chats[f"g{number}"] = (made["chatId"], some, made["chatId"])

    async def step(self, chance: random.Random, number: int) -> None:
        name = chance.choice(list(self.chats))
        where, writers, read_at = self.chats[name]
        roll = chance.random()
        if roll < 0.1:
            await self.act(self.owner, "read", to=read_at)
            self.acts["reads"] += 1
            return
        old = chance.choice(self.sent) if self.sent and roll < 0.3 else None
        if old is None or old.deleted:
            by = chance.choice(writers)
            text = f"{name} {number:06}"
            told = await self.act(by, "send", to=where, text=text)
            self.sent.append(Sent(name, by, told["messageId"], text))
            self.acts["messages"] += 1
            return
        at = {"chat": self.chats[old.chat][0]} if old.chat.startswith("g") else {}
        if roll < 0.2:
            old.text = f"{old.chat} {number:06} edited"
            await self.act(old.by, "edit", messageId=old.number, text=old.text, **at)
            self.acts["edits"] += 1
        else:
            await self.act(old.by, "delete", messageIds=[old.number], **at)
            old.deleted = True
            self.acts["deletes"] += 1


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            stage = Stage(sandbox.control, person.phone)
            await stage.furnish(scale, await friends(sandbox, scale.friends))
            at = set(chance.sample(range(scale.acts // 20, scale.acts - scale.acts // 20), scale.kills))
            starting: asyncio.Task[None] | None = None
            for number in range(scale.acts):
                await stage.step(chance, number)
                if number in at:
                    if starting is not None:
                        await starting
                    await gateway.kill()
                    starting = asyncio.create_task(gateway.start())
            if starting is not None:
                await starting
            last_act = time.monotonic()
            for _, _, read_at in stage.chats.values():
                await stage.act(person.phone, "read", to=read_at)
            caller = gateway.caller(person.token)
            log = Log()
            lasting = [one for one in stage.sent if not one.deleted]

            async def there() -> bool:
                await log.read(caller)
                return all(log.now(one.text) for one in lasting) and not untold_reads(log)

            try:
                await until(there, ALL_WITHIN, every=0.25)
                took = time.monotonic() - last_act
            except TimeoutError:
                took = float("inf")
            await asyncio.sleep(1.0)  # what is too much would come now
            await log.read(caller)
            await gateway.stop()
            return _judge(scale, stage, log, took, gateway)


class Log:
    """The account's log as one reads it over HTTP."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._after: str | None = None
        self._texts: dict[tuple[str, int], str] = {}  # how each message stands, by the log
        self._by_text: Counter[str] = Counter()
        self.deleted: set[tuple[str | None, int]] = set()

    async def read(self, caller: Caller) -> None:
        while True:
            after = f"&after={self._after}" if self._after else ""
            page = (await caller.get(f"/api/v1/events/log?limit=1000{after}"))["data"]
            for event in page["items"]:
                self._note(event)
            self._after = page["nextCursor"]
            if not page["hasMore"]:
                return

    def _note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        data = event["data"]
        if event["type"] in {"message.received", "message.edited", "message.sent"}:
            key = (data["chatId"], data["messageId"])
            before = self._texts.get(key)
            if before is not None:
                self._by_text[before] -= 1
            self._texts[key] = data["text"]
            self._by_text[data["text"]] += 1
        elif event["type"] == "message.deleted":
            self.deleted |= {(data.get("chatId"), number) for number in data["deletedIds"]}

    def now(self, text: str) -> bool:
        """Whether a message stands so."""
        return self._by_text[text] == 1

    def of(self, *types: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] in types]

    def told_deleted(self, chat: str, number: int) -> bool:
        return (chat, number) in self.deleted or (None, number) in self.deleted


def _judge(scale: Scale, stage: Stage, log: Log, took: float, gateway: GatewayProcess) -> Outcome:
    outcome = Outcome()
    outcome.fact("acts, chats, SIGKILLs", f"{scale.acts:,}, {len(stage.chats)}, {scale.kills}")
    outcome.fact("  of them", ", ".join(f"{count:,} {name}" for name, count in stage.acts.items()))
    received = log.of("message.received")
    outcome.fact("events in the log", f"{len(log.events):,}, of them {len(received):,} message.received")
    judge_log(outcome, stage, log)
    outcome.exactly("gaps told", 0, len(log.of("updates.gap")))
    outcome.at_most("seconds until all of it was there", ALL_WITHIN, took)
    outcome.loop(gateway.lag)
    return outcome


def judge_log(outcome: Outcome, stage: Stage, log: Log) -> None:
    """Messages as they stand, deletions and reads."""
    judge_messages(outcome, stage, log)
    received = log.of("message.received")
    first = {event["data"]["text"]: event["data"] for event in received}
    gone = [first[one.text] for one in stage.sent if one.deleted and one.text in first]
    untold = sum(not log.told_deleted(data["chatId"], data["messageId"]) for data in gone)
    outcome.exactly(f"deletions that the log does not tell, of {len(gone):,}", 0, untold)
    outcome.exactly("chats that were read and the log does not tell", 0, len(untold_reads(log)))


def untold_reads(log: Log) -> set[str]:
    """Chats with messages of which the log does not tell that they were read."""
    reads = {event["data"]["chatId"] for event in log.of("message.read") if event["data"]["direction"] == "inbox"}
    return {event["data"]["chatId"] for event in log.of("message.received")} - reads


def judge_messages(outcome: Outcome, stage: Stage, log: Log) -> None:
    received = log.of("message.received")
    lasting = [one for one in stage.sent if not one.deleted]
    unlike = sum(not log.now(one.text) for one in lasting)
    outcome.exactly(f"messages that do not stand in the log as they do, of {len(lasting):,}", 0, unlike)
    twice = Counter((event["data"]["chatId"], event["data"]["messageId"]) for event in received)
    outcome.exactly("messages that were received twice", 0, sum(times > 1 for times in twice.values()))
    outcome.exactly("event ids that stand twice", 0, len(log.events) - len({event["id"] for event in log.events}))
    order: dict[str, list[int]] = defaultdict(list)
    for event in received:
        order[event["data"]["chatId"]].append(event["data"]["messageId"])
    disordered = {chat: ids for chat, ids in order.items() if ids != sorted(ids)}
    outcome.exactly("chats whose order is not exact", 0, len(disordered))
    for chat, ids in list(disordered.items())[:3]:
        at = next(n for n in range(1, len(ids)) if ids[n] < ids[n - 1])
        outcome.fact(f"  {chat}, around the first disorder", ids[max(0, at - 4) : at + 5])
