"""Whatever twenty people do in thirty chats, the data centre and their clients end up where a simple model says.

Seeded deeds over MTProto, allowed or not, by people of whom some have two devices and some go away and come back. The
model is plain Python and shares nothing with the data centre. Compared are what clients were pushed (each pts, in the
account's box and in each channel's), what they keep, what a difference told those who were away against what was
pushed to those who were not, and what the data centre answers: histories, dialogs, unread counts, read marks.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from proofs import machine
from proofs.model.play import Play, Scale
from proofs.model.stage import BROADCASTS, GROUPS, MEGAGROUPS, PAIRS, PEOPLE, SAVED, Stage
from proofs.outcome import Outcome
from proofs.process import SandboxProcess

SHORT = Scale(deeds=2_000, look_every=250, away_every=60, later_every=400, history=100)
LONG = Scale(deeds=50_000, look_every=1_000, away_every=150, later_every=1_200, history=200)
SHOWN, LONGEST_SHOWN = 12, 600


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        sandbox = SandboxProcess(Path(made), pq_bits=46)
        await sandbox.start()
        try:
            stage = Stage(sandbox, seed)
            await stage.set()
            play = Play(stage, scale)
            began, used = time.monotonic(), _cpu(sandbox)
            await play.run()
            _tell(outcome, play, stage, time.monotonic() - began)
            share = [(now - before) * 1000 / scale.deeds for now, before in zip(_cpu(sandbox), used, strict=True)]
            outcome.fact(
                "CPU per operation: the sandbox; clients, model and checks", "{:.2f} ms; {:.2f} ms".format(*share)
            )
        finally:
            await sandbox.stop()
        log = (Path(made) / "sandbox.log").read_text(errors="replace")
        outcome.exactly("failures that the sandbox logged of itself", 0, log.count("Traceback"))
    return outcome


def _cpu(sandbox: SandboxProcess) -> tuple[float, float]:
    return machine.cpu_seconds(sandbox.pid), machine.cpu_seconds(os.getpid())


def _tell(outcome: Outcome, play: Play, stage: Stage, seconds: float) -> None:
    done, refused, checker = sum(play.done.values()), sum(play.refused.values()), stage.checker
    chats = f"{PAIRS} private, {SAVED} saved, {GROUPS} groups, {MEGAGROUPS} supergroups, {BROADCASTS} channels"
    outcome.fact("people, devices; chats", f"{PEOPLE}, {len(stage.seats)}; {chats}")
    outcome.at_least("operations, of them refused as they must be", play.scale.deeds, done + refused)
    for kind, count in play.done.most_common():
        outcome.fact(f"  {kind}", f"{count:,}")
    for name, count in play.refused.most_common():
        outcome.fact(f"  refused: {name}", f"{count:,}")
    outcome.fact("differences compared, of them too long to be told", f"{play.differences:,}, {play.too_long:,}")
    outcome.fact("looks at everything, moves of time", f"{play.looks:,}, {play.moves:,}")
    outcome.at_least("comparisons made", play.scale.deeds, checker.checks)
    outcome.exactly("divergences", 0, len(checker.wrong))
    outcome.notes += [each[:LONGEST_SHOWN] for each in checker.wrong[:SHOWN]]
    outcome.fact("operations/s, everything on this machine", f"{(done + refused) / seconds:,.0f}")
