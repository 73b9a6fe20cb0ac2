"""What every load on the data centre needs: people who are connected, and a meter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from telethon.tl import functions

from proofs.bench.sandbox_child import key_of, salt_of
from proofs.lean import Lean
from proofs.machine import cpu_seconds

AT_ONCE = 200
Plan = dict[str, Any]
Figures = dict[str, float]


class Meter:
    """Wall time, the data centre's CPU time and the load's own, of a part of a job."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.seconds = self.cpu = self.own_cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began, cpu, own = time.perf_counter(), cpu_seconds(self._pid), time.process_time()
        yield
        self.seconds += time.perf_counter() - began
        self.cpu += cpu_seconds(self._pid) - cpu
        self.own_cpu += time.process_time() - own

    def figures(self, count: float) -> Figures:
        """Rate by the clock, CPU µs of each, what a whole core would do, and how busy both processes were."""
        return {
            "rate": count / self.seconds,
            "cpu": self.cpu / count * 1e6,
            "core": count / self.cpu,
            "busy": self.cpu / self.seconds,
            "loadBusy": self.own_cpu / self.seconds,
        }


async def introduced(plan: Plan, numbers: range) -> list[Lean]:
    """Connected clients of those people; each has told who it is and asked for the state of updates."""
    links: list[Lean] = []
    for start in range(0, len(numbers), AT_ONCE):
        links += await asyncio.gather(*(_one(plan, number) for number in numbers[start : start + AT_ONCE]))
    return links


async def _one(plan: Plan, number: int) -> Lean:
    link = await Lean.connected(plan["host"], plan["port"], key_of(number), salt_of(number))
    await link.introduce(functions.updates.GetStateRequest())
    return link
