"""SQLite behind the engine's port: the writer, and readers beside it.

Small reads (an indexed row, a page) run on the event loop: they cost less than a change of thread would.
Reads that may look at many rows go to a thread with a connection of its own. Readers see committed data only.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Collection, Hashable
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy import literal_column, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.storage.sql.engine import Unit
from teleflow.storage.sql.migrations import migrate, refuse_foreign
from teleflow.storage.sql.queued import unavailable
from teleflow.storage.sql.schema import facts
from teleflow.storage.sql.sqlite.connection import (
    SqliteTx,
    connect,
    create_file,
    is_busy,
    set_patience,
    sqlite_dialect,
)
from teleflow.storage.sql.sqlite.worker import Worker
from teleflow.storage.sql.sqlite.writer import PATIENCE, Writer
from teleflow.storage.sql.statement import Statement, Tx, drive

P = ParamSpec("P")
T = TypeVar("T")
_HEARTBEAT = Statement(select(literal_column("1")))
_insert = insert(facts)
_PROBE = Statement(_insert.on_conflict_do_update(index_elements=[facts.c.key], set_={"value": _insert.excluded.value}))
_PROBE_REPEATS = 4_096  # 64 KiB: there must be room for real messages, not for a last byte


class SqliteEngine:
    """One SQLite file."""

    def __init__(self, path: Path, clock: Clock, *, threads: bool = True) -> None:
        """`threads=False` keeps everything on the event loop, for tests in virtual time."""
        self._path = path
        self._clock = clock
        self._threads = threads
        self._dialect = sqlite_dialect()
        self._open: list[sqlite3.Connection] = []
        self._workers: list[Worker] = []
        self._writer: Writer | None = None
        self._ring: Callable[[Collection[str]], None] | None = None
        self._loop_reader: SqliteTx | None = None
        self._heavy_reader: SqliteTx | None = None
        self._heavy_worker: Worker | None = None

    async def start(self) -> None:
        try:
            if self._threads:
                writing = await asyncio.to_thread(self._prepare)
            else:
                writing = self._prepare()
            self._open.append(writing)
            on_loop = self._reader(busy_ms=0)
            in_thread = self._reader(busy_ms=int(PATIENCE * 1000))
        except (sqlite3.Error, OSError) as error:
            await self.stop()
            raise SettingsError(f"DATABASE_URL: the database file can't be opened: {_reason(error)}") from error
        worker = None
        if self._threads:
            worker, self._heavy_worker = Worker("storage-writer"), Worker("storage-reader")
            self._workers = [worker, self._heavy_worker]
        self._writer = Writer(writing, SqliteTx(writing, self._dialect), self._clock, worker)
        self._writer.on_append = self._ring
        self._loop_reader, self._heavy_reader = on_loop, in_thread

    async def hold(self, lost: Callable[[], None]) -> None:
        """The file is this machine's: `storage/lock` and `storage/copies` see to it."""

    async def stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        for worker in self._workers:
            await worker.do(lambda: None)  # its last step is done then, and its connection ours to close
            worker.stop()
        self._workers.clear()
        self._loop_reader = self._heavy_reader = None
        for connection in reversed(self._open):
            connection.close()
        self._open.clear()

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._ring = ring
        if self._writer is not None:
            self._writer.on_append = ring

    async def ping(self) -> None:
        """Raises StorageUnavailable while writing is stuck, or when the last batch failed and another try does too."""
        await self.read(_heartbeat)
        writer = self._running_writer()
        if writer.stuck:
            raise StorageUnavailable("The database does not answer", retry_after=1.0)
        if writer.failing is not None:
            await self.write(_probe)

    def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        writer = self._running_writer()
        return writer.submit(partial(unit, writer.tx, *args, **kwargs))

    def write_beside(
        self,
        kind: str,  # noqa: ARG002
        keys: Collection[Hashable],  # noqa: ARG002
        unit: Unit[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        return self.write(unit, *args, **kwargs)  # nothing is saved by it: there are no journeys

    def write_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        writer = self._running_writer()
        return writer.submit(partial(unit, writer.tx, *args, **kwargs), heavy=True)

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._loop_reader is None:
            raise StorageUnavailable("The database is not open")
        try:
            return drive(unit(self._loop_reader, *args, **kwargs))
        except sqlite3.Error as error:
            if not is_busy(error):
                raise unavailable(error) from error
        return await self.read_heavy(unit, *args, **kwargs)

    async def read_heavy(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._heavy_reader is None:
            raise StorageUnavailable("The database is not open")
        work: Callable[[], T] = partial(_drive, unit, self._heavy_reader, *args, **kwargs)
        try:
            return work() if self._heavy_worker is None else await self._heavy_worker.do(work)
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def _prepare(self) -> sqlite3.Connection:
        create_file(self._path)
        refuse_foreign(self._path)
        connection = connect(self._path)
        try:
            set_patience(connection, 60_000)  # another process may be migrating
            migrate(connection)
            set_patience(connection, 0)
        except BaseException:
            connection.close()
            raise
        return connection

    def _reader(self, *, busy_ms: int) -> SqliteTx:
        connection = connect(self._path, read_only=True, busy_ms=busy_ms)
        self._open.append(connection)
        return SqliteTx(connection, self._dialect)

    def _running_writer(self) -> Writer:
        if self._writer is None:
            raise StorageUnavailable("The database is not open")
        return self._writer


def _drive(unit: Unit[P, T], tx: Tx, *args: P.args, **kwargs: P.kwargs) -> T:
    return drive(unit(tx, *args, **kwargs))


def _reason(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


async def _heartbeat(tx: Tx) -> None:
    await tx.one(_HEARTBEAT)


async def _probe(tx: Tx) -> None:
    # Another text each time: SQLite does not write a page whose bytes stay the same.
    await tx.run(_PROBE, key="probe", value=secrets.token_hex(8) * _PROBE_REPEATS)
