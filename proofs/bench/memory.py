"""What an idle, signed-in session costs in memory and CPU, beside a bare Telethon client."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from proofs.bench.send import bare_plan, bare_sessions, child_line
from proofs.machine import cpu_seconds, rss_kib
from proofs.outcome import Outcome
from proofs.people import seeded
from proofs.process import GatewayProcess, kept

SESSIONS = 300
SETTLE = 4.0
SECONDS = 63.0  # longer than Telethon's pause between pings


async def run(rounds: int) -> Outcome:
    seed = await seeded(SESSIONS)
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        seed.copy(folder)
        sandbox = seed.sandbox(folder, core=1, pq_bits=30)
        await sandbox.start()
        found: dict[str, list[float]] = {"ours KiB": [], "bare KiB": [], "ours CPU": [], "bare CPU": []}
        async with kept(sandbox):
            sessions = await bare_sessions(folder, sandbox, SESSIONS)
            for _ in range(rounds):
                plan = bare_plan(sandbox, sessions=sessions, settle=SETTLE, seconds=SECONDS)
                bare = await child_line(folder, ["telethon", "idle", plan], core=0)
                found["bare KiB"].append(bare["kib"])
                found["bare CPU"].append(bare["cpu"] / SESSIONS * 1e5)
                kib, cpu = await _ours(folder, sandbox.info)
                found["ours KiB"].append(kib)
                found["ours CPU"].append(cpu / SESSIONS * 1e5)
    outcome = Outcome()
    for name, what in (("KiB", "KiB a session"), ("CPU", "CPU of 1,000 idle sessions, % of a core")):
        for who in ("ours", "bare"):
            values = found[f"{who} {name}"]
            outcome.fact(
                f"{what}, {'bare Telethon' if who == 'bare' else who}",
                f"{statistics.median(values):.3g} [{min(values):.3g} to {max(values):.3g}]",
            )
    return outcome


async def _ours(folder: Path, sandbox: dict[str, object]) -> tuple[float, float]:
    """Growth over the empty service in KiB a session; CPU share over it."""
    full = GatewayProcess(folder, sandbox, core=0, lag_every=0.05, TELEGRAM_CONNECT_RATE="0")
    empty = GatewayProcess(folder / "empty", sandbox, core=0, lag_every=0.05)
    async with kept(full, empty):
        await empty.start()
        await empty.stop()  # its first start made the admin, whose password took memory to hash
        await empty.start()
        await full.start()
        await asyncio.sleep(SETTLE)
        kib = (rss_kib(full.pid) - rss_kib(empty.pid)) / SESSIONS
        before, began = cpu_seconds(full.pid) - cpu_seconds(empty.pid), time.monotonic()
        await asyncio.sleep(SECONDS)
        cpu = cpu_seconds(full.pid) - cpu_seconds(empty.pid) - before
        return kib, cpu / (time.monotonic() - began)
