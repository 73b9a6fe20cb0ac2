"""The world on disk: one SQLite file of records, written behind in whole transactions.

Promises that the file always holds the world as it was at one instant, that writes happen in the
order in which they were asked for, that a killed process loses no more than what was touched since
the last save, and that only the owner can read it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

Row = tuple[str, str, bytes | None]


class Store:
    """(kind, key) -> bytes, on a thread of its own. Raises OSError when another process has the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-store")
        try:
            self._db = self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # made with its mode before SQLite opens it, which gives its side files the same
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._path.chmod(0o600)
        db = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            # held until close: two processes on one world would each undo the other's
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            db.close()
            raise OSError(f"{self._path} is in use by another process") from error
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(
            "CREATE TABLE IF NOT EXISTS records"
            " (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID"
        )
        return db

    def begin_write(self, rows: Iterable[Row], *, clear: bool = False) -> Future[None]:
        """Put (or, with None, remove) rows in one transaction; with `clear` nothing else remains."""
        return self._thread.submit(self._write, list(rows), clear)

    def write(self, rows: Iterable[Row], *, clear: bool = False) -> None:
        """The same, and wait for it."""
        self.begin_write(rows, clear=clear).result()

    def _write(self, rows: list[Row], clear: bool) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if clear:
                self._db.execute("DELETE FROM records")
            gone = [(kind, key) for kind, key, body in rows if body is None]
            kept = [row for row in rows if row[2] is not None]
            self._db.executemany("DELETE FROM records WHERE kind=? AND key=?", gone)
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?,?,?)", kept)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def read(self) -> list[tuple[str, str, bytes]]:
        """Every row."""
        return self._thread.submit(self._read).result()

    def _read(self) -> list[tuple[str, str, bytes]]:
        return self._db.execute("SELECT kind, key, body FROM records").fetchall()

    def close(self) -> None:
        self._thread.submit(self._db.close).result()
        self._thread.shutdown()
