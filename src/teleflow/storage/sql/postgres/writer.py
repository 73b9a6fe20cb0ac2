"""The one writer of this process: units of many callers, one transaction, one sync of the server's log.

Units run one after the other, in the order in which they were handed in, as on SQLite: what callers may rely on is
the same. Other processes write beside it; what two of them must not do at once stands in the statements as row locks,
and a transaction that loses a race (deadlock, serialisation) is run again.

Promises: a caller hears of success only after the commit; when a transaction fails, each of its callers gets
StorageUnavailable; a unit that raises is undone alone; a caller who is cancelled disturbs nobody. A connection that is
lost is replaced by the next transaction. Whether a transaction whose COMMIT was never answered stands, nobody can say:
its callers are told that it failed, and what they do again finds what is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog
from sqlalchemy import Dialect

from teleflow.errors import Internal, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.storage.sql.postgres.connection import (
    COMMAND_S,
    CONNECT_S,
    Connection,
    PostgresTx,
    is_lost_race,
    is_trouble,
    is_units_own,
)
from teleflow.storage.sql.queued import Queued, Work

_log = structlog.get_logger(__name__)

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 64  # units in one transaction
BATCH_S = 0.05  # after so long a transaction takes no further unit
PATIENCE = 10.0  # seconds that a unit may wait for its turn
RACES = 8  # a transaction that lost so many is given up


class Writer:
    """Owns one connection. Used from one event loop."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], dialect: Dialect, clock: Clock) -> None:
        self._connect = connect
        self.tx = PostgresTx(dialect)
        self._clock = clock
        self._tasks = Tasks("storage-writer")
        self._connection: Connection | None = None
        self._waiting: deque[Queued] = deque()
        self._more = asyncio.Event()
        self._closed = False
        self.on_append: Callable[[Collection[str]], None] | None = None
        self.failing: BaseException | None = None  # why the last transaction failed
        self._work = self._tasks.start(self._go(), "storage:writer", on_failure=self._died)

    def submit(self, work: Work) -> asyncio.Future[Any]:
        if self._closed or len(self._waiting) >= QUEUE_LIMIT:
            raise StorageUnavailable(
                "The service is stopping" if self._closed else "Too much is waiting for the database: try again",
                retry_after=1.0,
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Queued(work, future, heavy=False, since=self._clock.monotonic()))
        self._more.set()
        return future

    async def close(self) -> None:
        """Take nothing more, finish what is there."""
        self._closed = True
        self._more.set()
        await asyncio.wait([self._work], timeout=PATIENCE)
        await self._tasks.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

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
                await self._more.wait()

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
        """One transaction with these units, or with the first of them."""
        guarded = False
        races = 0
        while True:
            try:
                async with asyncio.timeout(CONNECT_S + 2 * COMMAND_S):
                    connection = self.tx.connection = await self._connected()
                    done = await self._transaction(connection, batch, guarded=guarded)
            except _Undo:
                guarded = True
                continue
            except Exception as error:  # noqa: BLE001 - told to those who wait for this transaction
                await self._roll_back()
                if is_lost_race(error) and races < RACES:
                    races += 1
                    continue
                self._failed(error)
                for unit in batch:
                    unit.refuse(error)
                return
            self._stands(done)
            self._waiting.extendleft(reversed(batch[len(done) :]))
            return

    async def _transaction(self, connection: Connection, batch: list[Queued], *, guarded: bool) -> list[Queued]:
        """The units that are in it; raises _Undo when one of them can't be undone alone."""
        tx = self.tx
        tx.rung = set()
        await connection.execute("BEGIN")
        until = self._clock.monotonic() + BATCH_S
        done: list[Queued] = []
        wrote = False
        for unit in batch:
            unit.again()
            tx.wrote = False
            done.append(unit)
            if guarded:
                await self._guarded(connection, unit)
            else:
                await _drive(unit)
                if unit.error is not None and (tx.wrote or _spoilt(unit)):
                    await connection.execute("ROLLBACK")
                    raise _Undo
            wrote = wrote or tx.wrote
            if self._clock.monotonic() >= until:
                break
        await connection.execute("COMMIT" if wrote else "ROLLBACK")
        return done

    async def _guarded(self, connection: Connection, unit: Queued) -> None:
        await connection.execute("SAVEPOINT unit")
        await _drive(unit)
        await connection.execute("RELEASE unit" if unit.error is None else "ROLLBACK TO unit")
        if unit.error is not None:
            self.tx.wrote = False

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    async def _roll_back(self) -> None:
        """Leave the connection fit for the next transaction, or do without it."""
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(COMMAND_S):
                await connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection that can't even do this is none
            self._connection = None
            connection.terminate()

    def _stands(self, done: list[Queued]) -> None:
        if self.failing is not None:
            _log.info("storage.recovered")
        self.failing = None
        for unit in done:
            unit.tell()
        if self.tx.rung and self.on_append is not None:
            self.on_append(self.tx.rung)

    def _failed(self, error: BaseException) -> None:
        if self.failing is None:
            _log.error("storage.failing", reason=f"{type(error).__name__}: {error}")
        self.failing = error


class _Undo(Exception):
    """The transaction is to be run anew, each unit in a savepoint."""


async def _drive(unit: Queued) -> None:
    """What a unit raises is its own, except when the database itself fails."""
    try:
        unit.result = await unit.work()
    except Exception as error:
        if is_units_own(error):
            unit.error = Internal("The database refused what was to be stored")
            unit.error.__cause__ = error
        elif is_trouble(error):
            raise
        else:
            unit.error = error


def _spoilt(unit: Queued) -> bool:
    """Whether the server refused one of its statements: nothing goes on in that transaction."""
    return isinstance(unit.error, Internal) and unit.error.__cause__ is not None
