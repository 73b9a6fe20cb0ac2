"""SQLite files of other programs, read and never changed.

A program that was killed leaves a file that only a writer can read: with a journal to be rolled back, or in a folder
where nothing may be written though its WAL needs that. Such a file is read from a copy, its companions with it.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_COMPANIONS = ("-journal", "-wal")
_FOR_WRITERS_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY = 0xFF  # of an extended code


@contextmanager
def reading(path: Path, *, folder: Path | None = None, patience_s: float = 5.0) -> Iterator[sqlite3.Connection]:
    """One state of the file, for as long as the block lasts. Raises sqlite3.Error and OSError; `is_busy` tells more.

    `folder`: where the copy lies if one is needed, None: where the system has its temporary files.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=patience_s)
    with closing(connection):
        try:
            _begin(connection)
        except sqlite3.Error as error:
            if _primary(error) not in _FOR_WRITERS_ONLY:
                raise
        else:
            yield connection
            return
    with tempfile.TemporaryDirectory(prefix="teleflow-", dir=folder) as place:
        copy = Path(place) / "copy.db"
        for companion in ("", *_COMPANIONS):
            theirs = path.with_name(path.name + companion)
            if not companion or theirs.exists():
                shutil.copyfile(theirs, copy.with_name(copy.name + companion))
        with closing(sqlite3.connect(copy, timeout=patience_s)) as connection:
            _begin(connection)
            yield connection


def is_busy(error: BaseException) -> bool:
    """Another program has the file to itself now: later is another matter."""
    return isinstance(error, sqlite3.Error) and _primary(error) in _BUSY


def _begin(connection: sqlite3.Connection) -> None:
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
