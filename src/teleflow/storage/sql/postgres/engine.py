"""PostgreSQL behind the engine's port: the writer, and a pool for everything else.

Reads take a connection of the pool, each statement seeing what is committed when it runs. Heavy units have a
transaction of their own beside the writer's, so that a user with a million rows can be removed while others send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Hashable
from functools import partial
from typing import Any, ParamSpec, TypeVar

import asyncpg
from sqlalchemy import literal_column, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.storage.sql.engine import Unit
from teleflow.storage.sql.postgres import connection as c
from teleflow.storage.sql.postgres.beside import UnitTx
from teleflow.storage.sql.postgres.hold import Hold
from teleflow.storage.sql.postgres.migrating import migrate
from teleflow.storage.sql.postgres.writer import RACES, Writer
from teleflow.storage.sql.queued import unavailable
from teleflow.storage.sql.schema import facts
from teleflow.storage.sql.statement import Statement, Tx

P = ParamSpec("P")
T = TypeVar("T")
_HEAVY_S = 60.0  # a heavy unit may take so long
_ROOM_S = 5.0  # so long a caller waits for a connection of the pool
_HEARTBEAT = Statement(select(literal_column("1")))
_insert = insert(facts)
_PROBE = Statement(_insert.on_conflict_do_update(index_elements=[facts.c.key], set_={"value": _insert.excluded.value}))


class PostgresEngine:
    """One PostgreSQL database, with at most `pool` connections beside the writer's."""

    def __init__(self, url: str, clock: Clock, *, pool: int = 8) -> None:
        self._url = c.address(url)
        self._clock = clock
        self._size = pool
        self._dialect = c.dialect()
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._writer: Writer | None = None
        self._heavy: Tasks | None = None
        self._hold: Hold | None = None
        self._ring: Callable[[Collection[str]], None] | None = None

    async def start(self) -> None:
        try:
            async with asyncio.timeout(c.CONNECT_S):
                first = await c.connect(self._url)
        except c.NO_CONNECTION as error:
            raise c.not_reached(error) from error
        try:
            await _check(first)
        finally:
            first.terminate()
        await migrate(self._url)
        self._pool = await asyncpg.create_pool(
            c.dsn(self._url), min_size=1, max_size=self._size, connect=c.opened, **c.options()
        )
        self._heavy = Tasks("storage-heavy")
        self._writer = Writer(partial(c.connect, self._url), self._dialect, self._clock)
        self._writer.on_append = self._ring

    async def hold(self, lost: Callable[[], None]) -> None:
        self._hold = Hold(partial(c.connect, self._url), self._clock)
        await self._hold.take(lost)

    async def stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        heavy, self._heavy = self._heavy, None
        if heavy is not None:
            await heavy.close()
        hold, self._hold = self._hold, None
        if hold is not None:
            await hold.release()
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(_ROOM_S):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._ring = ring
        if self._writer is not None:
            self._writer.on_append = ring

    async def ping(self) -> None:
        """Raises StorageUnavailable when the server does not answer, or when writing failed and does again."""
        await self.read(_heartbeat)
        if self._running_writer().failing is not None:
            await self.write(_probe)

    def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        tx = UnitTx()
        return self._running_writer().submit(partial(unit, tx, *args, **kwargs), tx)

    def write_beside(
        self, kind: str, keys: Collection[Hashable], unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        held = frozenset(keys)
        tx = UnitTx(held)
        return self._running_writer().submit(partial(unit, tx, *args, **kwargs), tx, kind, held)

    def write_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        if self._heavy is None:
            raise StorageUnavailable("The database is not open")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._heavy.start(self._apart(future, lambda tx: unit(tx, *args, **kwargs)), "storage:heavy")
        return future

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        pool = self._running_pool()
        try:
            async with asyncio.timeout(c.COMMAND_S), pool.acquire(timeout=_ROOM_S) as connection:
                tx = c.PostgresTx(self._dialect)
                tx.connection = connection
                return await unit(tx, *args, **kwargs)
        except Exception as error:
            if c.is_trouble(error):
                raise unavailable(error) from error
            raise

    async def read_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.read(unit, *args, **kwargs)

    async def _apart(self, future: asyncio.Future[T], unit: Callable[[Tx], Coroutine[Any, Any, T]]) -> None:
        tx = c.PostgresTx(self._dialect)
        try:
            async with asyncio.timeout(_HEAVY_S):
                result = await self._in_transaction(tx, unit)
        except Exception as error:  # noqa: BLE001 - delivered to the caller
            if not future.done():
                future.set_exception(unavailable(error) if c.is_trouble(error) else error)
            return
        if not future.done():
            future.set_result(result)
        if tx.rung and self._ring is not None:
            self._ring(tx.rung)

    async def _in_transaction(self, tx: c.PostgresTx, unit: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
        races = 0
        while True:
            tx.rung = set()
            try:
                async with self._running_pool().acquire(timeout=_ROOM_S) as connection, connection.transaction():
                    await connection.execute(f"SET LOCAL statement_timeout = {int(_HEAVY_S * 1000)}")
                    tx.connection = connection
                    return await unit(tx)
            except asyncpg.PostgresError as error:
                races += 1
                if not c.is_lost_race(error) or races > RACES:
                    raise

    def _running_writer(self) -> Writer:
        if self._writer is None:
            raise StorageUnavailable("The database is not open")
        return self._writer

    def _running_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        if self._pool is None:
            raise StorageUnavailable("The database is not open")
        return self._pool


async def _check(connection: c.Connection) -> None:
    version = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
    if version < c.OLDEST:
        raise SettingsError(f"DATABASE_URL: PostgreSQL {version // 10000} is too old: {c.OLDEST // 10000} is the least")
    encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise SettingsError(f"DATABASE_URL: the database has the encoding {encoding}; make one with UTF8")


async def _heartbeat(tx: Tx) -> None:
    await tx.one(_HEARTBEAT)


async def _probe(tx: Tx) -> None:
    await tx.run(_PROBE, key="probe", value="")
