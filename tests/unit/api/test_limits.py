from __future__ import annotations

import random

import pytest

from teleflow.api.v1 import limits
from teleflow.api.v1.limits import Windows
from tests.unit.services.clocks import ManualClock


def passed(windows: Windows, name: str, limit: int, tries: int) -> int:
    return sum(windows.take([(name, limit)]).wait == 0 for _ in range(tries))


def test_exactly_the_limit_passes_and_the_rest_is_told_when() -> None:
    windows = Windows(60, ManualClock())
    assert [windows.take([("a", 3)]).remaining for _ in range(3)] == [2, 1, 0]
    refused = windows.take([("a", 3)])
    assert refused.wait > 0
    assert refused.limit == 3
    assert refused.remaining == 0
    assert windows.take([("b", 3)]).wait == 0


def test_after_the_told_wait_one_passes() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        clock = ManualClock()
        windows = Windows(60, clock)
        limit = chance.randint(1, 20)
        for _ in range(chance.randint(1, 5)):
            clock.now += chance.uniform(0, 90)
            passed(windows, "a", limit, chance.randint(1, 40))
        while (standing := windows.take([("a", limit)])).wait == 0:
            pass
        clock.now += standing.wait + 1e-6
        assert windows.take([("a", limit)]).wait == 0, seed


def test_no_span_of_a_window_lets_many_more_through() -> None:
    clock = ManualClock()
    windows = Windows(60, clock)
    at: list[float] = []
    for _ in range(3000):
        clock.now += 0.1
        if windows.take([("a", 100)]).wait == 0:
            at.append(clock.monotonic())
    worst = max(sum(start <= other < start + 60 for other in at) for start in at)
    assert worst <= 110, "the estimate of the window before is a proportion"


def test_a_refused_request_costs_nothing_under_any_name() -> None:
    windows = Windows(60, ManualClock())
    assert windows.take([("user", 10), ("key", 1)]).wait == 0
    for _ in range(20):
        assert windows.take([("user", 10), ("key", 1)]).wait > 0
    assert windows.take([("user", 10)]).remaining == 8


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_COUNTED", 10)
    windows = Windows(60, ManualClock())
    for number in range(100):
        windows.take([(f"{number}", 5)])
    assert len(windows._counts) == 10
