"""One SQLite file as its operator sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

from teleflow.errors import Conflict, SettingsError, TeleFlowError
from teleflow.storage.base.database import Source, Standing, Target, in_use
from teleflow.storage.copies import InstallationLock
from teleflow.storage.sql import schema as t
from teleflow.storage.sql import tables
from teleflow.storage.sql.migrations import HEAD, TABLE, check_known, migrate, refuse_foreign
from teleflow.storage.sql.sqlite import backup
from teleflow.storage.sql.sqlite.connection import SqliteTx, connect, create_file, set_patience, sqlite_dialect
from teleflow.storage.sql.statement import Row
from teleflow.storage.sql.upkeep import INCOMPLETE, INSTALLATION

_PATIENCE_MS = 60_000
_MOST_TOLD = 20  # problems of a kind


class SqliteDatabase:
    """`path` need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: Callable[[str], TeleFlowError] = _trouble

    async def look(self) -> Standing | None:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return None
        with self._reading() as connection:
            return _standing(connection)

    async def upgrade(self) -> None:
        with self._told():
            create_file(self.path)
        refuse_foreign(self.path)
        with self._told(), closing(connect(self.path, busy_ms=_PATIENCE_MS)) as connection:
            set_patience(connection, _PATIENCE_MS)
            migrate(connection)

    async def problems(self, tell: Callable[[str], None]) -> list[str]:
        with self._reading() as connection:
            is_current = _standing(connection).is_current
            tell("reading every page")
            told = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_MOST_TOLD})") if row[0] != "ok"]
            # What is wrong with pages comes as one text of many lines, under a heading.
            damage = [line for text in told for line in text.splitlines() if not line.startswith("*** in database")]
            tell("following every key")
            lost = connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST_TOLD)
            found = {
                name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables.tables()
            }
        astray = [f"a row of {child} (number {row}) points at a row of {parent} that is not there"
                  for child, row, parent, _ in lost]  # fmt: skip
        unlike = tables.unlike({name: columns for name, columns in found.items() if columns}) if is_current else []
        return damage + astray + unlike

    async def is_served(self) -> bool:
        installation = self._installation()
        return installation is not None and InstallationLock(installation).is_held()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """A service holds its installation by a name of the kernel's; the directory has a lock of its own."""
        installation = self._installation()
        if installation is None:
            yield True
            return
        lock = InstallationLock(installation)
        try:
            lock.__enter__()
        except SettingsError:
            yield False
            return
        try:
            yield True
        finally:
            lock.__exit__(None, None, None)

    @asynccontextmanager
    async def source(self, folder: Path | None = None) -> AsyncIterator[Source]:  # noqa: ARG002 - it keeps nothing
        with self._reading() as connection:
            yield _Rows(connection)

    @asynccontextmanager
    async def target(self) -> AsyncIterator[Target]:
        with self._filled_by_one():
            await self.upgrade()
            with self._told(), closing(connect(self.path, busy_ms=_PATIENCE_MS)) as connection:
                yield _Filled(connection)

    async def backup(self, to: Path, tell: Callable[[str], None]) -> int:
        with self._reading() as connection:
            return backup.copy(connection, to, tell)

    async def replace(self, by: Path, aside: Path) -> None:
        with self._told():
            backup.replace(self.path, by, aside)

    @contextmanager
    def _filled_by_one(self) -> Iterator[None]:
        """By its path, as what is being filled is no installation yet."""
        lock = InstallationLock(f"filled at {self.path.resolve()}")
        try:
            lock.__enter__()
        except SettingsError as error:
            raise in_use() from error
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def _installation(self) -> str | None:
        """None also where the file is damaged: a file that can't be read is to be replaced all the same."""
        with suppress(sqlite3.Error, OSError), closing(backup.open_to_read(self.path)) as connection:
            found = connection.execute("SELECT value FROM facts WHERE key = ?", (INSTALLATION,)).fetchone()
            return None if found is None else str(found[0])
        return None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file; nothing is written to it."""
        with self._told(), closing(backup.open_to_read(self.path)) as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
            raise self.trouble(reason) from error


def _trouble(reason: str) -> TeleFlowError:
    return SettingsError(f"DATABASE_URL: the database file can't be used: {reason}")


class _Rows:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tx = SqliteTx(connection, sqlite_dialect())

    def tables(self) -> Mapping[str, Sequence[str]]:
        return tables.tables()

    async def count(self, table: str) -> int:
        row = await self._tx.one(tables.counting(table))
        return int(row[0]) if row else 0

    async def page(self, table: str, after: Row | None, limit: int) -> list[Row]:
        if after is None:
            return await self._tx.all(tables.first_page(table), most=limit)
        return await self._tx.all(tables.next_page(table), most=limit, **tables.place_after(table, after))


class _Filled(_Rows):
    async def begin(self, mark: str) -> None:
        standing = _standing(self._connection)
        there = sum(count for name, count in standing.rows.items() if name != t.facts.name)
        if standing.incomplete is None and (there or standing.installation is not None):
            raise Conflict("There is something in that database: name an empty one", code="TARGET_NOT_EMPTY")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (INCOMPLETE, mark))
        self._connection.execute("COMMIT")
        for name in reversed(list(tables.tables())):
            self._connection.execute("BEGIN IMMEDIATE")
            keeping = f" WHERE key <> '{INCOMPLETE}'" if name == t.facts.name else ""
            self._connection.execute(f"DELETE FROM {name}{keeping}")  # noqa: S608 - names of our own
            self._connection.execute("COMMIT")

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        columns = tables.tables()[table]
        into = f"{table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(f"INSERT INTO {into}", rows)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    async def finish(self) -> None:
        self._connection.execute("DELETE FROM facts WHERE key = ?", (INCOMPLETE,))
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _standing(connection: sqlite3.Connection) -> Standing:
    """Raises SettingsError for a database of another program, or of a newer one."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    schema = None
    if TABLE in names:
        row = connection.execute(f"SELECT version_num FROM {TABLE}").fetchone()  # noqa: S608 - a constant
        schema = None if row is None else str(row[0])
    check_known(schema, holds_tables=bool(names))
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    facts = connection.execute("SELECT key, value FROM facts").fetchall() if t.facts.name in names else []
    rows = {
        name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 - as above
        for name in tables.tables()
        if name in names
    }
    return Standing(f"SQLite {sqlite3.sqlite_version}", schema, HEAD, pages * size, rows, **tables.told_by(facts))
