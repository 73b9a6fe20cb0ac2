"""Whole copies of an SQLite file, while others write to it, and putting one in a file's place.

A copy is of one moment: a transaction that only reads holds it while the pages are copied, and the writer writes on
into its log. It grows under another name and gets its own when it is whole, checked, and on disk: however this ends,
what has the name is good. Putting one in place is a single renaming.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from teleflow.errors import Conflict, Invalid
from teleflow.kit.files import create, make_folder, open_or_create, sync_folder
from teleflow.storage.sql.sqlite.connection import is_busy

PAGES = 1_024  # in one step, 4 MiB, which is on disk before the next one: a service beside it shares that disk
_PAUSE_S = 0.005
_PATIENCE_MS = 2_000


def open_to_read(path: Path) -> sqlite3.Connection:
    """One state of the file, for as long as the connection is open."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def copy(source: sqlite3.Connection, to: Path, tell: Callable[[str], None]) -> int:
    """A copy of what `source` reads, under this name; its bytes. Raises Conflict BACKUP_EXISTS, BACKUP_RUNNING."""
    if to.exists():
        raise _exists(to)
    part = to.with_name(to.name + ".part")
    descriptor = open_or_create(part)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another backup to {to} is under way", code="BACKUP_RUNNING") from error
        os.ftruncate(descriptor, 0)  # what a killed one left
        with suppress(FileNotFoundError):
            part.with_name(part.name + "-journal").unlink()
        _fill(source, part, descriptor, tell)
        os.fsync(descriptor)
        try:
            os.link(part, to)
        except FileExistsError as error:
            raise _exists(to) from error
        part.unlink()
        sync_folder(to.parent)
        return to.stat().st_size
    finally:
        os.close(descriptor)


def _exists(to: Path) -> Conflict:
    return Conflict(f"There is something at {to}: name another file", code="BACKUP_EXISTS")


def _fill(source: sqlite3.Connection, part: Path, descriptor: int, tell: Callable[[str], None]) -> None:
    told = -1

    def progress(_status: int, left: int, total: int) -> None:
        nonlocal told
        os.fdatasync(descriptor)
        time.sleep(_PAUSE_S)
        done = 100 * (total - left) // max(1, total)
        if done // 10 > told:
            told = done // 10
            tell(f"{done} % copied")

    with closing(sqlite3.connect(part, isolation_level=None)) as into:
        into.execute("PRAGMA synchronous = OFF")  # it is synced here, and as a whole before it has its name
        source.backup(into, pages=PAGES, progress=progress, sleep=0)
        into.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
        tell("100 % copied, now it is read again")
        damage = into.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise Invalid(f"The copy is damaged, and so is the database: {damage}", code="BACKUP_DAMAGED")


def replace(path: Path, by: Path, aside: Path) -> None:
    """Raises Conflict IN_USE. `path` may be missing; then nothing is kept aside."""
    fresh = path.with_name(path.name + ".restoring")
    make_folder(path.parent)
    fresh.unlink(missing_ok=True)  # what a killed one left
    try:
        with by.open("rb") as source, os.fdopen(create(fresh), "wb") as to:
            shutil.copyfileobj(source, to, 1 << 20)
            to.flush()
            os.fsync(to.fileno())
        if path.exists():
            _keep(path, aside)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def _keep(path: Path, aside: Path) -> None:
    whole = _fold(path)
    with suppress(FileExistsError):  # killed between this line and the next one
        os.link(path, aside)
    if not whole:  # its log must not be taken for one of the file that comes in its place
        for end in ("-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + end).replace(aside.with_name(aside.name + end))


def _fold(path: Path) -> bool:
    """Bring what its log holds into the file, which needs it for oneself. False for what is too damaged."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_MS / 1000)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.DatabaseError as error:
            if is_busy(error):
                raise Conflict(f"Some program has {path} open: stop it first", code="IN_USE") from error
            return False
        return True
