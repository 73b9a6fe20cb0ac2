"""A send whose reply is lost after the data centre took it ends as sent, and is there exactly once.

Every first try is committed and its reply dropped; the repeat is answered in both ways that a data centre has: with
the first message, and with RANDOM_ID_DUPLICATE. A third part of the sends loses the whole connection.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Reply

PARTS = {"original": "the repeat gets the first message", "duplicate": "the repeat gets RANDOM_ID_DUPLICATE"}
ANSWERS = {"original": "return_original", "duplicate": "error_duplicate"}
AT_ONCE = 200
_METHOD = "messages.sendMessage"


@dataclass(frozen=True, slots=True)
class Scale:
    sends: int
    sessions: int


SHORT = Scale(sends=60, sessions=15)
LONG = Scale(sends=1000, sessions=100)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    people = await seeded(scale.sessions, tokens=True)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            phones = await friends(sandbox, -(-scale.sends // scale.sessions))
            for part, what in PARTS.items():
                await sandbox.clear_faults()
                await sandbox.fault("random_id_repeat", how=ANSWERS[part])
                dropped = await sandbox.fault("drop_reply_after_commit", {"method": _METHOD, "attempt": 1})
                asked = len(await sandbox.calls(_METHOD))
                replies = await _send_all(gateway, people.people[: scale.sessions], phones, scale.sends, part)
                outcome.fact(what, f"{len(replies)} sends")
                for one in await sandbox.control.get("/faults"):
                    if one["id"] == dropped:
                        outcome.exactly("  replies dropped", len(replies), one["fired"])
                outcome.at_most("  requests for them", 2.2 * len(replies), len(await sandbox.calls(_METHOD)) - asked)
                await _judge(outcome, sandbox, replies, part)
            outcome.loop(gateway.lag)
    return outcome


async def _send_all(
    gateway: GatewayProcess, people: list[Person], phones: list[str], sends: int, part: str
) -> dict[str, Reply]:
    """Many at once, each chat its own lane."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> tuple[str, Reply]:
        async with turns:
            return await send(number)

    async def send(number: int) -> tuple[str, Reply]:
        text = f"lost-reply {part} {number}"
        caller = gateway.caller(people[number % len(people)].token)
        try:
            body = {"phone": phones[number // len(people)], "message": text}
            return text, await caller.ask("POST", "/send", body, within=90)
        finally:
            caller.close()

    return dict(await asyncio.gather(*(one(number) for number in range(sends))))


async def _judge(outcome: Outcome, sandbox: SandboxProcess, replies: dict[str, Reply], part: str) -> None:
    prefix = f"lost-reply {part} "
    times = Counter(line["text"] for line in await sandbox.messages() if line["text"].startswith(prefix))
    outcome.exactly("  told as failed", 0, sum(1 for reply in replies.values() if reply.status != 200))
    outcome.exactly("  messages not there exactly once", 0, sum(1 for text in replies if times[text] != 1))
    outcome.exactly("  messages in the ledger", len(replies), sum(times.values()))
