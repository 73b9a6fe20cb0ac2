"""Reading of updates goes on while what came before is being stored, and nothing overtakes anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from teleflow.events.ahead import Ahead
from teleflow.kit.clock import SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.model.events import EventType, NewEvent
from teleflow.model.updates import BoxPosition
from teleflow.telegram.updates.gaps import Batch


class Shelf:
    """A storage that stores when it is told to. `answer` False: there is nobody to keep it for."""

    def __init__(self) -> None:
        self.stored: list[Batch] = []
        self.may = asyncio.Event()
        self.answer = True
        self.error: Exception | None = None
        self.ended = asyncio.Event()
        self.began = asyncio.Event()

    async def store(self, batch: Batch) -> bool:
        self.began.set()
        await self.may.wait()
        if self.error is not None:
            raise self.error
        self.stored.append(batch)
        return self.answer


class Held(SystemClock):
    """Sleeps until it is told to go on."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.may = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.may.wait()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    made = Tasks("test")
    yield made
    await made.close()


def batch(*numbers: int, came_at: float | None = None) -> Batch:
    events = [NewEvent(f"e{n}", EventType.MESSAGE_RECEIVED, "ses", n, {}) for n in numbers]
    return Batch(events, [BoxPosition(0, numbers[-1])], (), came_at)


def ids(stored: list[Batch]) -> list[list[str]]:
    return [[event.id for event in one.events] for one in stored]


async def test_what_comes_during_a_commit_is_the_next_one_whole(tasks: Tasks) -> None:
    shelf = Shelf()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())
    await ahead.put(batch(1, came_at=5.0))
    await shelf.began.wait()
    for number in (2, 3, 4):
        await ahead.put(batch(number, came_at=float(number)))
    shelf.may.set()
    async with asyncio.timeout(5):
        while len(shelf.stored) < 2:
            await asyncio.sleep(0)
    assert ids(shelf.stored) == [["e1"], ["e2", "e3", "e4"]]
    assert shelf.stored[1].positions == [BoxPosition(0, 4)]
    assert shelf.stored[1].came_at == 2.0
    await ahead.close()


async def test_no_more_waits_than_there_is_room_for(tasks: Tasks) -> None:
    shelf = Shelf()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())
    await ahead.put(batch(1))
    await shelf.began.wait()
    more = asyncio.create_task(ahead.put(batch(*range(2, 700))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not more.done()
    shelf.may.set()
    async with asyncio.timeout(5):
        await more
    await ahead.close()


async def test_nothing_is_stored_after_what_failed(tasks: Tasks) -> None:
    shelf = Shelf()
    shelf.error = ValueError("a bug")
    shelf.may.set()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())
    await ahead.put(batch(1))
    async with asyncio.timeout(5):
        await shelf.ended.wait()
    shelf.error = None
    await ahead.put(batch(2))
    with pytest.raises(ValueError, match="a bug"):
        await ahead.close()
    assert shelf.stored == []


async def test_it_ends_when_there_is_nobody_to_keep_it_for(tasks: Tasks) -> None:
    shelf = Shelf()
    shelf.answer = False
    shelf.may.set()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())
    await ahead.put(batch(1))
    async with asyncio.timeout(5):
        await shelf.ended.wait()
    await ahead.put(batch(2))
    await ahead.close()
    assert ids(shelf.stored) == [["e1"]]


async def test_a_close_stops_the_commit_that_is_under_way(tasks: Tasks) -> None:
    shelf = Shelf()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())
    await ahead.put(batch(1))
    await shelf.began.wait()
    await ahead.put(batch(2))
    await ahead.close()
    shelf.may.set()
    assert shelf.stored == []


async def test_who_is_cancelled_stays_cancelled_though_storing_failed(tasks: Tasks) -> None:
    shelf = Shelf()
    shelf.error = ValueError("a bug")
    shelf.may.set()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, SystemClock())

    async def follow() -> None:
        try:
            await ahead.put(batch(1))
            await asyncio.Event().wait()  # an answer that does not come
        finally:
            await ahead.close()

    following = asyncio.create_task(follow())
    await shelf.ended.wait()
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()


def test_a_box_of_two_batches_never_goes_back() -> None:
    stands = BoxPosition(7, 10, qts=3, date=50, seq=2, top_message=8, read_max=4)
    assert stands.moved(BoxPosition(7, 9, qts=9, top_message=99)) == stands
    moved = stands.moved(BoxPosition(7, 11, qts=4, date=51, seq=3, top_message=2, read_max=9))
    assert moved == BoxPosition(7, 11, qts=4, date=51, seq=3, top_message=8, read_max=9)
    joined = Batch([], [stands], ()).joined(Batch([], [BoxPosition(7, 9), BoxPosition(0, 1)], ()))
    assert joined.positions == [stands, BoxPosition(0, 1)]


async def test_where_much_comes_a_commit_takes_more_of_it_and_what_is_single_does_not_wait(tasks: Tasks) -> None:
    shelf, clock = Shelf(), Held()
    shelf.may.set()
    ahead = Ahead(shelf.store, shelf.ended.set, tasks, clock)

    async def stored(count: int) -> None:
        async with asyncio.timeout(5):
            while len(shelf.stored) < count:
                await asyncio.sleep(0)

    await ahead.put(batch(1))
    await stored(1)
    await ahead.put(batch(2))
    await stored(2)
    assert clock.slept == []
    await ahead.put(batch(*range(3, 23)))
    await stored(3)
    for number in (23, 24):
        await ahead.put(batch(number))
    assert len(shelf.stored) == 3
    clock.may.set()
    await stored(4)
    assert ids(shelf.stored)[3] == ["e23", "e24"]
    assert clock.slept == [0.01]
    await ahead.close()
