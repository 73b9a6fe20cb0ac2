"""Each fault verb, injected through the control API, is what a bare client then experiences, and is in the ledger.

A row is one variant of a verb: what it was matched by, what the client lived through (an unmodified Telethon, or a
session made by hand where Telethon hides it), and the number of the ledger's line about it. A verb that the sandbox
knows and that has no row breaks the proof.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from telethon.crypto import rsa

from proofs.faults import answers, connections, logins, outages, sessions, updates
from proofs.faults.stage import Case, Stage, UnlikeError
from proofs.outcome import Outcome, Row
from proofs.process import SandboxProcess, kept

LONGEST = 20.0
"""Seconds for one case."""
AT_ONCE = 6
MODULES = (answers, connections, sessions, updates, logins, outages)


@dataclass(frozen=True, slots=True)
class Scale:
    rounds: int


SHORT = Scale(rounds=1)
LONG = Scale(rounds=5)


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    cases = [case for module in MODULES for case in module.CASES]
    order = random.Random(seed)
    logging.getLogger("telethon").setLevel(logging.CRITICAL)  # its complaints about what is done to it
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        sandbox = SandboxProcess(Path(made), pq_bits=46, dcs=[4])
        async with kept(sandbox):
            await sandbox.start()
            pem = await asyncio.to_thread(Path(sandbox.info["publicKeyFile"]).read_text)
            rsa.add_key(pem, old=False)
            numbers = count()
            for turn in range(scale.rounds):
                if turn:
                    order.shuffle(cases)  # no case may live on what another one left behind
                for row in await _played(sandbox, numbers, cases):
                    if not turn or row.holds is False:
                        outcome.rows.append(row)
            log = (Path(made) / "sandbox.log").read_text(errors="replace")
            outcome.exactly("failures that the data centre logged of itself", 0, log.count("Traceback"))
    outcome.exactly("verbs without a row", 0, len(_missing(cases, outcome)))
    return outcome


async def _played(sandbox: SandboxProcess, numbers: Iterator[int], cases: list[Case]) -> list[Row]:
    """The rows of all cases, in their order; those that concern single people are played side by side."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Row:
        async with turns:
            return await _judged(Stage(sandbox, numbers), case)

    beside = [case for case in cases if not case.alone]
    rows = dict(zip(beside, await asyncio.gather(*map(one, beside)), strict=True))
    for case in cases:
        if case.alone:
            rows[case] = await one(case)
    return [rows[case] for case in cases]


async def _judged(stage: Stage, case: Case) -> Row:
    holds = True
    try:
        async with asyncio.timeout(LONGEST):
            told = await case.play(stage)
            lines = await stage.noted()
        told = f"{told} (ledger {', '.join(map(str, lines))})"
    except UnlikeError as error:
        told, holds = f"unlike: {error}", False
    except Exception as error:  # noqa: BLE001 - whatever a client raises that was not due is the finding
        told, holds = f"{type(error).__name__}: {error}", False
    finally:
        await stage.end()
    by = "; ".join(dict.fromkeys(stage.injected))
    return Row(f"{case.verb} {case.variant}".rstrip() + f" [{by}]", case.due, told, holds)


def _missing(cases: list[Case], outcome: Outcome) -> list[str]:
    # The table of names alone, for the comparison: what a verb does is judged from outside.
    from teleflow.sandbox.faults import VERBS

    missing = sorted(set(VERBS) - {case.verb for case in cases})
    for verb in missing:
        outcome.rows.append(Row(verb, "has a row", "none", holds=False))
    return missing
