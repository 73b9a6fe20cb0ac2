"""One Idempotency-Key is one message and one answer, however often, however parallel, and over a SIGKILL.

Every request of a storm carries the same key and body; the service is killed in the middle of some storms, and all
clients come again with the same until they are answered.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from proofs.outcome import Outcome
from proofs.people import Person, friends, seeded
from proofs.process import GatewayProcess, kept
from proofs.wire import Reply

PARALLEL = 200


@dataclass(frozen=True, slots=True)
class Scale:
    storms: int
    kills: int


SHORT = Scale(storms=2, kills=1)
LONG = Scale(storms=10, kills=10)


async def run(scale: Scale, seed: int) -> Outcome:
    people = await seeded(1, tokens=True)
    chance = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        people.copy(folder)
        sandbox = people.sandbox(folder)
        await sandbox.start()
        gateway = GatewayProcess(folder, sandbox.info, TELEGRAM_CONNECT_RATE="0")
        async with kept(gateway, sandbox):
            await gateway.start()
            friend = (await friends(sandbox, 1))[0]
            person = people.people[0]
            caller = gateway.caller(person.token)
            session = (await caller.get("/api/v1/sessions"))["data"][0]["id"]
            await caller.post("/api/v1/messages/send", {"sessionId": session, "chatId": friend, "text": "warm up"})
            storms: list[list[Reply]] = []
            for number in range(scale.storms + scale.kills):
                body = {"sessionId": session, "chatId": friend, "text": f"storm {number}"}
                after = chance.uniform(0.0, 0.25) if number >= scale.storms else None
                storms.append(await _storm(gateway, person, body, f"key-{number}", after))
            later = [await _ask(gateway, person, _body(session, friend, n), f"key-{n}") for n in range(len(storms))]
            other = await _ask(gateway, person, _body(session, friend, 99), "key-0")
            times = Counter(line["text"] for line in await sandbox.messages())
            caller.close()
        answers = [{(reply.status, reply.body) for reply in storm} for storm in storms]
        outcome.fact("storms, of them with a SIGKILL, requests each", f"{len(storms)}, {scale.kills}, {PARALLEL}")
        outcome.exactly("messages beside one a storm", 0, sum(abs(times[f"storm {n}"] - 1) for n in range(len(storms))))
        outcome.exactly("answers other than 201", 0, sum(r.status != 201 for storm in storms for r in storm))
        outcome.exactly("storms with unequal answers", 0, sum(len(one) != 1 for one in answers))
        again = sum((reply.status, reply.body) not in answers[n] for n, reply in enumerate(later))
        outcome.exactly("repeats after it all that were told something else", 0, again)
        outcome.exactly("status of another body with a used key", 422, other.status)
        # As many requests as come at one instant are worked off in one go: the loop's lateness is told, not judged.
        outcome.fact("event loop late by its own doing, p99", f"{gateway.lag.quantile_ms(0.99):.3g} ms")
    return outcome


def _body(session: str, friend: str, number: int) -> dict[str, str]:
    return {"sessionId": session, "chatId": friend, "text": f"storm {number}"}


async def _storm(
    gateway: GatewayProcess, person: Person, body: dict[str, str], key: str, kill_after: float | None
) -> list[Reply]:
    asking = asyncio.gather(*(_ask(gateway, person, body, key) for _ in range(PARALLEL)))
    if kill_after is not None:
        await asyncio.sleep(kill_after)
        await gateway.kill()
        await gateway.start()
    return list(await asking)


async def _ask(gateway: GatewayProcess, person: Person, body: dict[str, str], key: str) -> Reply:
    """As a client does that wants to know: until there is an answer that is an end."""
    caller = gateway.caller(person.token)
    try:
        async with asyncio.timeout(120):
            while True:
                try:
                    reply = await caller.ask("POST", "/api/v1/messages/send", body, Idempotency_Key=key)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                if reply.status != 503 and b'"uncertain":true' not in reply.body:
                    return reply
                await asyncio.sleep(0.05)
    finally:
        caller.close()
