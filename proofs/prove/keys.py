"""Keys that seal are changed while the service runs: `keys rotate` is killed again and again, and nothing is lost.

People send all the while. In the end the old key is thrown away, the service is started again without it, every login
is still good, and every secret reads as it did.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proofs.operator import Operator, reached
from proofs.outcome import Outcome
from proofs.people import Person, by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, environment, kept
from proofs.wire import Caller, until
from teleflow.config import Secrets, load_settings
from teleflow.kit.clock import SystemClock, milliseconds
from teleflow.kit.seal import SealBroken
from teleflow.model.peers import Known
from teleflow.ops.keyring import seal_of
from teleflow.storage.base import Storage
from teleflow.storage.base.sealing import SealedStore
from teleflow.storage.opening import is_mongodb, open_storage

SEND_WITHIN_MS = 2_000.0
# On MongoDB a killed command may hold what orders writers: it is believed dead after 5 s.
_SEND_WITHIN_MS_MONGODB = 8_000.0
_FIRST_PEER = 9_000_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    peers: int
    kills: int
    users: int


SHORT = Scale(peers=12_000, kills=4, users=2)
LONG = Scale(peers=300_000, kills=25, users=4)


@dataclass
class Load:
    """Sends without an end, one after the other for each person."""

    sent: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    ended: bool = False

    async def send(self, gateway: GatewayProcess, person: Person, phone: str) -> None:
        caller = gateway.caller(person.token)
        number = 0
        while not self.ended:
            number += 1
            text = f"{person.username}-{number}"
            began = time.monotonic()
            reply = await caller.ask("POST", "/send", {"phone": phone, "message": text}, idempotency_key=text)
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)
            if reply.status == 200:
                self.sent.add(text)
            else:
                self.refused.append(f"{reply.status} {reply.body[:120]!r}")
            await asyncio.sleep(0.01)
        caller.close()


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
        operator = Operator(folder, environment(gateway.data_dir, sandbox.info))
        async with kept(gateway, sandbox):
            await gateway.start()
            people = await by_http(gateway, sandbox, scale.users)
            phones = await friends(sandbox, scale.users)
            await _acquaint(operator, people, scale.peers)
            old = _key(operator)
            load = Load()
            senders = [
                asyncio.create_task(load.send(gateway, person, phone))
                for person, phone in zip(people, phones, strict=True)
            ]
            kills = 0
            at = sorted(chance.randrange(1, max(2, scale.peers // scale.kills)) for _ in range(scale.kills))
            for more in at:  # of what is left, so many, and then it dies
                done = await operator.run("keys", "rotate", kill_when=reached(more))
                kills += done.killed
            early = await operator.run("keys", "rotate", kill_after=chance.uniform(0.2, 1.0))
            last = (await operator.run("keys", "rotate")).good()
            load.ended = True
            async with asyncio.timeout(60):
                await asyncio.gather(*senders)
            status = (await operator.run("keys", "status")).good()
            await gateway.stop()
            (await operator.run("keys", "forget")).good()
            wrong, left, broken = await _look(operator, people, scale.peers)
            await gateway.start()
            alive = await all_send(gateway, people, phones)
            texts = [line["text"] for line in await sandbox.messages()]
            await gateway.stop()
            outcome = Outcome()
            outcome.fact("secrets, people who send, SIGKILLs", f"{scale.peers:,} and more, {scale.users}, {kills}")
            outcome.at_least("SIGKILLs in the middle of it", min(2, scale.kills), kills + early.killed)
            outcome.fact("the last rotation", f"{last.out.strip()}, {last.seconds:.1f} s")
            outcome.exactly("the old key is in force still", 0, int(old == _key(operator)))
            outcome.exactly("keys told as still needed", 0, status.out.count("still needed"))
            outcome.exactly("values not under the newest key", 0, left)
            outcome.exactly("values that do not open", 0, broken)
            outcome.exactly(f"secrets that read otherwise, of {scale.peers:,}", 0, wrong)
            outcome.exactly("sends that were refused meanwhile", 0, len(load.refused))
            outcome.exactly(f"acknowledged and not sent once, of {len(load.sent):,}", 0, _amiss(load.sent, texts))
            within = (
                _SEND_WITHIN_MS_MONGODB if is_mongodb(load_settings(operator.settings).database) else SEND_WITHIN_MS
            )
            outcome.at_most("the slowest send meanwhile", within, load.slowest_ms, "ms")
            outcome.exactly("people whose login is lost without the old key", 0, scale.users - alive)
            outcome.loop(gateway.lag)
            outcome.notes += load.refused[:3]
            return outcome


def _amiss(acknowledged: set[str], texts: Sequence[str]) -> int:
    return sum(texts.count(text) != 1 for text in acknowledged)


def _key(operator: Operator) -> str:
    return Secrets.load(load_settings(operator.settings)).session_encryption_key


async def _acquaint(operator: Operator, people: Sequence[Person], peers: int) -> None:
    """Whom the first person's session knows: what there is most of in a real database."""
    settings = load_settings(operator.settings)
    clock = SystemClock()
    storage = open_storage(settings.database, await seal_of(Secrets.load(settings)), clock)
    await storage.start()
    session = await _session(storage, people[0])
    now = milliseconds(clock.time())
    for start in range(0, peers, 5_000):
        known = [Known(_FIRST_PEER + n, n * 31, name=f"Person {n}") for n in range(start, min(peers, start + 5_000))]
        await storage.remember_peers(session, known, now=now)
    await storage.stop()


async def _session(storage: Storage, person: Person) -> str:
    user = await storage.user_named(person.username)
    session = await storage.session_named(user.id if user else "", person.username)
    if session is None:
        raise RuntimeError(f"{person.username} has no session")
    return session.id


async def _look(operator: Operator, people: Sequence[Person], peers: int) -> tuple[int, int, int]:
    """Secrets that read otherwise, values under another key, values that do not open: by the newest key alone."""
    settings = load_settings(operator.settings)
    seal = await seal_of(Secrets.load(settings))
    storage = open_storage(settings.database, seal, SystemClock())
    await storage.start()
    if not isinstance(storage, SealedStore):
        raise TypeError("the storage has no such port")
    session = await _session(storage, people[0])
    wrong = 0
    for number in range(peers):
        try:
            found = await storage.peer(session, _FIRST_PEER + number)
        except SealBroken:
            found = None
        wrong += found is None or found.access_hash != number * 31
    left, broken, cursor = 0, 0, None
    while True:
        page = await storage.look_at_sealed(cursor, opening=True, limit=1000)
        left += sum(count for (_, key), count in page.under.items() if key != seal.key_id.hex())
        broken += len(page.broken)
        cursor = page.cursor
        if cursor is None:
            break
    await storage.stop()
    return wrong, left, broken


async def all_send(gateway: GatewayProcess, people: Sequence[Person], phones: Sequence[str]) -> int:
    alive = 0
    for person, phone in zip(people, phones, strict=True):
        caller = gateway.caller(person.token)

        async def sent(caller: Caller = caller, phone: str = phone) -> bool:
            reply = await caller.ask("POST", "/send", {"phone": phone, "message": "and after"})
            return reply.status == 200

        try:
            await until(sent, 20, every=0.3)
            alive += 1
        except TimeoutError:
            pass
        caller.close()
    return alive
