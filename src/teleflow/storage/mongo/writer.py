"""The one writer of this process: units of many callers, one commit.

Units run one after the other, in the order in which they were handed in, as on the other databases: what callers may
rely on is the same. Promises: a caller hears of success only after the commit; when a commit fails, each of its
callers gets StorageUnavailable; a unit that raises is undone alone; a caller who is cancelled disturbs nobody. Whether
a commit that was never answered stands, nobody can say: its callers are told that it failed, and what they do again
finds what is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

import structlog
from bson.errors import InvalidDocument
from pymongo.errors import DocumentTooLarge

from teleflow.errors import Internal, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.storage.mongo.client import LostRace, is_duplicate, is_lost_race, is_trouble, unavailable
from teleflow.storage.mongo.ledger import Ledger
from teleflow.storage.mongo.memory import Memory
from teleflow.storage.mongo.tx import Tx

_log = structlog.get_logger(__name__)

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 512  # units in one commit
BATCH_S = 0.05  # after so long a batch takes no further unit
BATCH_BYTES = 4 * 2**20
PATIENCE = 10.0  # seconds that a unit may wait for its turn
UNIT_S = 60.0  # a batch that takes longer is given up
HELD_S = 0.01  # so long without a unit, and nothing is held any more
RACING_S = 10.0  # a batch that lost for so long is given up
_PAUSE_S = 0.05  # the longest between two races

Work = Callable[[Tx], Coroutine[Any, Any, Any]]
Near = Sequence[tuple[str, Any]]


class Queued:
    """A unit that waits, and the caller who waits for it."""

    __slots__ = ("error", "future", "near", "result", "since", "work")

    def __init__(self, work: Work, near: Near, future: asyncio.Future[Any], since: float) -> None:
        self.work = work
        self.near = near
        self.future = future
        self.since = since
        self.result: Any = None
        self.error: Exception | None = None

    def tell(self) -> None:
        if self.future.done():
            return  # cancelled, or out of patience
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)

    def refuse(self, cause: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(unavailable(cause))


class Writer:
    """Used from one event loop."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._memory = Memory()
        self._clock = clock
        self._tasks = Tasks("storage-writer")
        self._waiting: deque[Queued] = deque()
        self._more = asyncio.Event()
        self._closed = False
        self.on_append: Callable[[Collection[str]], None] | None = None
        self.failing: BaseException | None = None  # why the last commit failed
        self._work = self._tasks.start(self._go(), "storage:writer", on_failure=self._died)

    def submit(self, work: Work, near: Near = ()) -> asyncio.Future[Any]:
        if self._closed or len(self._waiting) >= QUEUE_LIMIT:
            raise StorageUnavailable(
                "The service is stopping" if self._closed else "Too much is waiting for the database: try again",
                retry_after=1.0,
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Queued(work, near, future, self._clock.monotonic()))
        self._more.set()
        return future

    async def close(self) -> None:
        """Take nothing more, finish what is there."""
        self._closed = True
        self._more.set()
        await asyncio.wait([self._work], timeout=PATIENCE)
        await self._tasks.close()
        await self._ledger.close()

    def _died(self, error: BaseException) -> None:
        self._closed = True
        while self._waiting:
            self._waiting.popleft().refuse(error)

    async def _go(self) -> None:
        while True:
            batch = self._next()
            if batch:
                await self._carry(batch)
            elif self._closed:
                return
            else:
                self._more.clear()
                if not await self._comes_soon():
                    await self._ledger.rest()
                    await self._more.wait()

    async def _comes_soon(self) -> bool:
        """Whoever waits for one unit often hands in the next: what the ledger holds is held for a moment."""
        try:
            async with asyncio.timeout(HELD_S):
                return await self._more.wait()
        except TimeoutError:
            return False

    def _next(self) -> list[Queued]:
        latest = self._clock.monotonic() - PATIENCE
        batch: list[Queued] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            unit = self._waiting.popleft()
            if unit.since <= latest:
                unit.refuse(TimeoutError("the database was busy for too long"))
            elif not unit.future.done():
                batch.append(unit)
        return batch

    async def _carry(self, batch: list[Queued]) -> None:
        """One commit with these units, or with the first of them."""
        races, until = 0, self._clock.monotonic() + RACING_S
        hopes = self._ledger.refuses_duplicates
        while True:
            try:
                async with asyncio.timeout(UNIT_S):
                    done, rung = await self._batch(batch, hopes=hopes)
            except Exception as error:  # noqa: BLE001 - told to those who wait for this commit
                self._memory.forget()
                try:
                    await self._ledger.leave()
                except Exception as further:  # noqa: BLE001 - the next batch begins anew
                    _log.error("storage.not_left", reason=type(further).__name__)
                if is_lost_race(error) and self._clock.monotonic() < until:
                    races += 1
                    await self._clock.sleep(min(0.001 * races, _PAUSE_S))
                    continue
                if is_duplicate(error) and hopes:
                    hopes = False
                    continue
                if is_duplicate(error) and len(batch) > 1:  # some other program's document: whose unit it is, is found
                    for unit in batch:
                        await self._carry([unit])
                    return
                self._failed(error)
                for unit in batch:
                    unit.refuse(error)
                return
            self._stands(done, rung)
            self._waiting.extendleft(reversed(batch[len(done) :]))
            return

    async def _batch(self, batch: list[Queued], *, hopes: bool) -> tuple[list[Queued], Collection[str]]:
        """The units that are in it, and who is to be rung."""
        tx = await self._ledger.begin()
        tx.remember(self._memory, hopes=hopes)
        await tx.load([near for unit in batch for near in unit.near])
        until = self._clock.monotonic() + BATCH_S
        done: list[Queued] = []
        weight = 0
        for unit in batch:
            done.append(unit)
            weight += await _drive(unit, tx)
            if weight >= BATCH_BYTES or self._clock.monotonic() >= until:
                break
        if tx.wrote:
            await self._ledger.commit(tx, more=not self._closed)
            tx.stands()
        else:
            if not await self._ledger.holds(tx):
                raise LostRace("another process has committed meanwhile")
            await self._ledger.leave()
            self._memory.passed(self._ledger.left_at(tx))
        return done, tx.rung

    def _stands(self, done: list[Queued], rung: Collection[str]) -> None:
        if self.failing is not None:
            _log.info("storage.recovered")
        self.failing = None
        for unit in done:
            unit.tell()
        if rung and self.on_append is not None:
            self.on_append(rung)

    def _failed(self, error: BaseException) -> None:
        if self.failing is None:
            _log.error("storage.failing", reason=type(error).__name__)
        self.failing = error


async def _drive(unit: Queued, tx: Tx) -> int:
    """What a unit raises is its own, except when the database itself fails. How many bytes it writes."""
    unit.result = unit.error = None
    try:
        unit.result = await unit.work(tx)
        weight = tx.weigh()
    except Exception as error:
        tx.undo()
        if isinstance(error, InvalidDocument | DocumentTooLarge | OverflowError | UnicodeEncodeError):
            unit.error = Internal("The database refused what was to be stored")
            unit.error.__cause__ = error
        elif is_trouble(error) or is_lost_race(error):
            raise
        else:
            unit.error = error
        return 0
    tx.keep()
    return weight
