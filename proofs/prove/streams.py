"""Each reader of a stream sees each event of its filter once and in order, or is told of a reset; nobody another's.

Readers over SSE and WebSocket connect, drop at random and go on (Last-Event-ID, `after`, `resume`; with tokens and with
one-time tickets) while people write to two users and the gateway is killed with SIGKILL. The judge is the log as its
owner pulls it. Then a key is revoked, the service stopped under open streams, and consumers come back after so long
that the log has lost some of what they had not seen.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.outcome import Outcome
from proofs.people import Person, by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.readers import Reader
from proofs.wire import Caller, until

FILTERS = ("*", "message.*", "message.received", "message.edited", "session.*,message.deleted")
ALL_WITHIN = 60.0
REVOKED_WITHIN = 5.0
STOP_WITHIN = 5.0
_SETTINGS = {"TELEGRAM_CONNECT_RATE": "0", "STREAMS_PER_KEY": "1000"}


@dataclass(frozen=True, slots=True)
class Scale:
    readers: int
    events: int
    kills: int
    stay_s: float


SHORT = Scale(readers=24, events=600, kills=3, stay_s=1.0)
LONG = Scale(readers=200, events=10_000, kills=20, stay_s=4.0)


@dataclass
class User:
    """`log`: everything that the user's log holds, pulled at the end."""

    person: Person
    sessions: frozenset[str]
    log: list[dict[str, Any]]


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, **_SETTINGS)
        later = GatewayProcess(folder / "gateway", sandbox.info, **_SETTINGS, EVENT_RETENTION_MOST=str(_kept(scale)))
        async with kept(gateway, later, sandbox):
            await gateway.start()
            people = await by_http(gateway, sandbox, 2)
            users = [User(person, await _sessions(gateway, person), []) for person in people]
            writers = await friends(sandbox, 10)
            await _read_through_kills(outcome, scale, chance, gateway, sandbox, users, writers)
            await _revoked(outcome, chance, gateway, sandbox, users[0], writers)
            await _stopped(outcome, chance, gateway, users[0])
            await later.start()
            await _away(outcome, chance, later, users[0])
            await later.stop()
            outcome.loop(gateway.lag)
    return outcome


def _kept(scale: Scale) -> int:
    """Events that the log of a user keeps when the consumers come back."""
    return scale.events // 4


async def _sessions(gateway: GatewayProcess, person: Person) -> frozenset[str]:
    caller = gateway.caller(person.token)
    found = (await caller.get("/api/v1/sessions"))["data"]
    caller.close()
    return frozenset(session["id"] for session in found)


