"""A new login, key exchange and all, through the service over HTTP, beside bare Telethon."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from proofs.bench.send import bare_plan, child_line
from proofs.machine import cpu_seconds
from proofs.outcome import Outcome
from proofs.people import PASSWORD, log_in, register, verify
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller

LOGINS = 10
_BARE_PHONE = 15_550_400_000


async def run(rounds: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", core=1)
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, core=0)
        async with kept(gateway, sandbox):
            await gateway.start()
            admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
            await _ours(admin, gateway, sandbox, 0)
            ours: list[tuple[float, float]] = []
            wall: list[float] = []
            cpu: list[float] = []
            for turn in range(rounds):
                phones = [f"+{_BARE_PHONE + turn * LOGINS + number}" for number in range(LOGINS)]
                plan = bare_plan(sandbox, control=sandbox.control.port, phones=phones)
                bare = await child_line(folder, ["telethon", "login", plan], core=0)
                wall += bare["wall"]
                cpu += bare["cpu"]
                first = 1 + turn * LOGINS
                ours += [await _ours(admin, gateway, sandbox, number) for number in range(first, first + LOGINS)]
    outcome = Outcome()
    for who, walls, cpus in (("bare Telethon", wall, cpu), ("ours", [w for w, _ in ours], [c for _, c in ours])):
        walls, cpus = sorted(walls), sorted(cpus)
        outcome.fact(
            f"{who}: wall ms, p50 [min to max]",
            f"{statistics.median(walls) * 1000:.0f} [{walls[0] * 1000:.0f} to {walls[-1] * 1000:.0f}]",
        )
        outcome.fact(
            f"{who}: CPU ms, p50 [min to max]",
            f"{statistics.median(cpus) * 1000:.0f} [{cpus[0] * 1000:.0f} to {cpus[-1] * 1000:.0f}]",
        )
    return outcome


async def _ours(admin: Caller, gateway: GatewayProcess, sandbox: SandboxProcess, number: int) -> tuple[float, float]:
    """Wall and CPU seconds from /telegram/init to the answer of /telegram/verify."""
    person = await register(admin, sandbox, number)
    caller = gateway.caller(await log_in(gateway.port, person.username, PASSWORD))
    began, used = time.perf_counter(), cpu_seconds(gateway.pid)
    await verify(caller, sandbox, person.phone)
    took = time.perf_counter() - began, cpu_seconds(gateway.pid) - used
    caller.close()
    return took
