"""Forty secrets and more, driven through every route, right and wrong, with the data centre failing and the database
stopped, at debug level: none of them stands in a log, an error's answer, the metrics or a trace.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from proofs.api.stand import FRIENDS, PHONES, SECOND, Stand
from proofs.canaries.collector import Collector
from proofs.canaries.flock import Flock
from proofs.canaries.tour import Tour, with_faults
from proofs.outcome import Outcome, Row
from proofs.people import PASSWORD
from proofs.postgres import Postgres, new_database
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, environment, kept

SHOWN = 40
LEAST = 40
LEAST_DONE = 50
"""Operations that get past every check on what is asked: else little would be logged of what is done."""
FAULTS = {
    "an error that nobody knows": {"verb": "rpc_error", "args": {"name": "NEVER_HEARD_OF_IT", "code": 400}},
    "an error inside": {"verb": "rpc_error", "args": {"name": "INTERNAL", "code": 500}},
    "a wait": {"verb": "flood", "args": {"seconds": 3600}},
    "a connection that breaks": {"verb": "reset", "match": {"times": 1}},
}


@dataclass(frozen=True, slots=True)
class Scale:
    """`forms`: how the log is written; `faults`: how many of the troubles."""

    forms: tuple[str, ...]
    faults: int


SHORT = Scale(("development",), 1)
LONG = Scale(("development", "production"), len(FAULTS))


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    for form in scale.forms:
        with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made, Collector() as collector:
            await _one(outcome, Path(made), collector, form, scale, seed)
    return outcome


async def _one(outcome: Outcome, folder: Path, collector: Collector, form: str, scale: Scale, seed: int) -> None:
    flock = Flock(seed)
    for phone in (*PHONES.values(), *FRIENDS.values(), SECOND):
        flock.handed_out[phone[1:]] = "an account's phone"
    flock.handed_out |= {ADMIN_PASSWORD: "the admin's password", PASSWORD: "a user's password"}
    database = Postgres()
    await asyncio.to_thread(database.start)
    sandbox = SandboxProcess(folder / "sandbox")
    try:
        await sandbox.start()
        url = (await asyncio.to_thread(new_database, database)).replace(
            "postgres@", f"postgres:{flock['database password']}@"
        )
        gateway = GatewayProcess(
            folder / "gateway",
            sandbox.info,
            **flock.settings(),
            API_KEY=flock["bootstrap key"],
            DATABASE_URL=url,
            LOG_LEVEL="debug",
            NODE_ENV=form,
            SEND_WAIT_SECONDS="2",
            WEBHOOK_ALLOW_NETS="127.0.0.0/8",
            PROXY_ALLOW_NETS="127.0.0.0/8",
            FILE_CACHE_S3_URL="http://127.0.0.1:59997/bucket",
            FILE_CACHE_S3_ACCESS_KEY="an-access-key",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_HEADERS="x-secret=" + flock["collector's header"],
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            stand = Stand(gateway, sandbox)
            try:
                await stand.set_up()
                document = await stand.owners["ann"].caller.get("/openapi.json")
                tour = Tour(stand, flock, document)
                await tour.prepare()
                metrics = await _toured(tour, stand, scale, database)
            finally:
                stand.close()
            printed = await _end(gateway)
        log = (folder / "gateway" / "gateway.log").read_bytes() + printed
        _judge(outcome, form, tour, flock)
        _look(outcome, "log lines", log, flock, at_least=1)
        _look(outcome, "metrics", metrics, flock, at_least=1)
        _look(outcome, "traces", b"\n".join(collector.bodies), flock, at_least=1)
        _look(
            outcome, "what commands say of a database that is not there", await _commands(folder, sandbox, flock), flock
        )
    finally:
        await asyncio.to_thread(database.remove)


async def _toured(tour: Tour, stand: Stand, scale: Scale, database: Postgres) -> bytes:
    """All stages; the metrics as they are before the last one."""
    await tour.in_error()
    await tour.by_strangers()
    faults = dict(list(FAULTS.items())[: scale.faults])
    await with_faults(stand, tour, faults, 6)
    await tour.in_order()
    metrics = await stand.owners["admin"].caller.ask("GET", "/metrics")
    await asyncio.to_thread(database.stop)
    await tour.in_bad_times("the database has stopped", 6)
    return metrics.head + metrics.body


async def _end(gateway: GatewayProcess) -> bytes:
    """What else it printed, after a stop while its database is away."""
    process = gateway._process  # noqa: SLF001 - the one reader of the rest
    await gateway.stop()
    if process is None or process.stdout is None:
        return b""
    return await process.stdout.read()


async def _commands(folder: Path, sandbox: SandboxProcess, flock: Flock) -> bytes:
    secret = flock["database password"]
    env = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        **environment(folder / "commands", sandbox.info),
        **flock.settings(),
        "LOG_LEVEL": "debug",
        "DATABASE_URL": f"postgresql://someone:{secret}@127.0.0.1:9/nothing",
    }
    told = b""
    (folder / "commands").mkdir()
    for arguments in (["serve"], ["doctor"], ["user", "list"], ["db", "status"]):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-P", "-m", "teleflow", *arguments],
            cwd=folder, env={**env, "PORT": "0", "HOST": "127.0.0.1"}, capture_output=True, timeout=90, check=False,
        )  # fmt: skip
        told += done.stdout + done.stderr
    return told


def _judge(outcome: Outcome, form: str, tour: Tour, flock: Flock) -> None:
    everywhere = set(flock.all)
    given = {name for name in everywhere if name in tour.sent}
    settings = set(flock.settings()) | {"database password", "bootstrap key", "collector's header"}
    outcome.fact(
        f"log for {form}: canaries; sent in requests; set", f"{len(everywhere)}; {len(given)}; {len(settings)}"
    )
    outcome.at_least("  canaries that went in", LEAST, len(given) + len(settings))
    outcome.fact("  secrets that the service handed out, watched too", len(flock.handed_out))
    outcome.exactly("  operations asked", len(tour.operations), len(tour.asked))
    outcome.at_least("  of them done at least once", LEAST_DONE, len(tour.done))
    outcome.fact("  requests; without an answer", f"{tour.requests}; {tour.silent}")
    outcome.fact("  answers", ", ".join(f"{count} × {status}" for status, count in sorted(tour.answers.items())))
    outcome.fact("  bytes of errors", f"{tour.error_bytes:,}")
    outcome.exactly("  canaries in the answers of errors", 0, len(tour.findings))
    _show(outcome, tour.findings)


def _look(outcome: Outcome, where: str, told: bytes, flock: Flock, *, at_least: int = 0) -> None:
    outcome.at_least(f"  bytes of {where}", at_least, len(told))
    found = [
        f"{name}: {line[:300].decode('utf-8', 'replace')}"
        for line in told.splitlines()
        for name in sorted(flock.found_in(line))
    ]
    outcome.exactly(f"  canaries in {where}", 0, len(found))
    _show(outcome, found)


def _show(outcome: Outcome, findings: list[str]) -> None:
    for each in list(dict.fromkeys(findings))[:SHOWN]:
        outcome.rows.append(Row(f"    {' '.join(each.split())}"[:420], "", "", holds=False))