async def _read_through_kills(
    outcome: Outcome,
    scale: Scale,
    chance: random.Random,
    gateway: GatewayProcess,
    sandbox: SandboxProcess,
    users: list[User],
    writers: list[str],
) -> None:
    readers = [_reader(gateway, users[number % 2], number, chance, scale.stay_s) for number in range(scale.readers)]
    owners = [users[number % 2] for number in range(scale.readers)]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    await until(lambda: _true(all(reader.start for reader in readers)), ALL_WITHIN, every=0.1)
    at = set(chance.sample(range(scale.events // 10, scale.events), scale.kills))
    starting: asyncio.Task[None] | None = None
    happened = 0
    sent: list[tuple[str, int]] = []
    while happened < scale.events:
        before = happened
        happened += await _act(sandbox.control, chance, users, writers, sent)
        if any(number in at for number in range(before, happened)):
            if starting is not None:
                await starting
            await gateway.kill()
            starting = asyncio.create_task(gateway.start())
    if starting is not None:
        await starting
    for user in users:
        user.log = await _settled(gateway, user.person)
    expected = [_expected(reader, owner) for reader, owner in zip(readers, owners, strict=True)]

    async def there() -> bool:
        return all(len(reader.seen) >= len(wanted) for reader, wanted in zip(readers, expected, strict=True))

    began = time.monotonic()
    with suppress(TimeoutError):
        await until(there, ALL_WITHIN, every=0.1)
    took = time.monotonic() - began
    await asyncio.sleep(1.0)  # what is too much would come now
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [reader.kind for reader in readers]
    logged = [len(user.log) for user in users]
    outcome.fact("readers over SSE, WebSocket; SIGKILLs", f"{kinds.count('SSE')}, {kinds.count('WS')}; {scale.kills}")
    outcome.fact("events in the logs of the two users", f"{logged[0]:,} and {logged[1]:,}")
    outcome.fact("connections, events read", f"{sum(r.opened for r in readers):,}, {sum(map(len, expected)):,}")
    wrong = [reader for reader, wanted in zip(readers, expected, strict=True) if reader.seen != wanted]
    outcome.exactly("readers that did not see their filter's events once each and in order", 0, len(wrong))
    missing = sum(len(set(wanted) - set(r.seen)) for r, wanted in zip(readers, expected, strict=True))
    twice = sum(len(r.seen) - len(set(r.seen)) for r in readers)
    outcome.exactly("  events that a reader missed, of all readers", 0, missing)
    outcome.exactly("  events that a reader saw twice", 0, twice)
    outcome.exactly("  resets, where nothing was cut", 0, sum(len(r.resets) for r in readers))
    outcome.exactly(
        f"events of another user that a reader saw, of {sum(logged):,} mixed ones", 0, sum(r.foreign for r in readers)
    )
    outcome.at_most("seconds until the last reader had all of it", ALL_WITHIN, took)


def _reader(gateway: GatewayProcess, user: User, number: int, chance: random.Random, stay_s: float) -> Reader:
    return Reader(
        "SSE" if number // 2 % 2 else "WS",
        gateway.port,
        user.person.token,
        FILTERS[number % len(FILTERS)],
        user.sessions,
        random.Random(chance.random()),
        stay_s,
    )


async def _true(value: bool) -> bool:
    return value


async def _act(
    control: Caller,
    chance: random.Random,
    users: list[User],
    writers: list[str],
    sent: list[tuple[str, int]],
) -> int:
    """Something happens to one of the two; how many events should come of it."""
    roll = chance.random()
    if sent and roll < 0.25:
        by, number = chance.choice(sent)
        text = f"edited {chance.random()}"
        await control.post(f"/accounts/{by}/act", {"do": "edit", "messageId": number, "text": text})
        return 1
    if sent and roll < 0.3:
        by, number = sent.pop(chance.randrange(len(sent)))
        await control.post(f"/accounts/{by}/act", {"do": "delete", "messageIds": [number]})
        return 1
    by, to = chance.choice(writers), chance.choice(users).person.phone
    body: dict[str, Any] = {"do": "send", "to": to, "text": f"{chance.random()}"}
    if roll > 0.9:
        await control.post(f"/accounts/{by}/act", {**body, "times": 10})
        return 10
    told = await control.post(f"/accounts/{by}/act", body)
    sent.append((by, told["messageId"]))
    return 1


async def _settled(gateway: GatewayProcess, person: Person) -> list[dict[str, Any]]:
    """The log of a user, once it has not grown for two seconds."""
    caller = gateway.caller(person.token)
    log: list[dict[str, Any]] = []
    after, still_since = "c0", time.monotonic()
    async with asyncio.timeout(120):
        while time.monotonic() - still_since < 2.0:
            page = (await caller.get(f"/api/v1/events/log?limit=1000&after={after}"))["data"]
            log += page["items"]
            after = page["nextCursor"]
            if page["items"]:
                still_since = time.monotonic()
            else:
                await asyncio.sleep(0.2)
    caller.close()
    return log


def _expected(reader: Reader, user: User) -> list[str]:
    """By the log: numbers have no gaps, so a cursor is a place in it."""
    first = int(str(reader.start)[1:])
    return [event["id"] for event in user.log[first:] if _wants(reader.types, event["type"])]


def _wants(types: str, type_: str) -> bool:
    asked = types.split(",")
    return "*" in asked or type_ in asked or f"{type_.partition('.')[0]}.*" in asked


async def _revoked(
    outcome: Outcome,
    chance: random.Random,
    gateway: GatewayProcess,
    sandbox: SandboxProcess,
    user: User,
    writers: list[str],
) -> None:
    """A key's streams end with it, though the log is busy."""
    caller = gateway.caller(user.person.token)
    key = (await caller.post("/api/v1/keys", {"name": "reader", "scopes": ["read"]}))["data"]
    readers = [_reader(gateway, user, number, chance, 1e9) for number in range(0, 20, 2)]
    for number, reader in enumerate(readers):
        reader.kind, reader.key, reader.with_tickets = ("SSE", "WS")[number % 2], key["key"], False
    tasks = [asyncio.create_task(_timed(reader)) for reader in readers]
    await until(lambda: _true(all(reader.start for reader in readers)), ALL_WITHIN, every=0.05)
    busy = asyncio.create_task(_busy(sandbox.control, writers[0], user.person.phone))
    began = time.monotonic()
    await caller.ask("DELETE", f"/api/v1/keys/{key['id']}")
    done, pending = await asyncio.wait(tasks, timeout=20)
    busy.cancel()
    for task in pending:
        task.cancel()
    await asyncio.gather(busy, *pending, return_exceptions=True)
    caller.close()
    worst = max((task.result() - began for task in done), default=float("inf")) if not pending else float("inf")
    outcome.at_most(f"seconds until {len(readers)} streams of a revoked key had ended", REVOKED_WITHIN, worst)
    told = sum(reader.closed == ["credentials_ended"] for reader in readers)
    outcome.exactly("  of them told why", len(readers), told)


async def _timed(reader: Reader) -> float:
    with suppress(Exception):
        await reader.once()
    return time.monotonic()


async def _busy(control: Caller, by: str, to: str) -> None:
    while True:
        await control.post(f"/accounts/{by}/act", {"do": "send", "to": to, "text": "busy"})
        await asyncio.sleep(0.02)


async def _stopped(outcome: Outcome, chance: random.Random, gateway: GatewayProcess, user: User) -> None:
    readers = [_reader(gateway, user, number, chance, 1e9) for number in range(0, 40, 2)]
    tasks = [asyncio.create_task(_timed(reader)) for reader in readers]
    await until(lambda: _true(all(reader.start for reader in readers)), ALL_WITHIN, every=0.05)
    began = time.monotonic()
    await gateway.stop()
    took = time.monotonic() - began
    await asyncio.wait(tasks, timeout=10)
    outcome.at_most(f"seconds in which the service stopped under {len(readers)} open streams", STOP_WITHIN, took)
    outcome.exactly("  of them told why", len(readers), sum(reader.closed == ["shutdown"] for reader in readers))


async def _away(outcome: Outcome, chance: random.Random, gateway: GatewayProcess, user: User) -> None:
    """Consumers that come back when the log has lost some of what they had not seen, and some that lost nothing."""
    caller = gateway.caller(user.person.token)

    async def cut() -> bool:
        page = (await caller.get("/api/v1/events/log?limit=1"))["data"]
        return int(page["oldestCursor"][1:]) > 0

    await until(cut, ALL_WITHIN, every=0.1)
    await asyncio.sleep(0.5)
    oldest = (await caller.get("/api/v1/events/log?limit=1"))["data"]["oldestCursor"]
    log = await _pulled(caller, oldest)
    early, late = "c5", f"c{int(oldest[1:]) + len(log) // 2}"
    outcome.fact(
        "consumers were away; events that are left of the log", f"{len(log):,} of {int(oldest[1:]) + len(log):,}"
    )
    for place, wanted, resets in ((early, log, [oldest]), (late, log[len(log) // 2 :], [])):
        what = "lost some" if resets else "lost nothing"
        for kind in ("SSE", "WS"):
            reader = _reader(gateway, user, 0, chance, 1e9)
            reader.kind, reader.types, reader.start, reader.after = kind, "*", place, place
            task = asyncio.create_task(_timed(reader))
            with suppress(TimeoutError):
                await until(lambda: _true(len(reader.seen) >= len(wanted)), 20, every=0.05)  # noqa: B023
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            right = reader.seen[: len(wanted)] == [event["id"] for event in wanted] and reader.resets == resets
            outcome.exactly(f"  {kind}, {what}: everything once, {len(resets)} reset told", 1, int(right))
        reply = await caller.ask("GET", f"/api/v1/events/log?after={place}&limit=1000")
        if resets:
            error = reply.json()["error"]
            right = (reply.status, error["code"], error["details"]["oldestCursor"]) == (409, "CURSOR_EXPIRED", oldest)
            pulled = await _pulled(caller, error["details"]["oldestCursor"]) if right else []
        else:
            right, pulled = reply.status == 200, await _pulled(caller, place)
        right = right and [e["id"] for e in pulled[: len(wanted)]] == [e["id"] for e in wanted]
        outcome.exactly(f"  pull, {what}: everything once, {len(resets)} reset told", 1, int(right))
    caller.close()


async def _pulled(caller: Caller, after: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = (await caller.get(f"/api/v1/events/log?limit=500&after={after}"))["data"]
        found += page["items"]
        after = page["nextCursor"]
        if not page["hasMore"]:
            return found
