"""A full disk costs answers, never truth: what was acknowledged is there, what was refused never left, and it heals.

The service's files may not grow for a while (a limit on file sizes, set from outside), then they may again.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Reply, until

BACK_WITHIN = 10.0
ANSWER_WITHIN = 35.0
_NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
_ROOM = 16 * 1024  # how far into a file may still be written: past it, each write fails as on a full disk


@dataclass(frozen=True, slots=True)
class Scale:
    rounds: int
    senders: int
    full: float
    pause: float


SHORT = Scale(rounds=2, senders=10, full=3.0, pause=0.02)
LONG = Scale(rounds=20, senders=20, full=5.0, pause=0.15)


@dataclass
class Story:
    answers: dict[str, Reply] = field(default_factory=dict)
    slowest: float = 0.0
    healths: list[int] = field(default_factory=list)
    heals: list[float] = field(default_factory=list)
    refused: int = 0


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    people = await seeded(scale.senders, tokens=True)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        # Python cuts short what it compiles while files may not grow, and does not notice: others would read that.
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0", LOG_LEVEL="critical", **env)
        async with kept(gateway, sandbox):
            await gateway.start()
            friend = (await friends(sandbox, 1))[0]
            story = Story()
            for number in range(scale.rounds):
                await _round(gateway, people.people[: scale.senders], friend, number, scale, story)
            return await _judge(gateway, sandbox, people.people[: scale.senders], story)


async def _round(
    gateway: GatewayProcess, people: list[Person], friend: str, number: int, scale: Scale, story: Story
) -> None:
    over = asyncio.Event()
    senders = [
        asyncio.create_task(_keep_sending(gateway, one, friend, number, over, story, scale.pause)) for one in people
    ]
    await asyncio.sleep(0.7)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (_ROOM, resource.RLIM_INFINITY))
    began = time.monotonic()
    await asyncio.sleep(1.2)  # /health may be a second old
    while time.monotonic() - began < scale.full:
        await _look(gateway, people[0], friend, story)
        await asyncio.sleep(0.2)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, _NO_LIMIT)
    story.heals.append(await _healed(gateway, people[0], friend))
    await asyncio.sleep(0.5)
    over.set()
    await asyncio.gather(*senders)


async def _look(gateway: GatewayProcess, person: Person, friend: str, story: Story) -> None:
    """What /health says at a moment in which sends, before and after it, are refused."""
    caller = gateway.caller(person.token)
    body = {"phone": friend, "message": "is there room?"}
    before = await caller.ask("POST", "/send", body)
    health = await caller.ask("GET", "/health")
    after = await caller.ask("POST", "/send", body)
    caller.close()
    if before.status == after.status == 503:
        story.healths.append(health.status)


async def _keep_sending(
    gateway: GatewayProcess,
    person: Person,
    friend: str,
    number: int,
    over: asyncio.Event,
    story: Story,
    pause: float,
) -> None:
    """One after the other, each text once and never repeated."""
    caller = gateway.caller(person.token)
    turn = 0
    while not over.is_set():
        text = f"disk {number} {person.username} {turn}"
        began = time.monotonic()
        reply = await caller.ask("POST", "/send", {"phone": friend, "message": text}, within=ANSWER_WITHIN + 10)
        story.slowest = max(story.slowest, time.monotonic() - began)
        story.answers[text] = reply
        story.refused += reply.status == 503
        turn += 1
        await asyncio.sleep(pause)
    caller.close()


async def _healed(gateway: GatewayProcess, person: Person, friend: str) -> float:
    """Seconds from when there is room again until a send works."""
    caller = gateway.caller(person.token)

    async def works() -> bool:
        reply = await caller.ask("POST", "/send", {"phone": friend, "message": "is there room?"})
        return reply.status == 200

    try:
        return await until(works, 60)
    except TimeoutError:
        return float("inf")
    finally:
        caller.close()


async def _judge(gateway: GatewayProcess, sandbox: SandboxProcess, people: list[Person], story: Story) -> Outcome:
    outcome = Outcome()
    rows = await _settled_rows(gateway, people)
    ledger = Counter(line["text"] for line in await sandbox.messages())
    sent = {text for text, reply in story.answers.items() if reply.status == 200}
    uncertain = {text for text, reply in story.answers.items() if reply.status == 400 and reply.json().get("uncertain")}
    refused = set(story.answers) - sent - uncertain
    other = Counter(reply.status for text, reply in story.answers.items() if reply.status not in {200, 503})
    outcome.fact("sends; refused with 503; other answers", f"{len(story.answers)}; {story.refused}; {dict(other)}")
    outcome.at_least("sends refused while it was full", 1, story.refused)
    outcome.exactly("told as sent, not there exactly once", 0, sum(ledger[text] != 1 for text in sent))
    outcome.exactly("told as not sent, in the ledger", 0, sum(ledger[text] != 0 for text in refused))
    outcome.exactly(
        "in the ledger, and not in the log as sent",
        0,
        sum(text.startswith("disk ") and rows.get(text) is not True for text in ledger),
    )
    outcome.exactly("log rows that are not final", 0, sum(value is None for value in rows.values()))
    outcome.fact("looks at /health between two refused sends", f"{dict(Counter(story.healths))}")
    outcome.exactly("/health said 200 then", 0, story.healths.count(200))
    outcome.at_most("slowest answer", ANSWER_WITHIN, story.slowest, "s")
    outcome.at_most("sends work again after there is room", BACK_WITHIN, max(story.heals), "s")
    outcome.loop(gateway.lag)
    return outcome


async def _settled_rows(gateway: GatewayProcess, people: list[Person]) -> dict[str, bool | None]:
    """The log by text, once nothing in it is open any more, or after 30 s."""
    rows: dict[str, bool | None] = {}

    async def final() -> bool:
        for person in people:
            caller = gateway.caller(person.token)
            for row in (await caller.get("/logs?limit=1000"))["logs"]:
                rows[row["message"]] = row["success"]
            caller.close()
        return None not in rows.values()

    with contextlib.suppress(TimeoutError):
        await until(final, 30, every=0.3)
    return rows
