"""The one writer of this process: units of many callers, one transaction, one sync of the server's log.

Units run one after the other, in the order in which they were handed in, as on SQLite: what callers may rely on is
the same. Those that have nothing in common go beside each other (`beside`), which saves journeys. Other processes
write beside it; what two of them must not do at once stands in the statements as row locks, and a transaction that
loses a race (deadlock, serialisation) is run again.

Promises: a caller hears of success only after the commit; when a transaction fails, each of its callers gets
StorageUnavailable; a unit that raises is undone alone; a caller who is cancelled disturbs nobody. A connection that is
lost is replaced by the next transaction. Whether a transaction whose COMMIT was never answered stands, nobody can say:
its callers are told that it failed, and what they do again finds what is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Any

import structlog
from sqlalchemy import Dialect

from teleflow.errors import Internal, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.storage.sql.postgres.beside import Group, OneByOne, Unit, UnitTx, waves
from teleflow.storage.sql.postgres.connection import COMMAND_S, CONNECT_S, Connection, is_lost_race
from teleflow.storage.sql.queued import Work

_log = structlog.get_logger(__name__)

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 128  # units in one transaction
BATCH_S = 0.05  # after so long a transaction takes no further unit
PATIENCE = 10.0  # seconds that a unit may wait for its turn
RACES = 8  # a transaction that lost so many is given up


class Writer:
    """Owns one connection. Used from one event loop."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], dialect: Dialect, clock: Clock) -> None:
        self._connect = connect
        self._dialect = dialect
        self._clock = clock
        self._tasks = Tasks("storage-writer")
        self._connection: Connection | None = None
        self._waiting: deque[Unit] = deque()
        self._more = asyncio.Event()
        self._closed = False
        self.on_append: Callable[[Collection[str]], None] | None = None
        self.failing: BaseException | None = None  # why the last transaction failed
        self._work = self._tasks.start(self._go(), "storage:writer", on_failure=self._died)

    def submit(
        self, work: Work, tx: UnitTx, kind: str | None = None, keys: frozenset[Hashable] = frozenset()
    ) -> asyncio.Future[Any]:
        """`work` is over this `tx`; `kind` and `keys` as `Engine.write_beside` has them."""
        if self._closed or len(self._waiting) >= QUEUE_LIMIT:
            raise StorageUnavailable(
                "The service is stopping" if self._closed else "Too much is waiting for the database: try again",
                retry_after=1.0,
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Unit(work, future, self._clock.monotonic(), tx, kind, keys))
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

    def _next(self) -> list[Unit]:
        latest = self._clock.monotonic() - PATIENCE
        batch: list[Unit] = []
        while self._waiting and len(batch) < BATCH_LIMIT:
            unit = self._waiting.popleft()
            if unit.since <= latest:
                unit.refuse(TimeoutError("the database was busy for too long"))
            elif not unit.future.done():
                batch.append(unit)
        return batch

    async def _carry(self, batch: list[Unit]) -> None:
        """One transaction with these units, or with the first of them."""
        guarded = False
        races = 0
        while True:
            try:
                async with asyncio.timeout(CONNECT_S + 2 * COMMAND_S):
                    done = await self._transaction(await self._connected(), batch, guarded=guarded)
            except OneByOne:
                await self._roll_back()
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

    async def _transaction(self, connection: Connection, batch: list[Unit], *, guarded: bool) -> list[Unit]:
        """The units that are in it; raises OneByOne when one of them can't be undone alone."""
        await connection.execute("BEGIN")
        until = self._clock.monotonic() + BATCH_S
        count, wrote = 0, False
        for wave in waves(batch, single=guarded):
            for units in wave:
                wrote |= await self._run(connection, units, guarded=guarded)
                count += len(units)
            if self._clock.monotonic() >= until:
                break
        await connection.execute("COMMIT" if wrote else "ROLLBACK")
        return batch[:count]

    async def _run(self, connection: Connection, units: list[Unit], *, guarded: bool) -> bool:
        """Whether they wrote something that stands."""
        if guarded:
            await connection.execute("SAVEPOINT unit")
        await Group(connection, self._dialect).run(units)
        refused = [unit for unit in units if unit.error is not None]
        if guarded:
            await connection.execute("ROLLBACK TO unit" if refused else "RELEASE unit")
            return not refused and units[0].tx.wrote
        if any(unit.tx.wrote or _spoilt(unit) for unit in refused):
            raise OneByOne
        return any(unit.tx.wrote for unit in units)

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

    def _stands(self, done: list[Unit]) -> None:
        if self.failing is not None:
            _log.info("storage.recovered")
        self.failing = None
        for unit in done:
            unit.tell()
        rung = set().union(*(unit.tx.rung for unit in done if unit.error is None))
        if rung and self.on_append is not None:
            self.on_append(rung)

    def _failed(self, error: BaseException) -> None:
        if self.failing is None:
            _log.error("storage.failing", reason=f"{type(error).__name__}: {error}")
        self.failing = error


def _spoilt(unit: Unit) -> bool:
    """Whether the server refused one of its statements: nothing goes on in that transaction."""
    return isinstance(unit.error, Internal) and unit.error.__cause__ is not None
