"""Whole copies of an SQLite file, while others write to it, and putting one in a file's place.

A copy is of one moment: a transaction that only reads holds it while the pages are copied, and the writer writes on
into its log. It grows under another name and gets its own when it is whole, checked, and on disk: however this ends,
what has the name is good. Putting one in place is a single renaming.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from teleflow.errors import Conflict, Invalid
from teleflow.kit.files import copy_file, give_name, make_folder, name_also, sync_folder
from teleflow.storage.backups import making, not_written, refuse_taken
from teleflow.storage.sql.sqlite.connection import is_busy, primary_code

PAGES = 1_024  # in one step, 4 MiB, which is on disk before the next one: a service beside it shares that disk
_PAUSE_S = 0.005
_PATIENCE_MS = 2_000
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


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
    """A copy of what `source` reads, under this name; its bytes.

    Raises Conflict BACKUP_EXISTS, BACKUP_RUNNING; Invalid BACKUP_NOT_WRITTEN, BACKUP_DAMAGED.
    """
    refuse_taken(to)
    part = to.with_name(to.name + ".part")
    with making(to, part) as descriptor, _removed(part):
        os.ftruncate(descriptor, 0)  # what a killed one left
        part.with_name(part.name + "-journal").unlink(missing_ok=True)
        try:
            _fill(source, part, descriptor, tell)
        except sqlite3.Error as error:
            if primary_code(error) in _DAMAGE:
                raise  # what is copied is so
            raise not_written(to, str(error)) from error
        os.fsync(descriptor)
        try:
            give_name(part, to)
        except FileExistsError:
            refuse_taken(to)
            raise
        sync_folder(to.parent)
        return to.stat().st_size


@contextmanager
def _removed(part: Path) -> Iterator[None]:
    """However it ends, short of being killed."""
    try:
        yield
    finally:
        for end in ("", "-journal"):
            part.with_name(part.name + end).unlink(missing_ok=True)


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
    """Raises Conflict IN_USE, OSError. `path` may be missing; then nothing is kept aside."""
    fresh = path.with_name(path.name + ".restoring")
    make_folder(path.parent)
    try:
        copy_file(by, fresh)
        if path.exists():
            _keep(path, aside)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def _keep(path: Path, aside: Path) -> None:
    whole = _fold(path)
    name_also(path, aside)
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
