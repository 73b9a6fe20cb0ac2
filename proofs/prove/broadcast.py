"""A broadcast reaches each recipient exactly once: through flood waits, SIGKILLs and a stop at PEER_FLOOD.

The recipients have written to the account before, since those who have not stay out of its reach for a day after a
PEER_FLOOD. The judge is the sandbox's ledger; the report is read as CSV, as its owner reads it.
"""

from __future__ import annotations

import asyncio
import csv
import http.client
import io
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.machine import rss_kib
from proofs.outcome import Outcome
from proofs.people import PASSWORD, friend_of, log_in, phone_of, verify
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller, until

V1 = "/api/v1"
SEND = "messages.sendMessage"
TEXT = "broadcast-proof"
RSS_MB = 200
WAIT_S = 2


@dataclass(frozen=True, slots=True)
class Scale:
    recipients: int
    kills: int
    floods: tuple[int, ...]
    spam_at: int
    within: float


SHORT = Scale(recipients=300, kills=2, floods=(40, 200), spam_at=90, within=240)
LONG = Scale(recipients=10_000, kills=8, floods=(500, 2_000, 5_000, 8_000), spam_at=3_000, within=900)


@dataclass
class Seen:
    """What was seen on the way. `stopped` is the broadcast as it stood then."""

    started: float = 0.0
    seconds: float = 0.0
    idle_kib: int = 0
    most_kib: int = 0
    rests: set[str] = field(default_factory=set)
    stops: list[dict[str, Any]] = field(default_factory=list)
    kills: int = 0


