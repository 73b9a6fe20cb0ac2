"""No answer is undocumented and none is our fault, whatever is asked, and no id of one user gives another anything
but 404: schemathesis and an isolation matrix, both from the OpenAPI document.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.api.fuzz import Fuzzed, fuzz
from proofs.api.matrix import Matrix, isolation
from proofs.api.rounds import STREAMS, rounds
from proofs.api.stand import Stand
from proofs.outcome import Outcome, Row
from proofs.process import GatewayProcess, SandboxProcess, kept

SHOWN = 25
LEAST_DONE = 50
"""Operations that get past every check on what is asked: else the fuzz would prove little."""


@dataclass(frozen=True, slots=True)
class Scale:
    """`examples`: cases that are drawn for each operation, beside those that its bounds ask for."""

    examples: int


SHORT = Scale(examples=2)
LONG = Scale(examples=60)


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, WEBHOOK_ALLOW_NETS="127.0.0.0/8")
        async with kept(gateway, sandbox):
            await gateway.start()
            stand = Stand(gateway, sandbox)
            try:
                await stand.set_up()
                document = await stand.owners["ann"].caller.get("/openapi.json")
                _isolated(outcome, await isolation(stand, document))
                planned = await rounds(stand, document, scale.examples)
                url = f"http://127.0.0.1:{gateway.port}"
                _fuzzed(outcome, document, await fuzz(url, folder / "fuzz", planned, seed))
            finally:
                stand.close()
    return outcome


def _isolated(outcome: Outcome, matrix: Matrix) -> None:
    with_ids = matrix.operations - len(matrix.without)
    outcome.fact("isolation: operations, of them with ids", f"{matrix.operations}, {with_ids}")
    outcome.fact("  places that take an id; requests", f"{len(matrix.places)}; {matrix.requests}")
    statuses = ", ".join(f"{times} × {status}" for status, times in sorted(matrix.statuses.items()))
    outcome.fact("  answers to strangers' ids", statuses)
    outcome.exactly("  findings", 0, len(matrix.findings))
    outcome.exactly("  answers unlike those for an id that nobody has", 0, len(matrix.unlike))
    _show(outcome, matrix.findings + matrix.unlike)


def _fuzzed(outcome: Outcome, document: Mapping[str, Any], found: Fuzzed) -> None:
    operations = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, declared in item.items()
        if declared["operationId"] not in STREAMS
    }
    outcome.exactly("schemathesis: operations covered", len(operations), len(operations & found.covered))
    outcome.at_least("  of them done at least once", LEAST_DONE, len(operations & found.done))
    outcome.fact("    never done", ", ".join(sorted(operations - found.done)))
    outcome.fact("  requests", found.requests)
    told = sorted(found.statuses.items())
    outcome.fact("  answers", ", ".join(f"{times} × {status}" for status, times in told if not status.startswith("5")))
    failed = [f"{times} × {status}" for status, times in told if status.startswith("5")]
    outcome.fact("  answers of 5xx, all documented", ", ".join(failed) or "none")
    outcome.exactly("  findings", 0, len(found.findings))
    _show(outcome, found.findings)


def _show(outcome: Outcome, findings: list[str]) -> None:
    for each in list(dict.fromkeys(findings))[:SHOWN]:
        outcome.rows.append(Row(f"    {' '.join(each.split())}"[:400], "", "", holds=False))
