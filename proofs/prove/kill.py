"""An acknowledged send is never lost and never sent twice, though the gateway is killed with SIGKILL again and again.

Several users send at once; their client repeats a request with its Idempotency-Key until it has an answer. The judge
is the sandbox's ledger, the message log over HTTP, and the database file.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs import databases
from proofs.outcome import Outcome
from proofs.people import Person, by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Reply, until

FINAL_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Scale:
    sends: int
    kills: int
    users: int
    workers: int


SHORT = Scale(sends=240, kills=6, users=4, workers=16)
LONG = Scale(sends=2000, kills=50, users=8, workers=32)


@dataclass
class Story:
    """What the clients were told. `answers`: text → the final answer of its request."""

    answers: dict[str, Reply] = field(default_factory=dict)
    uncertain: int = 0
    begun: int = 0
    retries: int = 0
    sends_left: list[tuple[int, Person, str]] = field(default_factory=list)


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            people = await by_http(gateway, sandbox, scale.users)
            phones = await friends(sandbox, 5)
            story = Story()
            story.sends_left = [
                (number, people[number % len(people)], phones[chance.randrange(len(phones))])
                for number in reversed(range(scale.sends))
            ]
            workers = [asyncio.create_task(_client(gateway, story)) for _ in range(scale.workers)]
            last_start = await _kill_often(gateway, story, scale, chance)
            async with asyncio.timeout(300):
                await asyncio.gather(*workers)
            settled = await _all_final(gateway, people, last_start)
            rows = await _log_rows(gateway, people)
            ledger = [line for line in await sandbox.messages() if line["text"].startswith("kill-proof ")]
            await gateway.stop()
            left = await databases.open_jobs(gateway.data_dir)
            return _judge(scale, story, rows, ledger, gateway, settled, left)


async def _client(gateway: GatewayProcess, story: Story) -> None:
    """Takes sends from the pile; each is repeated with its key until there is an answer."""
    callers: dict[str, Any] = {}
    while story.sends_left:
        number, person, phone = story.sends_left.pop()
        caller = callers.setdefault(person.username, gateway.caller(person.token))
        text = f"kill-proof {number}"
        story.begun += 1
        story.answers[text] = await _answer(caller, phone, text, f"kill-{number}", story)
    for caller in callers.values():
        caller.close()


async def _answer(caller: Any, phone: str, text: str, key: str, story: Story) -> Reply:
    until_ = time.monotonic() + 240
    while time.monotonic() < until_:
        try:
            reply: Reply = await caller.ask("POST", "/send", {"phone": phone, "message": text}, idempotency_key=key)
        except OSError:
            story.retries += 1
            await asyncio.sleep(0.03)
            continue
        if reply.status < 500:
            if reply.status == 400 and reply.json().get("uncertain"):
                story.uncertain += 1  # an answer, but not the end: it is asked for again
                await asyncio.sleep(0.2)
                continue
            return reply
        story.retries += 1
        await asyncio.sleep(0.05)
    raise TimeoutError(f"no answer for {text}")


async def _kill_often(gateway: GatewayProcess, story: Story, scale: Scale, chance: random.Random) -> float:
    """SIGKILL at random moments: in the middle of sends, and at times while it starts. When the last start was."""
    at = sorted(chance.sample(range(5, scale.sends - 5), scale.kills))
    for moment in at:
        for _ in range(2000):
            if story.begun >= moment:
                break
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, 0.02))
        await gateway.kill()
        if chance.random() < 0.2:
            await gateway.spawn()
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            await gateway.kill()
        await gateway.start()
    return time.monotonic()


async def _all_final(gateway: GatewayProcess, people: list[Person], last_start: float) -> float:
    """Seconds from the last start until no log row is open."""

    async def final() -> bool:
        return all(row["success"] is not None for row in await _log_rows(gateway, people))

    try:
        await until(final, FINAL_WITHIN + 5, every=0.2)
    except TimeoutError:
        return float("inf")
    return time.monotonic() - last_start


async def _log_rows(gateway: GatewayProcess, people: list[Person]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for person in people:
        caller = gateway.caller(person.token)
        rows += (await caller.get("/logs?limit=1000"))["logs"]
        caller.close()
    return rows


def _judge(
    scale: Scale,
    story: Story,
    rows: list[dict[str, Any]],
    ledger: list[dict[str, Any]],
    gateway: GatewayProcess,
    settled: float,
    left: tuple[int, bool],
) -> Outcome:
    outcome = Outcome()
    open_jobs, sound = left
    times = Counter(line["text"] for line in ledger)
    acknowledged = {text for text, reply in story.answers.items() if reply.status == 200}
    refused = set(story.answers) - acknowledged
    outcome.fact("sends, users, SIGKILLs", f"{scale.sends}, {scale.users}, {scale.kills} and more while starting")
    outcome.fact("repeats by the client, uncertain answers", f"{story.retries}, {story.uncertain}")
    outcome.exactly("requests with a final answer", scale.sends, len(story.answers))
    outcome.exactly("acknowledged, not in the ledger", 0, len(acknowledged - set(times)))
    outcome.exactly("texts twice in the ledger", 0, sum(1 for count in times.values() if count > 1))
    outcome.exactly("told as not sent, in the ledger", 0, len(refused & set(times)))
    outcome.fact("told as not sent", len(refused))
    in_log = Counter((row["from_phone"], row["to_phone"], row["message"]) for row in rows if row["success"])
    in_ledger = Counter((line["from"], line["to"], line["text"]) for line in ledger)
    outcome.exactly("log rows told as sent ≠ ledger", 0, (in_log - in_ledger).total() + (in_ledger - in_log).total())
    outcome.exactly("log rows that are not final", 0, sum(1 for row in rows if row["success"] is None))
    outcome.at_most("last log row final after the last start", FINAL_WITHIN, settled, "s")
    outcome.exactly("open jobs in the database", 0, open_jobs)
    outcome.exactly("database damaged", 0, int(not sound))
    outcome.loop(gateway.lag)
    return outcome
