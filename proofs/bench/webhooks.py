"""Deliveries a second to a fast receiver, each with its attempt recorded; and memory while receivers are stuck.

The gateway runs on core 0, receivers and data centre on core 1. Events are logged before there is a webhook; then a
recovery begins all deliveries, and the clock runs from the first request to the last. For memory, 50,000 messages come
within 10 s while a webhook's receiver takes connections and says nothing, and a stream's reader reads nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from proofs.machine import cpu_seconds, rss_kib
from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.receivers import Receiver
from proofs.wire import Caller, request, until

EVENTS = 5_000
LEAST = 1_000
FLOOD = 50_000
FLOOD_S = 10.0
GROWTH_MB = 48.0
_WITHIN = 120.0


async def run(rounds: int) -> Outcome:
    outcome = Outcome()
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", core=1, pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway", sandbox.info, core=0, RATE_LIMIT_MAX="0", WEBHOOK_ALLOW_NETS="127.0.0.0/8"
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            (friend,) = await friends(sandbox, 1)
            caller = gateway.caller(person.token)
            await _happen(sandbox, friend, person.phone, EVENTS)
            await _logged(caller, EVENTS)
            found = [await _deliver(caller, gateway) for _ in range(rounds)]
            rates = [one["rate"] for one in found]
            shown = f"{statistics.median(rates):,.0f} [{min(rates):,.0f} to {max(rates):,.0f}]"
            outcome.fact("deliveries a second to one receiver", shown)
            outcome.fact("  CPU µs a delivery", f"{statistics.median(one['cpu'] for one in found):,.0f}")
            outcome.at_least("  the median", LEAST, statistics.median(rates), "/s")
            outcome.exactly(
                "  delivered, attempt recorded", EVENTS * rounds, sum(int(one["recorded"]) for one in found)
            )
            outcome.exactly("  sent twice", 0, sum(int(one["twice"]) for one in found))
            await _flood(outcome, gateway, sandbox, caller, friend, person.phone)
            caller.close()
        outcome.loop(gateway.lag)
    return outcome


async def _happen(sandbox: SandboxProcess, friend: str, to: str, count: int, **more: Any) -> None:
    act = {"do": "send", "to": to, "text": "message {n} of quite an ordinary length", "times": count, **more}
    await sandbox.control.ask("POST", f"/accounts/{friend}/act", act, within=_WITHIN)


async def _logged(caller: Caller, count: int) -> None:
    seen = 0
    after = ""

    async def there() -> bool:
        nonlocal seen, after
        page = (await caller.get(f"/api/v1/events/log?limit=1000&types=message.received{after}"))["data"]
        seen += len(page["items"])
        after = f"&after={page['nextCursor']}"
        return seen >= count

    await until(there, _WITHIN, every=0.02)


async def _deliver(caller: Caller, gateway: GatewayProcess) -> dict[str, float]:
    receiver = _Fast()
    await receiver.start()
    made = (await caller.post("/api/v1/webhooks", {"url": receiver.url, "events": ["message.received"]}))["data"]
    gateway.lag.mark()
    before = cpu_seconds(gateway.pid)
    path = f"/api/v1/webhooks/{made['id']}"
    await caller.ask("POST", f"{path}/recoveries", {"since": "2020-01-01T00:00:00Z"})

    async def all_there() -> bool:
        return len(receiver.moments) >= EVENTS

    await until(all_there, _WITHIN, every=0.05)
    used = cpu_seconds(gateway.pid) - before
    took = receiver.moments[EVENTS - 1] - receiver.moments[0]

    async def recorded() -> bool:
        return bool((await caller.get(f"{path}/stats"))["data"]["pending"] == 0)

    await until(recorded, _WITHIN)
    stats = (await caller.get(f"{path}/stats"))["data"]
    await caller.ask("DELETE", path)
    receiver.stop()
    return {
        "rate": EVENTS / took,
        "cpu": used / EVENTS * 1e6,
        "recorded": min(stats["delivered"], stats["attempts"]),
        "twice": len(receiver.moments) - EVENTS,
    }


class _Fast(Receiver):
    """Says yes, and notes when."""

    def __init__(self) -> None:
        super().__init__("", random.Random(1))
        self.moments: list[float] = []

    def meet(self, headers: dict[str, str], body: bytes) -> int:
        del headers, body
        self.moments.append(time.perf_counter())
        return 200


async def _say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(_WITHIN)
    writer.close()


async def _flood(
    outcome: Outcome, gateway: GatewayProcess, sandbox: SandboxProcess, caller: Caller, friend: str, to: str
) -> None:
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    await caller.post("/api/v1/webhooks", {"url": f"http://127.0.0.1:{port}/", "events": ["message.received"]})
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(request("GET", "/api/v1/events", {"Authorization": f"Bearer {caller.token}"}))
    await asyncio.sleep(1.0)
    before = rss_kib(gateway.pid)
    highest = before
    began = time.monotonic()
    work = asyncio.create_task(_happen(sandbox, friend, to, FLOOD, perSecond=round(FLOOD / FLOOD_S)))
    while not work.done():
        await asyncio.sleep(0.2)
        highest = max(highest, rss_kib(gateway.pid))
    await work
    took = time.monotonic() - began
    while time.monotonic() - began < took + 5:
        await asyncio.sleep(0.2)
        highest = max(highest, rss_kib(gateway.pid))
    outcome.fact(f"{FLOOD:,} messages to an account with a stuck webhook and a stuck stream", f"in {took:.1f} s")
    outcome.at_most("  memory grew at most by", GROWTH_MB, (highest - before) / 1024, "MB")
    writer.close()
    silent.close()
    del reader
