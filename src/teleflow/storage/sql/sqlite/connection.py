"""Connections to one SQLite file, and a transaction on one of them.

Promises full sync (an acknowledged commit survives a power cut) and foreign keys. Transactions are begun
and ended by hand; whoever uses a connection sees to it that only one thread does so at a time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from teleflow.errors import SettingsError
from teleflow.kit.files import make_folder, open_or_create
from teleflow.storage.sql.statement import Row, Statement

OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_WAL_TURNS, _WAL_PAUSE = 200, 0.025  # five seconds in all
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def sqlite_dialect() -> Dialect:
    return SQLiteDialect(paramstyle="qmark")


def create_file(path: Path) -> None:
    """Make sure that the file is there and its owner's alone; SQLite gives its companions the same mode and owner."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise SettingsError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is the least")
    make_folder(path.parent)
    os.close(open_or_create(path))


def connect(path: Path, *, read_only: bool = False, busy_ms: int = 0) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=0)
    try:
        set_patience(connection, max(busy_ms, 5_000))  # turning WAL on needs the file for a moment
        _turn_wal_on(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA journal_size_limit = 67108864")  # a log that grew once gives the space back
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        set_patience(connection, busy_ms)
    except BaseException:
        connection.close()
        raise
    return connection


def _turn_wal_on(connection: sqlite3.Connection) -> None:
    """The one statement that tells "busy" at once, whatever the patience: others may be turning it on too."""
    for turn in range(_WAL_TURNS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or turn == _WAL_TURNS - 1:
                raise
            time.sleep(_WAL_PAUSE)
        else:
            return


def set_patience(connection: sqlite3.Connection, milliseconds: int) -> None:
    """How long a statement waits for another process before it gives up as busy."""
    connection.execute(f"PRAGMA busy_timeout = {milliseconds:d}")


def is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and primary_code(error) in _BUSY_CODES


def primary_code(error: sqlite3.Error) -> int:
    """0 where SQLite itself has not said it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class SqliteTx:
    """A transaction on one connection, as units of work see it. Its awaits never suspend."""

    __slots__ = ("_connection", "_dialect", "rung")

    def __init__(self, connection: sqlite3.Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self.rung: set[str] = set()

    def ring(self, user_id: str) -> None:
        self.rung.add(user_id)

    async def one(self, statement: Statement, /, **values: Any) -> Row | None:
        # fetchall, not fetchone: a statement that ran to its end holds no snapshot open
        rows = self._execute(statement, values).fetchall()
        return rows[0] if rows else None

    async def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        return self._execute(statement, values).fetchall()

    async def run(self, statement: Statement, /, **values: Any) -> int:
        return self._execute(statement, values).rowcount

    async def each(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> list[int]:
        return [self._execute(statement, one).rowcount for one in values]

    async def claim(self, key: Hashable) -> None:
        """Nothing goes beside it."""

    def alone(self, key: Hashable) -> None:
        """It always is."""

    def _execute(self, statement: Statement, values: Mapping[str, Any]) -> sqlite3.Cursor:
        compiled = statement.compiled(self._dialect)
        return self._connection.execute(compiled.text, compiled.arrange(values))
