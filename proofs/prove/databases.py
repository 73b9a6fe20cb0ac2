"""On every database the storage keeps its contract, and the service on it passes the integration tests.

The short form runs a part of the integration tests on each but SQLite, which everything else is run on; the long form
runs the contract suite and all of them, on each. What is about another database by its nature is left out and counted
(`tests/support/choice.py`).
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from proofs.databases import NAMES, SQLITE
from proofs.outcome import Outcome
from proofs.process import ROOT

CONTRACT = "tests/contract/storage"
ANY = "any database"
_WITHIN = 1_800.0
_LEFT_OUT = re.compile(r"^(\d+) tests are not about", re.MULTILINE)
# In the brackets of a case's name, and in the names of files that are about one of them.
_MARKS = (
    ("mongodb-alone", "mongodb-alone"),
    ("alone", "mongodb-alone"),
    ("mongodb", "mongodb"),
    ("replica set", "mongodb"),
    ("postgresql", "postgresql"),
    ("sqlite", "sqlite"),
)
_FILES = (("test_postgres", "postgresql"), ("test_sqlite", "sqlite"), ("test_mongo", "mongodb"))


@dataclass(frozen=True, slots=True)
class Scale:
    """Which integration tests, on which databases; `contract`: the contract suite too, which the tests have anyway."""

    ring: tuple[str, ...]
    names: tuple[str, ...]
    contract: bool


SHORT = Scale(
    ("tests/integration/gateway/test_sends.py", "tests/integration/events/test_from_the_first.py"),
    tuple(name for name in NAMES if name != SQLITE),
    contract=False,
)
LONG = Scale(("tests/integration",), NAMES, contract=True)


@dataclass(slots=True)
class Tally:
    cases: int = 0
    passed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ran:
    """Cases by database, where their names tell it. `code` is pytest's own."""

    tallies: dict[str, Tally]
    code: int
    left_out: int
    seconds: float
    end: str


async def run(scale: Scale, _seed: int) -> Outcome:
    outcome = Outcome()
    if scale.contract:
        contract = await _tested((CONTRACT,), SQLITE)
        for name in [*NAMES, ANY]:
            _judge(outcome, f"contract, {name}", contract.tallies.get(name, Tally()))
        _end(outcome, "contract", contract)
    for name in scale.names:
        ring = await _tested(scale.ring, name)
        whole = Tally()
        for tally in ring.tallies.values():
            whole.cases += tally.cases
            whole.passed += tally.passed
            whole.skipped += tally.skipped
            whole.failed += tally.failed
        _judge(outcome, f"integration, {name}", whole)
        _end(outcome, f"integration, {name}", ring)
    return outcome


def _judge(outcome: Outcome, what: str, tally: Tally) -> None:
    expected = tally.cases - sum(tally.skipped.values())
    outcome.at_least(f"{what}: cases", 1, tally.cases)
    outcome.exactly("  passed", expected, tally.passed)
    for reason, count in tally.skipped.items():
        outcome.fact(f"  skipped: {reason[:60]}", count)
    outcome.notes += [f"{what}: {failed}" for failed in tally.failed]


def _end(outcome: Outcome, what: str, ran: Ran) -> None:
    outcome.fact(f"{what}: seconds, left out as about another", f"{ran.seconds:.0f}, {ran.left_out}")
    if ran.code:
        outcome.exactly(f"{what}: pytest's exit code", 0, ran.code)
        outcome.notes.append(f"{what}: {ran.end}")


async def _tested(paths: tuple[str, ...], database: str) -> Ran:
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        report = Path(made) / "report.xml"
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-p", "tests.support.skips", "-q", "-n", "2", "--dist", "worksteal"),
            *(f"--junit-xml={report}", *paths),
            cwd=ROOT,
            env={**os.environ, "TELEFLOW_TEST_DATABASE": database},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_WITHIN):
                raw, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        said = raw.decode("utf-8", "replace")
        left_out = _LEFT_OUT.search(said)
        return Ran(
            tallies(report.read_text("utf-8")) if report.exists() else {},
            process.returncode or 0,
            int(left_out.group(1)) if left_out else 0,
            time.monotonic() - began,
            " / ".join(said.strip().splitlines()[-3:])[:300],
        )


def tallies(report: str) -> dict[str, Tally]:
    """What a JUnit report tells, by database."""
    found: dict[str, Tally] = {}
    for case in ET.fromstring(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        tally = found.setdefault(_database(case.get("classname") or "", case.get("name") or ""), Tally())
        tally.cases += 1
        wrong = [*_said(case, "failure"), *_said(case, "error")]
        skipped = _said(case, "skipped")
        if wrong:
            tally.failed.append(f"{name}: {' / '.join(wrong)[:200]}")
        elif reason := next(skipped, None):
            tally.skipped[reason] += 1
        else:
            tally.passed += 1
    return found


def _said(case: ET.Element, what: str) -> Iterator[str]:
    return (" ".join((each.get("message") or what).split()) for each in case.iter(what))


def _database(classname: str, name: str) -> str:
    inside = name.partition("[")[2].rstrip("]")
    for mark, database in _MARKS:
        if re.search(rf"(^|-){mark}(-|$)", inside):
            return database
    return next((database for mark, database in _FILES if f".{mark}" in classname), ANY)
