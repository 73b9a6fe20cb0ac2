"""The command: runs proofs and benches, prints their tables, and fails when a bound is broken."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time
import traceback
from types import ModuleType

from proofs import databases, machine
from proofs.outcome import Outcome, Row
from teleflow.kit import log

PROOFS = (
    "kill",
    "broadcast",
    "outage",
    "idle",
    "lost-reply",
    "flood",
    "login-loop",
    "rpc-errors",
    "disk-full",
    "events",
    "catch-up",
    "webhooks",
    "ssrf",
    "streams",
    "order",
    "idempotency",
    "invoke",
    "seed2-walk",
    "api",
    "sandbox-fuzz",
    "sandbox-faults",
    "sandbox-methods",
    "sandbox-model",
    "files",
    "uploads",
    "attacks",
    "image",
    "canaries",
    "dashboard",
    "keys",
    "backup",
    "upgrade",
    "copy",
    "database-restart",
    "databases",
)
BENCHES = (
    "send",
    "login",
    "memory",
    "read",
    "invoke",
    "events",
    "webhooks",
    "streams",
    "files",
    "sandbox",
    "databases",
)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    log.configure("error")
    known = PROOFS if given.kind == "prove" else BENCHES
    unknown = [name for name in given.name if name not in known]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    names = given.name or known
    print(f"Machine: {machine.facts()}", flush=True)
    databases.choose(given.database)
    outcomes = {name: _one(given, name) for name in names}
    for name, first in outcomes.items() if given.second_look else ():
        if first.is_only_a_figure_out:
            outcomes[name] = second = _one(given, name)
            if second.holds:
                second.notes.append(f"held only at the second look; at the first: {first.told}")
                print(f"! held only at the second look: {name}: {first.told}")
    broken = {name: outcome for name, outcome in outcomes.items() if not outcome.holds}
    held = len(outcomes) - len(broken)
    print(f"\n{held} of {len(outcomes)} hold." + (f" Broken: {', '.join(broken)}." if broken else ""))
    for name, outcome in broken.items():  # once more, where whoever reads only the end finds it
        for row in outcome.broken:
            print(f"! {name}: {row.told}")
        for note in outcome.notes:
            print(f"! {name}: {note}")
    print(f"Machine at the end: {machine.facts()}")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", description="Promises, proven; and benches.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    prove = kinds.add_parser("prove", help=f"some of {', '.join(PROOFS)}; all of them without a name")
    prove.add_argument("name", nargs="*")
    prove.add_argument("--long", action="store_true", help="full sizes; without it the short form")
    prove.add_argument("--database", choices=databases.NAMES, default=databases.SQLITE, help="what gateways store in")
    prove.add_argument("--seed", type=int, default=1, help="what random moments are made from")
    second_look = "a proof of which only figures (times, sizes, shares) are out, no count, is made once more, and told"
    prove.add_argument("--second-look", action="store_true", help=second_look)
    bench = kinds.add_parser("bench", help=f"some of {', '.join(BENCHES)}; all of them without a name")
    bench.add_argument("name", nargs="*")
    bench.add_argument("--database", choices=databases.NAMES, default=databases.SQLITE, help="what gateways store in")
    bench.set_defaults(second_look=False)
    bench.add_argument("--rounds", type=int, default=3, help="interleaved rounds; medians are compared")
    return parser


def _one(given: argparse.Namespace, name: str) -> Outcome:
    module = importlib.import_module(f"proofs.{given.kind}.{name.replace('-', '_')}")
    began = time.monotonic()
    if given.kind == "prove":
        form = "long" if given.long else "short"
        how = f"{given.database}, {form} form, seed {given.seed}"
        work = module.run(module.LONG if given.long else module.SHORT, given.seed)
    else:
        how = f"{given.database}, {given.rounds} rounds"
        work = module.run(given.rounds)
    try:
        outcome: Outcome = asyncio.run(work)
    except Exception as error:  # noqa: BLE001 - a proof that can't be run is a broken one, and the others go on
        where = "; ".join(f"{frame.name} ({frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)[-4:])
        outcome = Outcome([Row("ran to its end", "yes", f"{type(error).__name__}: {error} in {where}", holds=False)])
    _print(module, f"{name} ({how}, {time.monotonic() - began:.0f} s)", outcome)
    return outcome


def _print(module: ModuleType, title: str, outcome: Outcome) -> None:
    promise = (module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    print(f"\n{title}\n  {promise}")
    rows = [(row.what, row.bound, row.measured, _verdict(row)) for row in outcome.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    for row in rows:
        print("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in outcome.notes:
        print(f"    - {note}")
    print(f"  {'HOLDS' if outcome.holds else 'BROKEN'}", flush=True)


def _verdict(row: Row) -> str:
    return {True: "holds", False: "BROKEN", None: ""}[row.holds]
