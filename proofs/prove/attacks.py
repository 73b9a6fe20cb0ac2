"""Each row of the threat model's tables that applies holds against a running service.

A row may have several cases; each file in `proofs/attacks` is a section, `CASES` what it tries.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from proofs.attacks import (
    abuse,
    authentication,
    custody,
    events,
    files,
    hostile,
    keys,
    logins,
    media_urls,
    messages,
    parsing,
    races,
    streams,
    tenancy,
    uploads,
)
from proofs.attacks.case import Case, Context, Found
from proofs.outcome import Outcome, Row
from proofs.process import GatewayProcess, SandboxProcess, kept

SECTIONS = (
    authentication,
    logins,
    keys,
    custody,
    tenancy,
    parsing,
    messages,
    uploads,
    files,
    media_urls,
    abuse,
    hostile,
    races,
    streams,
    events,
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Which rows; all of them when it is empty."""

    only: tuple[str, ...] = ()


SHORT = Scale()
LONG = Scale()


async def run(scale: Scale, _seed: int) -> Outcome:
    outcome = Outcome()
    cases = [case for section in SECTIONS for case in section.CASES if not scale.only or case.id in scale.only]
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info)
        async with kept(gateway, sandbox):
            await gateway.start()
            context = Context(gateway, sandbox, folder)
            await context.start()
            try:
                beside = [(case, asyncio.create_task(_tried(case, context))) for case in cases if case.beside]
                found = [(case, await _tried(case, context)) for case in cases if not case.beside]
                found += [(case, await task) for case, task in beside]
            finally:
                await context.stop()
    order = "AKTISDWGRE"
    found.sort(key=lambda pair: (order.index(pair[0].id[0]), pair[0].id))
    for case, result in found:
        outcome.rows.append(Row(f"{case.id} {case.what}", "held", result.shown, result.held))
    rows = {case.id for case, _ in found}
    broken = {case.id for case, result in found if not result.held}
    outcome.exactly("rows held, of those run", len(rows), len(rows - broken))
    return outcome


async def _tried(case: Case, context: Context) -> Found:
    try:
        return await case.run(context)
    except Exception as error:  # noqa: BLE001 - a case that can't be run has not held, and the others go on
        return Found(held=False, shown=f"{type(error).__name__}: {str(error)[:120]}")
