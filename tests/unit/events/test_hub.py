"""Many readers of one log: what they share, and that nothing is lost or doubled by it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from typing import Any

from teleflow.events.hub import AT_ONCE, TAIL_BYTES, TAIL_EVENTS, Hub
from teleflow.model.events import LoggedEvent


class Log:
    """A log in memory that counts its reads, each of which takes a turn of the loop."""

    def __init__(self) -> None:
        self.reads = 0
        self.events: list[LoggedEvent] = []
        self.failing = False
        self._ring: Callable[[Collection[str]], None] = lambda _: None

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._ring = ring

    def append(self, count: int = 1, size: int = 10, *, silently: bool = False) -> None:
        first = self.events[-1].number + 1 if self.events else 1
        for number in range(first, first + count):
            self.events.append(LoggedEvent(number, f"evt_{number}", "message.received", "ses", 1, 0, b"x" * size))
        if not silently:
            self._ring({"ann"})

    def cut(self, below: int) -> None:
        self.events = [event for event in self.events if event.number >= below]

    async def events_after(self, _: str, *, after: int, limit: int, **__: Any) -> tuple[list[LoggedEvent], int]:
        self.reads += 1
        found = [event for event in self.events if event.number > after][:limit]
        await asyncio.sleep(0)
        if self.failing:
            raise OSError("the disk is away")
        return found, found[-1].number if found else after


def made() -> tuple[Log, Hub]:
    log = Log()
    return log, Hub(log)  # type: ignore[arg-type]


async def follow(hub: Hub, start: int, until: int, chance: random.Random | None = None) -> list[int]:
    reader = hub.enter("ann")
    seen: list[int] = []
    number = start
    try:
        async with asyncio.timeout(20):
            while number < until:
                found = await hub.after("ann", number)
                if found:
                    seen += [event.number for event in found]
                    number = found[-1].number
                    if chance is not None and chance.random() < 0.2:
                        await asyncio.sleep(chance.random() / 200)
                else:
                    await reader.wait(1)
    finally:
        hub.leave("ann", reader)
    return seen


async def test_fifty_readers_cost_the_log_what_one_costs() -> None:
    log, hub = made()
    log.append(100)
    readers = [asyncio.create_task(follow(hub, 100, 120)) for _ in range(50)]
    await asyncio.sleep(0.01)
    log.reads = 0
    for _ in range(20):
        log.append()
        for _ in range(10):
            await asyncio.sleep(0)
    assert await asyncio.gather(*readers) == [list(range(101, 121))] * 50
    assert log.reads <= 20, "once for each append, not for each reader"


async def test_each_event_comes_once_and_in_order_however_far_back_its_reader_is() -> None:
    log, hub = made()
    chance = random.Random(5)
    log.append(3_000)
    starts = [0, 1, 700, 1_500, 2_900, 2_999, 3_000, *(chance.randrange(3_000) for _ in range(20))]
    readers = [asyncio.create_task(follow(hub, start, 6_000, random.Random(start))) for start in starts]
    while log.events[-1].number < 6_000:
        log.append(min(chance.choice([1, 1, 3, 40, 600]), 6_000 - log.events[-1].number))
        await asyncio.sleep(chance.random() / 500)
    for start, seen in zip(starts, await asyncio.gather(*readers), strict=True):
        assert seen == list(range(start + 1, 6_001))


async def test_what_is_at_hand_is_bounded_and_goes_with_the_last_reader() -> None:
    log, hub = made()
    reader = hub.enter("ann")
    number = 0
    for size in (10, 4_000):
        for _ in range(12):
            log.append(AT_ONCE - 1, size)
            number = (await hub.after("ann", number))[-1].number
            tail = hub._tails["ann"]
            assert len(tail._events) <= TAIL_EVENTS
            assert sum(len(event.body) for event in tail._events) <= TAIL_BYTES
    hub.leave("ann", reader)
    assert not hub._tails


async def test_a_log_that_was_cut_shows_its_hole() -> None:
    log, hub = made()
    log.append(100)
    hub.enter("ann")
    assert (await hub.after("ann", 0))[0].number == 1
    log.append(50, silently=True)
    log.cut(130)
    log.append()
    assert (await hub.after("ann", 100))[0].number == 130
    assert [event.number for event in await hub.after("ann", 150)] == [151]


async def test_a_read_that_failed_is_no_answer_for_those_who_waited_with_it() -> None:
    log, hub = made()
    log.append(5)
    hub.enter("ann")
    log.failing = True
    waiting = [asyncio.create_task(hub.after("ann", 0)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    log.failing = False
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(outcomes[0], OSError)
    assert all(isinstance(found, list) and len(found) == 5 for found in outcomes[1:])


async def test_a_bell_that_was_not_heard_delays_and_loses_nothing(monkeypatch: Any) -> None:
    from teleflow.events import hub as module

    log, hub = made()
    log.append(1)
    hub.enter("ann")
    assert len(await hub.after("ann", 0)) == 1
    assert await hub.after("ann", 1) == []
    log.append(1, silently=True)
    assert await hub.after("ann", 1) == [], "silence is believed for some seconds"
    monkeypatch.setattr(module, "_BELIEVED_S", 0.0)
    assert [event.number for event in await hub.after("ann", 1)] == [2]
