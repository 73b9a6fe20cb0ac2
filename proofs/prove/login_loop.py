"""A Telegram login does not hold up the event loop: at most 10 ms, with and without a cloud password.

The loop is sampled every other millisecond while the service does nothing else. Time in which the process was ready
and had no core is told beside it: that is the machine, not the login.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from proofs.machine import cpu_seconds
from proofs.outcome import Outcome
from proofs.people import PASSWORD, log_in, register, verify
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller

BLOCKED_MS = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    logins: int


SHORT = Scale(logins=20)
LONG = Scale(logins=200)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, lag_every=0.002)
        async with kept(gateway, sandbox):
            await gateway.start()
            admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
            await _login(admin, gateway, sandbox, 0, "warm up")  # the first one loads what all need
            found = []
            for number in range(1, scale.logins + 1):
                password = "a cloud password" if number % 2 else None
                found.append(await _login(admin, gateway, sandbox, number, password))
            return _judge(found)


@dataclass(frozen=True, slots=True)
class Login:
    late: float
    late_with_waits: float
    wall: float
    cpu: float
    password: bool


async def _login(
    admin: Caller, gateway: GatewayProcess, sandbox: SandboxProcess, number: int, password: str | None
) -> Login:
    """From /telegram/init to the answer of /telegram/verify."""
    person = await register(admin, sandbox, number, cloud_password=password)
    caller = gateway.caller(await log_in(gateway.port, person.username, PASSWORD))
    await asyncio.sleep(0.05)
    gateway.lag.mark()
    began, used = time.monotonic(), cpu_seconds(gateway.pid)
    await verify(caller, sandbox, person.phone, cloud_password=password)
    wall, used = time.monotonic() - began, cpu_seconds(gateway.pid) - used
    caller.close()
    lag = gateway.lag
    return Login(lag.quantile_ms(1.0), lag.quantile_ms(1.0, own=False), wall, used, password is not None)


def _judge(found: list[Login]) -> Outcome:
    outcome = Outcome()
    late = [one.late for one in found]
    outcome.fact("logins, with cloud password", f"{len(found)}, {sum(one.password for one in found)}")
    outcome.at_most("loop blocked by a login, the worst", BLOCKED_MS, max(late), "ms")
    outcome.fact("loop blocked by a login, the median of the worst moments", f"{statistics.median(late):.3g} ms")
    outcome.fact("with waits for a core, the worst", f"{max(one.late_with_waits for one in found):.3g} ms")
    for name, wanted in (("code only", False), ("with password", True)):
        wall = [one.wall * 1000 for one in found if one.password is wanted]
        cpu = [one.cpu * 1000 for one in found if one.password is wanted]
        outcome.fact(f"wall, {name}: p50, max", f"{statistics.median(wall):.0f} ms, {max(wall):.0f} ms")
        outcome.fact(f"CPU, {name}: p50", f"{statistics.median(cpu):.0f} ms")
    return outcome
