"""The data centre by itself: one process on one core; handshakes, messages delivered, files, 5,000 sessions.

It has core 1 and the load has core 0. Bounds are held against what a whole core does by the CPU time that each took,
as others may have the cores too; what came out by the clock is told beside it. The bound for messages is for `mix`:
every sender in turn to a person and to a basic group of 20.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.bench.sandbox_meter import Figures
from proofs.bench.send import child_line
from proofs.outcome import Outcome
from proofs.process import Child, kept

HANDSHAKES = 100.0
DELIVERED = 5_000.0
SESSION_KIB = 40.0
FILE_MB = 150.0
KINDS = ("mix", "group", "supergroup", "private")
Found = dict[str, list[Figures]]


@dataclass(frozen=True, slots=True)
class Scale:
    rounds: int
    seconds: float = 4.0
    warm_up: float = 1.5
    people: int = 200
    sessions: int = 5_000
    sample: int = 100
    settle: float = 3.0
    quiet: float = 30.0
    parts: int = 64
    kinds: tuple[str, ...] = KINDS
    connections: tuple[int, ...] = (1, 4)


async def run(rounds: int) -> Outcome:
    scale = Scale(rounds)
    _require_files(scale.sessions + 200)
    return judged(await measured(scale), scale)


def _require_files(wanted: int) -> None:
    """Raises RuntimeError where the system does not let a process have as many open files."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(
            f"{wanted} open files are needed and the hard limit is {hard}: raise it (ulimit -Hn {wanted})"
        )


async def measured(scale: Scale) -> Found:
    """Every figure once in each round."""
    found: Found = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        for number in range(scale.rounds):
            folder = Path(made) / str(number)
            async with _centre(folder / "plain", people=scale.people) as ask:
                found["handshakes"].append(await ask("handshakes", seconds=scale.seconds, atOnce=16))
                for kind, figures in (await ask("messages", **_of_messages(scale))).items():
                    found[kind].append(figures)
                files = await ask("files", parts=scale.parts, seconds=scale.seconds, connections=scale.connections)
                for count, figures in files.items():
                    found[f"files {count}"].append(figures)
            async with _centre(folder / "kept", people=scale.people, state_dir=str(folder / "state")) as ask:
                for kind, figures in (await ask("messages", **_of_messages(scale))).items():
                    found[f"{kind}, kept"].append(figures)
            async with _centre(folder / "pure", without=["gmpy2"]) as ask:
                found["handshakes, pure"].append(await ask("handshakes", seconds=scale.seconds, atOnce=4))
            async with _centre(folder / "many", people=scale.sessions) as ask:
                found["sessions"].append(
                    await ask("sessions", seconds=scale.quiet, settle=scale.settle, sample=scale.sample)
                )
    return found


def _of_messages(scale: Scale) -> dict[str, Any]:
    return {"kinds": scale.kinds, "warmUp": scale.warm_up, "seconds": scale.seconds}


@asynccontextmanager
async def _centre(folder: Path, **options: Any) -> AsyncIterator[Any]:
    """A data centre on core 1, and how to put a load on it from core 0."""
    centre = Child(["peopled", json.dumps(options)], folder, "sandbox", core=1)
    async with kept(centre):
        await centre.spawn()
        info = await centre.line()

        async def ask(job: str, **plan: Any) -> Any:
            whole = {**info, "pid": centre.pid, "people": options.get("people", 0), **plan}
            return await child_line(folder, ["sandbox-load", job, json.dumps(whole)], core=0)

        yield ask


def judged(found: Found, scale: Scale) -> Outcome:
    """Medians against the bounds."""
    outcome = Outcome()
    outcome.fact("cores: the data centre's, the load's", "1 and 1" if (os.cpu_count() or 1) > 1 else "one for both")
    _rate(outcome, found, "handshakes", "handshakes a second", HANDSHAKES)
    _rate(outcome, found, "handshakes, pure", "handshakes a second, without gmpy2", None)
    for kind in scale.kinds:
        for how, name in (("", kind), (", kept on disk", f"{kind}, kept")):
            bound = DELIVERED if kind == "mix" else None
            _rate(outcome, found, name, f"messages delivered a second, {kind}{how}", bound)
            sends, p50 = _told(found, name, "sends"), _told(found, name, "p50")
            outcome.fact("  sends a second; ms to the answer, p50", f"{sends}; {p50}")
    names = [name for kind in scale.kinds for name in (kind, f"{kind}, kept")]
    outcome.exactly("messages lost or refused", 0, int(sum(_every(found, names, "lost", "refused"))))
    for count in scale.connections:
        _rate(outcome, found, f"files {count}", f"getFile MB/s, {count} connections", FILE_MB)
    _rate(outcome, found, "files up", "saveBigFilePart MB/s, one after the other", None)
    kib = statistics.median(_every(found, ["sessions"], "sessionKib"))
    outcome.at_most(f"memory of each of {scale.sessions:,} sessions", SESSION_KIB, kib, "KiB")
    outcome.fact("  of it the account, its key and login", f"{_told(found, 'sessions', 'peopleKib')} KiB")
    outcome.fact("  CPU µs from connect to introduced", _told(found, "sessions", "comingCpu"))
    outcome.fact("  CPU of all, idle, one ping a minute", f"{_told(found, 'sessions', 'idleCpu')} % of a core")
    arrived = int(min(_every(found, ["sessions"], "arrived")))
    outcome.exactly("  messages of a sample that arrived", scale.sample, arrived)
    return outcome


def _rate(outcome: Outcome, found: Found, name: str, what: str, bound: float | None) -> None:
    """What a core does in a second."""
    if bound is None:
        outcome.fact(what, _told(found, name, "core"))
    else:
        outcome.at_least(what, bound, statistics.median(_every(found, [name], "core")))
    busy, load = (statistics.median(_every(found, [name], each)) * 100 for each in ("busy", "loadBusy"))
    outcome.fact(
        "  by the clock; CPU µs of each; busy: the centre, the load",
        f"{_told(found, name, 'rate')}; {_told(found, name, 'cpu')}; {busy:.0f} %, {load:.0f} %",
    )


def _every(found: Found, names: Iterable[str], *figures: str) -> list[float]:
    return [one[figure] for name in names for one in found[name] for figure in figures]


def _told(found: Found, name: str, figure: str) -> str:
    """Median [lowest to highest]."""
    values = _every(found, [name], figure)
    low, middle, high = (_short(each) for each in (min(values), statistics.median(values), max(values)))
    return f"{middle} [{low} to {high}]" if len(values) > 1 else middle


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
