"""Every event reaches every endpoint that wants it, however often the gateway is killed and endpoints fail.

People write to two users' accounts while the gateway is killed with SIGKILL and endpoints answer errors, redirect or
hang up at random. Judged by what the endpoints took: each one's set of events is its user's log and nobody else's, an
event that came twice came under one delivery id, and every request was verified by Standard Webhooks' own library and
by the older service's rule.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.receivers import Receiver
from proofs.wire import Caller, until

FAILS = 0.2
FRIENDS = 20


@dataclass(frozen=True, slots=True)
class Scale:
    """`within`: seconds until everything has arrived, after the last event."""

    events: int
    receivers: int
    kills: int
    within: float


SHORT = Scale(events=300, receivers=6, kills=3, within=90)
LONG = Scale(events=20_000, receivers=20, kills=20, within=900)


@dataclass
class User:
    caller: Caller
    receivers: list[Receiver]
    log: list[dict[str, Any]] = field(default_factory=list)


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway",
            sandbox.info,
            TELEGRAM_CONNECT_RATE="0",
            RATE_LIMIT_MAX="0",
            WEBHOOK_ALLOW_NETS="127.0.0.0/8",
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            people = await by_http(gateway, sandbox, 2)
            callers = [gateway.caller(person.token) for person in people]
            users = [
                User(caller, [await _endpoint(caller, chance) for _ in range(scale.receivers // 2)])
                for caller in callers
            ]
            phones = await friends(sandbox, FRIENDS)
            began = time.monotonic()
            counts = await _happen(scale, sandbox, gateway, [person.phone for person in people], phones, chance)
            ended = time.monotonic()

            async def all_there() -> bool:
                return all(
                    len(one.delivered) >= count
                    for user, count in zip(users, counts, strict=True)
                    for one in user.receivers
                )

            try:
                await until(all_there, scale.within, every=0.25)
                took = time.monotonic() - ended
            except TimeoutError:
                took = float("inf")
            for user in users:
                await _quiet(user.caller)
                user.log = await _logged(user.caller)
            outcome = _judge(scale, users, took)
            outcome.fact("from the first event to the last delivery", f"{time.monotonic() - began:.0f} s")
            outcome.loop(gateway.lag)
            for user in users:
                user.caller.close()
                for one in user.receivers:
                    one.stop()
            return outcome


async def _endpoint(caller: Caller, chance: random.Random) -> Receiver:
    receiver = Receiver("", random.Random(chance.random()), fails=FAILS)
    await receiver.start()
    made = await caller.post("/api/v1/webhooks", {"url": receiver.url, "events": ["message.received"]})
    receiver.secret = made["data"]["secret"]
    return receiver


async def _happen(
    scale: Scale,
    sandbox: SandboxProcess,
    gateway: GatewayProcess,
    owners: list[str],
    phones: list[str],
    chance: random.Random,
) -> list[int]:
    """How many events each of the owners has had."""
    counts = [0] * len(owners)
    kills = set(chance.sample(range(scale.events // 20, scale.events), scale.kills))
    starting: asyncio.Task[None] | None = None
    for number in range(scale.events):
        path = f"/accounts/{phones[number % len(phones)]}/act"
        whose = chance.randrange(len(owners))
        counts[whose] += 1
        await sandbox.control.post(path, {"do": "send", "to": owners[whose], "text": f"number {number}"})
        if number in kills:
            if starting is not None:
                await starting
            await gateway.kill()
            starting = asyncio.create_task(gateway.start())
    if starting is not None:
        await starting
    return counts


async def _quiet(caller: Caller) -> None:
    """Until nothing is pending any more."""
    ids = [one["id"] for one in (await caller.get("/api/v1/webhooks"))["data"]]

    async def quiet() -> bool:
        told = [(await caller.get(f"/api/v1/webhooks/{id_}/stats"))["data"] for id_ in ids]
        return all(one["pending"] == 0 for one in told)

    try:
        await until(quiet, 60, every=0.5)
    except TimeoutError:
        return


async def _logged(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = (await caller.get(f"/api/v1/events/log?limit=1000&types=message.received{after}"))["data"]
        found += page["items"]
        after = f"&after={page['nextCursor']}"
        if not page["hasMore"]:
            return found


def _judge(scale: Scale, users: list[User], took: float) -> Outcome:
    outcome = Outcome()
    receivers = [one for user in users for one in user.receivers]
    events = [event for user in users for event in user.log]
    outcome.fact("events, endpoints, SIGKILLs", f"{scale.events:,}, {len(receivers)}, {scale.kills}")
    accepted = _sum(receivers, "accepted")
    outcome.fact("attempts, of them accepted", f"{_sum(receivers, 'requests'):,}, {accepted:,}")
    outcome.exactly("events in the logs", scale.events, len(events))
    texts = {event["data"]["text"] for event in events}
    outcome.exactly("  of them different ones, by what was written", scale.events, len(texts))
    wanted = [({event["id"] for event in user.log}, one) for user in users for one in user.receivers]
    unlike = sum(set(one.delivered) != ids for ids, one in wanted)
    outcome.exactly("endpoints whose set of events is not their user's log", 0, unlike)
    outcome.exactly("  deliveries missing", 0, sum(len(ids - set(one.delivered)) for ids, one in wanted))
    outcome.exactly(
        "  deliveries of another user's events", 0, sum(len(set(one.delivered) - ids) for ids, one in wanted)
    )
    doubled = sum(len(ids) > 1 for r in receivers for ids in r.delivered.values())
    outcome.exactly("events that came under two delivery ids", 0, doubled)
    shared = [id_ for r in receivers for ids in r.delivered.values() for id_ in ids]
    outcome.exactly("delivery ids of two events or endpoints", 0, len(shared) - len(set(shared)))
    twice = accepted - sum(len(r.delivered) for r in receivers)
    outcome.at_most("accepted more than once (what was under way at a kill)", 200 * scale.kills, twice)
    outcome.exactly("requests that did not verify", 0, _sum(receivers, "unverified"))
    outcome.at_most("last delivery after the last event", scale.within, took, "s")
    return outcome


def _sum(receivers: list[Receiver], what: str) -> int:
    return sum(getattr(one, what) for one in receivers)
