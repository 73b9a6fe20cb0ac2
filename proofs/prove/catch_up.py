"""An account that was away is caught up: all of what it missed, and where that can't be told, the log says so.

First it is disconnected while people write, edit, delete, read, react, pin and rename in its chats. Then, again and
again, it is away while its chats get messages, and the data centre answers "too long" to every difference: that
such a hole is there is told (`updates.gap`), and the messages in it are found in history. The judge is what was done.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.prove import events
from proofs.prove.events import Log, Stage
from proofs.wire import Caller, until

WITHIN = 30.0
A_ROUND_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Scale:
    """`holes`: rounds of "too long" answers, each of all supergroups and of the account."""

    acts: int
    friends: int
    groups: int
    supergroups: int
    holes: int


SHORT = Scale(acts=500, friends=10, groups=4, supergroups=9, holes=1)
LONG = Scale(acts=5_000, friends=50, groups=20, supergroups=49, holes=4)


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0", RATE_LIMIT_MAX="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            caller = gateway.caller(person.token)
            stage = Stage(sandbox.control, person.phone)
            phones = await friends(sandbox, scale.friends)
            await stage.furnish(events.Scale(0, 0, scale.friends, scale.groups, scale.supergroups), phones)
            (session,) = (await caller.get("/api/v1/sessions"))["data"]
            account = Account(caller, f"/api/v1/sessions/{session['id']}")
            log = Log()
            await _missed(outcome, scale, stage, account, log, chance)
            await _holes(outcome, scale, stage, account, log, sandbox)
            caller.close()
        outcome.loop(gateway.lag)
    return outcome


@dataclass
class Account:
    caller: Caller
    path: str

    async def away(self) -> None:
        await self.caller.ask("POST", f"{self.path}/disconnect")

    async def back(self) -> None:
        await self.caller.ask("POST", f"{self.path}/connect")


async def _missed(
    outcome: Outcome, scale: Scale, stage: Stage, account: Account, log: Log, chance: random.Random
) -> None:
    for number in range(scale.acts // 10):  # what is edited and deleted later
        await stage.step(chance, number)
    await _all_there(stage, log, account.caller, WITHIN)
    await account.away()
    others: Counter[str] = Counter()
    renamed: dict[str, set[str]] = {}
    pinned: set[tuple[str, int]] = set()
    for number in range(scale.acts // 10, scale.acts // 10 + scale.acts):
        if chance.random() < 0.1:
            others[await _something_else(stage, chance, number, renamed, pinned)] += 1
        else:
            await stage.step(chance, number)
    for _, _, read_at in stage.chats.values():
        await stage.act(stage.owner, "read", to=read_at)
    began = time.monotonic()
    await account.back()
    there = await _all_there(stage, log, account.caller, WITHIN * 2)

    async def reads_told() -> bool:
        await log.read(account.caller)
        return not events.untold_reads(log)

    with suppress(TimeoutError):
        await until(reads_told, WITHIN, every=0.2)
    took = time.monotonic() - began
    await asyncio.sleep(1.0)  # what is too much would come now
    await log.read(account.caller)
    told = ", ".join(f"{count:,} {name}" for name, count in (stage.acts + others).items())
    outcome.fact(f"acts while the account was away, of {len(stage.chats)} chats", told)
    outcome.at_most("seconds until all of it was in the log", WITHIN, took if there else float("inf"))
    events.judge_log(outcome, stage, log)
    titles = {event["data"].get("title") for event in log.of("chat.updated")}
    wanted = set().union(*renamed.values()) if renamed else set()
    outcome.exactly(f"new titles that the log does not tell, of {len(wanted)}", 0, len(wanted - titles))
    left = others["leave and come back"]
    came = [one for one in log.of("chat.member_joined") if one["data"].get("actorId") == one["data"].get("inviterId")]
    outcome.exactly("members that left and the log does not tell", 0, max(0, left - len(log.of("chat.member_left"))))
    outcome.exactly("members that came back and the log does not tell", 0, max(0, left - len(came)))
    told_pins = {(one["data"]["chatId"], *one["data"]["messageIds"]) for one in log.of("message.pinned")}
    outcome.exactly("pinned messages that the log does not tell", 0, max(0, len(pinned) - len(told_pins)))
    outcome.exactly("gaps told", 0, len(log.of("updates.gap")))


async def _something_else(
    stage: Stage, chance: random.Random, number: int, renamed: dict[str, set[str]], pinned: set[tuple[str, int]]
) -> str:
    """What leaves no text in the log."""
    name = chance.choice([name for name in stage.chats if name.startswith("g")])
    where, writers, _ = stage.chats[name]
    act = chance.choice(["rename", "leave and come back", "pin", "react"])
    if act == "rename":
        await stage.act(stage.owner, "renameChat", chat=where, title=f"renamed {number}")
        renamed.setdefault(name, set()).add(f"renamed {number}")
    elif act == "leave and come back":
        await stage.act(writers[0], "leave", chat=where)
        await stage.act(stage.owner, "invite", chat=where, members=[writers[0]])
    else:
        mine = [one for one in stage.sent if one.chat == name and not one.deleted]
        if not mine:
            return "nothing"
        one = chance.choice(mine)
        more: dict[str, Any] = {"emoji": "👍"} if act == "react" else {}
        reply = await stage.control.ask(
            "POST",
            f"/accounts/{one.by}/act",
            {"do": act, "chat": where, "messageId": one.number, **more},
        )
        if reply.status != 200:  # once more the same reaction, or no right to pin
            return f"{act} that was refused"
        if act == "pin":
            pinned.add((name, one.number))
    return act


async def _all_there(stage: Stage, log: Log, caller: Caller, within: float) -> bool:
    lasting = [one for one in stage.sent if not one.deleted]

    async def there() -> bool:
        await log.read(caller)
        return all(log.now(one.text) for one in lasting)

    try:
        await until(there, within, every=0.2)
    except TimeoutError:
        return False
    return True


async def _holes(
    outcome: Outcome, scale: Scale, stage: Stage, account: Account, log: Log, sandbox: SandboxProcess
) -> None:
    slowest = 0.0
    before = len(log.of("updates.gap"))
    clubs = [name for name in stage.chats if name.startswith("g")][scale.groups :]
    for turn in range(scale.holes):
        await account.away()
        for name, (where, writers, _) in stage.chats.items():
            for number in range(3):
                text = f"{name} in hole {turn}, number {number}"
                told = await stage.act(writers[-1], "send", to=where, text=text)
                stage.sent.append(events.Sent(name, writers[-1], told["messageId"], text))
        phone = {"phone": stage.owner}
        faults = [
            await sandbox.fault("difference_too_long", {**phone, "times": 1}),
            await sandbox.fault("channel_difference_too_long", {**phone, "times": len(clubs)}),
        ]
        began = time.monotonic()
        await account.back()
        wanted = before + (turn + 1) * (len(clubs) + 1)

        async def told_of_all(wanted: int = wanted) -> bool:
            await log.read(account.caller)
            return len(log.of("updates.gap")) >= wanted

        with suppress(TimeoutError):
            await until(told_of_all, A_ROUND_WITHIN, every=0.2)
        there = await _all_there(stage, log, account.caller, A_ROUND_WITHIN)
        slowest = max(slowest, time.monotonic() - began if there else float("inf"))
        for fault in faults:
            await sandbox.control.ask("DELETE", f"/faults/{fault}")
    await asyncio.sleep(1.0)
    await log.read(account.caller)
    gaps = log.of("updates.gap")[before:]
    answers = scale.holes * (len(clubs) + 1)
    outcome.exactly(f'of {answers} differences that were "too long", gaps told', answers, len(gaps))
    outcome.exactly("  of them with chat and range", answers, sum(_says_where(one["data"]) for one in gaps))
    outcome.at_most("seconds until the holes of a round were filled", A_ROUND_WITHIN, slowest)
    events.judge_messages(outcome, stage, log)


def _says_where(data: dict[str, Any]) -> bool:
    place = data["scope"] == "account" or "chatId" in data
    return place and data["toPts"] >= data["fromPts"] and data["fromMessageId"] >= 1
