"""The one writer: units of many callers, one transaction, one sync to disk.

Units run on the event loop's thread, where each statement costs microseconds; only what waits for the disk
(COMMIT) or for another process (BEGIN, when the file is busy) and heavy units go to a thread. Meanwhile the
next batch gathers. The reason, with figures, is in docs/decisions ("Who runs the SQL").

Promises: a caller hears of success only after the sync; when a batch does not reach the disk, each of its
callers gets StorageUnavailable and nothing of it is there; a unit that raises is undone alone; a caller who
is cancelled disturbs nobody. After a failure the next batch simply tries again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

import structlog

from teleflow.errors import Internal, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.storage.sql.queued import Queued, Work
from teleflow.storage.sql.sqlite.connection import SqliteTx, is_busy, set_patience
from teleflow.storage.sql.sqlite.worker import Worker
from teleflow.storage.sql.statement import drive

_log = structlog.get_logger(__name__)

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 256  # units in one transaction
LOOP_BUDGET = 0.004  # seconds for which one batch may hold the event loop
PATIENCE = 10.0  # seconds that a unit may wait for its turn
BUSY_WAIT_MS = 500  # one wait for another process, in the thread; repeated while callers have patience

# Errors of SQLite that tell of the unit, not of the database.
_UNITS_OWN = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InterfaceError)


class Writer:
    """Owns the writing connection. Used from one event loop."""

    def __init__(self, connection: sqlite3.Connection, tx: SqliteTx, clock: Clock, worker: Worker | None) -> None:
        """Without a worker everything happens on the loop: for tests in virtual time."""
        self._connection = connection
        self.tx = tx
        self._clock = clock
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Queued] = deque()
        self._running = False
        self._closed = False
        self._idle: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.on_append: Callable[[Collection[str]], None] | None = None  # told the users whose logs have grown
        self.failing: BaseException | None = None  # why the last batch did not reach the disk
        self.stuck = False  # a step in the thread takes longer than anybody should wait

    def submit(self, work: Work, *, heavy: bool = False) -> asyncio.Future[Any]:
        if self._closed or len(self._waiting) >= QUEUE_LIMIT:
            raise StorageUnavailable(
                "The service is stopping" if self._closed else "Too much is waiting for the database: try again",
                retry_after=1.0,
            )
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(Queued(work, future, heavy, self._clock.monotonic()))
        if not self._running:
            self._running = True
            self._loop.call_soon(self._next_batch)
        return future

    async def close(self) -> None:
        """Take nothing more, finish what is there."""
        self._closed = True
        if self._running:
            self._idle = self._loop.create_future()
            await self._idle

    # --- on the loop ---

    def _next_batch(self) -> None:
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        if not self._waiting:
            self._running = False
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            return
        if self._waiting[0].heavy:
            unit = self._waiting.popleft()
            self._blocking(lambda: self._run_heavy(unit), lambda error: self._ended([unit], error))
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if is_busy(error):
                self._blocking(self._begin_patiently, self._begun)
            else:
                self._refuse_waiting(error)
            return
        self._run_batch()

    def _begun(self, error: BaseException | None) -> None:
        if error is None:
            self._run_batch()
        elif is_busy(error):
            self._expire()
            self._loop.call_soon(self._next_batch)
        else:
            self._refuse_waiting(error)

    def _run_batch(self) -> None:
        before = self._connection.total_changes
        batch: list[Queued] = []
        guarded = False
        until = self._clock.monotonic() + LOOP_BUDGET
        try:
            while self._waiting and not self._waiting[0].heavy and len(batch) < BATCH_LIMIT:
                unit = self._waiting.popleft()
                if unit.future.done():
                    continue
                batch.append(unit)
                if guarded:
                    self._run_unit(unit)
                elif not self._run_bare(unit):
                    self._run_again(batch)
                    guarded = True
                if self._clock.monotonic() >= until:
                    break
        except sqlite3.Error as error:
            self._undo()
            self._ended(batch, error)
            return
        if self._connection.total_changes == before:
            self._undo()  # nothing was written: nothing to sync
            self._ended(batch, None)
            return
        self._blocking(self._commit, lambda error: self._ended(batch, error))

    def _run_bare(self, unit: Queued) -> bool:
        """Run one unit without a savepoint: few units raise, and fewer after they wrote. False for one that did."""
        before = self._connection.total_changes
        self._drive(unit)
        return unit.error is None or self._connection.total_changes == before

    def _run_again(self, batch: list[Queued]) -> None:
        """What the last unit wrote can't be told from what the others did: begin anew, each in its savepoint."""
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        for unit in batch:
            unit.again()
            self._run_unit(unit)

    def _drive(self, unit: Queued) -> None:
        """What a unit raises is its own, except when the database itself fails."""
        try:
            unit.result = drive(unit.work())
        except _UNITS_OWN as error:
            unit.error = Internal("The database refused what was to be stored")
            unit.error.__cause__ = error
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - delivered to the caller
            unit.error = error

    def _run_unit(self, unit: Queued) -> None:
        """Run one unit so that it can be undone alone."""
        self._connection.execute("SAVEPOINT unit")
        self._drive(unit)
        if unit.error is not None:
            self._connection.execute("ROLLBACK TO unit")
        self._connection.execute("RELEASE unit")

    def _ended(self, batch: list[Queued], error: BaseException | None) -> None:
        rung = self.tx.rung
        if rung:  # those of a unit that was undone ring for nothing, which harms nobody
            self.tx.rung = set()
        if error is not None:
            self._failed(error)
            for unit in batch:
                unit.refuse(error)
        else:
            if self.failing is not None:
                _log.info("storage.recovered")
            self.failing = None
            for unit in batch:
                unit.tell()
            if rung and self.on_append is not None:
                self.on_append(rung)
        self._loop.call_soon(self._next_batch)  # soon: those who were just told may join

    def _refuse_waiting(self, error: BaseException) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        self._ended(batch, error)

    def _failed(self, error: BaseException) -> None:
        if self.failing is None:
            _log.error("storage.failing", reason=str(error))
        self.failing = error

    # --- in the thread ---

    def _blocking(self, step: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
        if self._worker is None:
            error: BaseException | None = None
            try:
                step()
            except BaseException as raised:  # noqa: BLE001 - as from the thread
                error = raised
            then(error)
            return
        self._timer = self._loop.call_later(PATIENCE, self._watch)

        def after(_: None, error: BaseException | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            self.stuck = False
            then(error)

        self._worker.hand(step, after)

    def _watch(self) -> None:
        """A step takes very long: look after those who wait behind it."""
        self._timer = self._loop.call_later(1.0, self._watch)
        self.stuck = True
        self._expire()

    def _expire(self) -> None:
        """Tell those who waited too long for their turn; those whose batch is under way hear how it ends."""
        latest = self._clock.monotonic() - PATIENCE
        while self._waiting and self._waiting[0].since <= latest:
            error = TimeoutError("the database was busy for too long")
            self._failed(error)
            self._waiting.popleft().refuse(error)

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    def _begin_patiently(self) -> None:
        set_patience(self._connection, BUSY_WAIT_MS)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            set_patience(self._connection, 0)

    def _run_heavy(self, unit: Queued) -> None:
        set_patience(self._connection, int(PATIENCE * 1000))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            set_patience(self._connection, 0)
        try:
            self._run_unit(unit)
        except BaseException:
            self._undo()
            raise
        self._commit()

    def _undo(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                _log.error("storage.rollback_failed", reason=str(error))
