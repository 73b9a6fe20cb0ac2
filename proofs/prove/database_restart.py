"""PostgreSQL goes away under load, in good order or as by a power cut, and comes back: nothing acknowledged is lost.

Users send without pause and are written to by others meanwhile. While the database is away requests are answered 503
with Retry-After; clients repeat them with their Idempotency-Key. The judge is the sandbox's ledger and the event log.
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

from proofs.outcome import Outcome
from proofs.people import Person, by_http, friends
from proofs.postgres import Postgres
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, Reply, until

BACK_WITHIN = 5.0
NAME = "restarted"


@dataclass(frozen=True, slots=True)
class Scale:
    sends: int
    incoming: int
    restarts: int
    users: int
    workers: int


SHORT = Scale(sends=120, incoming=120, restarts=2, users=2, workers=8)
LONG = Scale(sends=3_000, incoming=3_000, restarts=20, users=6, workers=24)


@dataclass
class Story:
    """What callers were told. `answers`: text → the final answer of its request."""

    answers: dict[str, Reply] = field(default_factory=dict)
    away: int = 0  # answers of 503
    without: list[str] = field(default_factory=list)  # of these, those that say not when to come again
    others: Counter[int] = field(default_factory=Counter)  # further statuses of 500 and more
    uncertain: int = 0
    begun: int = 0
    posted: int = 0
    back: list[float] = field(default_factory=list)  # seconds from the database's return to the first success
    left: list[int] = field(default_factory=list)

    async def reaches(self, number: int) -> None:
        """Until so many sends have begun."""

        async def reached() -> bool:
            return self.begun >= number

        await until(reached, 600, every=0.005)


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        server = await asyncio.to_thread(Postgres(durable=True).start)
        try:
            await asyncio.to_thread(server.make, NAME)
            sandbox = SandboxProcess(folder / "sandbox")
            await sandbox.start()
            gateway = GatewayProcess(
                folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0", DATABASE_URL=server.url(NAME)
            )
            async with kept(gateway, sandbox):
                await gateway.start()
                people = await by_http(gateway, sandbox, scale.users)
                phones = await friends(sandbox, 4)
                story = Story(left=list(range(scale.sends)))
                async with asyncio.timeout(900), asyncio.TaskGroup() as everybody:
                    for _ in range(scale.workers):
                        everybody.create_task(_client(gateway, story, people, phones))
                    everybody.create_task(_written_to(sandbox, people, phones, scale, story))
                    everybody.create_task(_restart_often(server, gateway, people, story, scale, chance))
                logged = await _logged(gateway, people, scale)
                ledger = [line["text"] for line in await sandbox.messages() if line["text"].startswith("restart ")]
                return _judge(scale, story, Counter(ledger), logged, gateway)
        finally:
            await asyncio.to_thread(server.remove)


async def _client(gateway: GatewayProcess, story: Story, people: list[Person], phones: list[str]) -> None:
    while story.left:
        number = story.left.pop()
        person = people[number % len(people)]
        caller = gateway.caller(person.token)
        story.begun += 1
        body = {"phone": phones[number % len(phones)], "message": f"restart {number}"}
        try:
            story.answers[f"restart {number}"] = await _answer(caller, body, f"restart-{number}", story)
        finally:
            caller.close()


async def _answer(caller: Caller, body: dict[str, str], key: str, story: Story) -> Reply:
    until_ = time.monotonic() + 240
    while time.monotonic() < until_:
        reply = await caller.ask("POST", "/send", body, idempotency_key=key)
        if reply.status == 503:
            story.away += 1
            if reply.header("retry-after") is None:
                story.without.append(reply.body[:100].decode())
            await asyncio.sleep(0.1)
        elif reply.status >= 500:
            story.others[reply.status] += 1
            await asyncio.sleep(0.2)
        elif reply.status == 400 and reply.json().get("uncertain"):
            story.uncertain += 1  # an answer, but not the end: it is asked for again
            await asyncio.sleep(0.2)
        else:
            return reply
    raise TimeoutError(f"no answer for {key}")


async def _written_to(
    sandbox: SandboxProcess, people: list[Person], phones: list[str], scale: Scale, story: Story
) -> None:
    """Others write, evenly over the time that the sends take."""
    for number in range(scale.incoming):
        await story.reaches(number * scale.sends // scale.incoming)
        act = {"do": "send", "to": people[number % len(people)].phone, "text": f"incoming {number}"}
        await sandbox.control.post(f"/accounts/{phones[number % len(phones)]}/act", act)
        story.posted += 1


async def _restart_often(
    server: Postgres, gateway: GatewayProcess, people: list[Person], story: Story, scale: Scale, chance: random.Random
) -> None:
    moments = sorted(chance.sample(range(5, scale.sends - scale.sends // 10), scale.restarts))
    for number, moment in enumerate(moments):
        await story.reaches(moment)
        await asyncio.to_thread(server.kill if number % 2 else server.stop)
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        await asyncio.to_thread(server.start)
        story.back.append(await _back(gateway, people[0]))


async def _back(gateway: GatewayProcess, person: Person) -> float:
    caller = gateway.caller(person.token)

    async def answers() -> bool:
        return bool((await caller.ask("GET", "/logs?limit=1")).status == 200)

    try:
        return await until(answers, 60, every=0.02)
    finally:
        caller.close()


async def _logged(gateway: GatewayProcess, people: list[Person], scale: Scale) -> Counter[str]:
    """Texts of the messages of others in the event logs, once all are there."""
    found: Counter[str] = Counter()

    async def all_there() -> bool:
        found.clear()
        for person in people:
            found.update(await _texts(gateway, person))
        return len(found) >= scale.incoming

    try:
        await until(all_there, 60, every=0.5)
    except TimeoutError:
        return found
    return found


async def _texts(gateway: GatewayProcess, person: Person) -> list[str]:
    caller, texts, after = gateway.caller(person.token), [], ""
    try:
        while True:
            path = f"/api/v1/events/log?types=message.received&limit=1000{f'&after={after}' if after else ''}"
            page: dict[str, Any] = (await caller.get(path))["data"]
            texts += [item["data"]["text"] for item in page["items"]]
            if not page["hasMore"]:
                return [text for text in texts if text.startswith("incoming ")]
            after = page["nextCursor"]
    finally:
        caller.close()


def _judge(scale: Scale, story: Story, ledger: Counter[str], logged: Counter[str], gateway: GatewayProcess) -> Outcome:
    outcome = Outcome()
    acknowledged = {text for text, reply in story.answers.items() if reply.status == 200}
    refused = set(story.answers) - acknowledged
    outcome.fact("sends, incoming messages, users", f"{scale.sends}, {scale.incoming}, {scale.users}")
    outcome.fact("restarts: in good order, as by a power cut", f"{(scale.restarts + 1) // 2}, {scale.restarts // 2}")
    outcome.exactly("requests with a final answer", scale.sends, len(story.answers))
    outcome.exactly("acknowledged, not in the ledger", 0, len(acknowledged - set(ledger)))
    outcome.exactly("texts twice in the ledger", 0, sum(1 for count in ledger.values() if count > 1))
    outcome.exactly("told as not sent, in the ledger", 0, len(refused & set(ledger)))
    outcome.fact("told as not sent; told as uncertain, and known later", f"{len(refused)}; {story.uncertain}")
    outcome.at_least("answers of 503 meanwhile (else nothing here proves anything)", 1, story.away)
    outcome.exactly("  without Retry-After", 0, len(story.without))
    outcome.exactly("  other answers of 500 and more", 0, sum(story.others.values()))
    outcome.exactly("messages of others that are in no event", 0, scale.incoming - len(logged))
    outcome.exactly("  that are in two", 0, sum(1 for count in logged.values() if count > 1))
    outcome.at_most("from its return to the first success", BACK_WITHIN, max(story.back), "s")
    outcome.loop(gateway.lag)
    return outcome