async def run(scale: Scale, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0", BROADCAST_PER_MINUTE="100000"
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            await _people(sandbox, scale.recipients)
            token, session = await _account(gateway, sandbox)
            caller = gateway.caller(token)
            seen = Seen(idle_kib=rss_kib(gateway.pid))
            for nth in scale.floods:
                await sandbox.fault("flood", {"method": SEND, "nth": nth}, seconds=WAIT_S)
            await sandbox.fault("rpc_error", {"method": SEND, "nth": scale.spam_at}, name="PEER_FLOOD", code=400)
            await sandbox.fault("drop_reply_after_commit", {"method": SEND, "nth": scale.spam_at // 2})
            id_ = await _start(caller, session, scale.recipients)
            told = await _carried(gateway, caller, id_, scale, seen, chance)
            rows = await asyncio.to_thread(_report, caller, id_)
            caller.close()
            ledger = [line for line in await sandbox.messages() if line["text"].startswith(TEXT)]
            await gateway.stop()
            return _judge(scale, seen, told, rows, ledger, gateway)


async def _people(sandbox: SandboxProcess, count: int) -> None:
    """They write to the account, which knows them by that."""
    await sandbox.control.post("/accounts", {"phone": phone_of(0), "firstName": "Sender"})
    turns = iter(range(count))

    async def some() -> None:
        caller = Caller(sandbox.control.port)
        for number in turns:
            phone = friend_of(number)
            await caller.post("/accounts", {"phone": phone, "firstName": f"Friend{number}"})
            await caller.post(f"/accounts/{phone}/act", {"do": "send", "to": phone_of(0), "text": "write to me"})
        caller.close()

    await asyncio.gather(*(some() for _ in range(4)))


async def _account(gateway: GatewayProcess, sandbox: SandboxProcess) -> tuple[str, str]:
    """A token of a user, and the id of their session."""
    admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
    await admin.post("/users", {"username": "sender", "password": PASSWORD, "telegram_phone": phone_of(0)})
    admin.close()
    token = await log_in(gateway.port, "sender", PASSWORD)
    caller = gateway.caller(token)
    await verify(caller, sandbox, phone_of(0))
    session = (await caller.get(f"{V1}/sessions"))["data"][0]["id"]
    caller.close()
    return token, str(session)


async def _start(caller: Caller, session: str, count: int) -> str:
    body = {
        "sessionId": session,
        "text": f"{TEXT} {{{{n}}}}",
        "consent": "each of them has written to this account and asked for it",
        "pace": {"perMinute": 100_000, "jitter": 0.2},
        "start": True,
        "recipients": [{"to": friend_of(number), "variables": {"n": str(number)}} for number in range(count)],
    }
    return str((await caller.post(f"{V1}/broadcasts", body))["data"]["id"])


async def _carried(
    gateway: GatewayProcess, caller: Caller, id_: str, scale: Scale, seen: Seen, chance: random.Random
) -> dict[str, Any]:
    """Watched to its end: killed on the way, resumed by hand where it stopped."""
    seen.started = time.monotonic()
    # Not where PEER_FLOOD comes: a process that dies before it reads the answer has seen no sign.
    near = range(scale.spam_at - 50, scale.spam_at + 50)
    moments = sorted(chance.sample([n for n in range(5, scale.recipients - 5) if n not in near], scale.kills))
    told: dict[str, Any] = {}

    async def over() -> bool:
        nonlocal told
        told = (await caller.get(f"{V1}/broadcasts/{id_}"))["data"]
        seen.most_kib = max(seen.most_kib, rss_kib(gateway.pid))
        seen.rests.add(told.get("waitingFor", "nothing"))
        if told["state"] == "stopped" and not told["counts"]["queued"]:
            seen.stops.append(told)
            await caller.post(f"{V1}/broadcasts/{id_}/resume")
        if moments and told["counts"]["sent"] >= moments[0]:
            moments.pop(0)
            await asyncio.sleep(chance.uniform(0, 0.05))
            await gateway.kill()
            await gateway.start()
            seen.kills += 1
        return bool(told["state"] in {"finished", "cancelled"})

    await until(over, scale.within, every=0.05)
    seen.seconds = time.monotonic() - seen.started
    return told


def _report(caller: Caller, id_: str) -> list[dict[str, str]]:
    """It is streamed, which `Caller` does not read."""
    connection = http.client.HTTPConnection("127.0.0.1", caller.port, timeout=60)
    connection.request("GET", f"{V1}/broadcasts/{id_}/report", headers={"authorization": f"Bearer {caller.token}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return list(csv.DictReader(io.StringIO(text)))


def _judge(
    scale: Scale,
    seen: Seen,
    told: dict[str, Any],
    rows: list[dict[str, str]],
    ledger: list[dict[str, Any]],
    gateway: GatewayProcess,
) -> Outcome:
    outcome = Outcome()
    reached = Counter(line["to"] for line in ledger)
    texts = {line["to"]: line["text"] for line in ledger}
    wanted = {friend_of(number): f"{TEXT} {number}" for number in range(scale.recipients)}
    outcome.fact("recipients, SIGKILLs, flood waits", f"{scale.recipients}, {seen.kills}, {len(scale.floods)}")
    outcome.fact("seconds, messages a second", f"{seen.seconds:.1f}, {scale.recipients / seen.seconds:.0f}")
    outcome.exactly("stopped by itself", 1, len(seen.stops))
    causes = {stop["cause"] for stop in seen.stops}
    outcome.exactly("  for another cause than PEER_FLOOD", 0, len(causes - {"TELEGRAM_RESTRICTED"}))
    at = seen.stops[0]["counts"]["sent"] if seen.stops else 0
    outcome.at_most("  sent by then, beyond where PEER_FLOOD came", 20, max(0, at - scale.spam_at))
    outcome.exactly("rested for its flood waits", 1, int("floodWait" in seen.rests))
    outcome.exactly("recipients that nothing reached", 0, len(set(wanted) - set(reached)))
    outcome.exactly("recipients reached twice", 0, sum(1 for count in reached.values() if count > 1))
    outcome.exactly("texts that are another's", 0, sum(1 for to, text in texts.items() if wanted.get(to) != text))
    outcome.exactly("lines of the report", scale.recipients, len(rows))
    whole = [row for row in rows if row["state"] == "sent" and row["messageId"] and row["jobId"] and row["endedAt"]]
    outcome.exactly("  told as sent, with message, job and time", scale.recipients, len(whole))
    outcome.exactly("sent, as its counts say", scale.recipients, told["counts"]["sent"])
    outcome.at_most("memory over the idle service", RSS_MB, (seen.most_kib - seen.idle_kib) / 1024, "MB")
    outcome.loop(gateway.lag)
    return outcome
