"""A database looked at, checked, upgraded, backed up, restored, moved."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeGuard

from teleflow.config import KeptKey, Secrets, Settings
from teleflow.errors import Conflict, Invalid, NotFound, SettingsError
from teleflow.kit.clock import SystemClock
from teleflow.kit.files import copy_file, make_folder
from teleflow.kit.seal import Seal
from teleflow.ops.copying import copied_between
from teleflow.ops.keyring import seal_of
from teleflow.ops.opened import alone, opened
from teleflow.storage.backups import making, not_written, refuse_taken, written_in
from teleflow.storage.base.database import Database, FileDatabase, Standing
from teleflow.storage.base.sealing import SealedStore
from teleflow.storage.opening import open_database

Tell = Callable[[str], None]
_BY_SETTING = re.compile(r"^(MONGO_URI \(or DATABASE_URL\)|DATABASE_URL): ")
_PAGE = 500
_MOST_TOLD = 20


async def look(settings: Settings) -> Standing:
    """Raises NotFound where there is no database yet."""
    standing = await open_database(settings.database).look()
    if standing is None:
        raise NotFound("There is no database yet: the service makes it at its first start", code="DATABASE_NOT_FOUND")
    return standing


async def check(settings: Settings, tell: Tell) -> list[str]:
    """What is wrong, a line each. Changes nothing; the service may run."""
    standing = await look(settings)
    if standing.incomplete is not None:
        return [f"it is not whole: {standing.incomplete}"]
    problems = await open_database(settings.database).problems(tell)
    if not standing.is_current:
        return [*problems, f"it has schema {standing.schema}, this program {standing.head}: run `teleflow db upgrade`"]
    if settings.session_encryption_key is None and not KeptKey(settings.teleflow_data_dir).there_is():
        nothing = ["SESSION_ENCRYPTION_KEY: what is sealed there can't be opened, its key is not here"]
        return problems + (nothing if standing.checks else [])
    seal = await _seal(settings)
    lacking = [f"something is sealed under a key that is not here ({key[:8]})" for key in standing.checks - seal.checks]
    if problems or lacking:
        return problems + lacking
    tell("opening every secret")
    async with opened(settings) as at:
        return await _unopened(at.sealed)


async def upgrade(settings: Settings) -> tuple[str | None, str]:
    """(the schema before, the schema now). Raises Conflict IN_USE."""
    database = open_database(settings.database)
    before = await database.look()
    if before is None or not before.is_current:
        async with _unserved(settings, "its schema is changed"):
            await database.upgrade()
    after = await database.look()
    return (None if before is None else before.schema), "" if after is None or after.schema is None else after.schema


async def backup(settings: Settings, to: Path, tell: Tell) -> int:
    """One file with everything of one moment, while the service writes on; its bytes.

    Raises Conflict BACKUP_EXISTS, BACKUP_RUNNING; IN_USE where it can't be read beside the service; Invalid
    BACKUP_NOT_WRITTEN.
    """
    standing = await look(settings)
    if standing.incomplete is not None:
        raise _not_whole("This database", standing)
    if not to.parent.is_dir():
        raise Invalid(f"{to.parent} is no directory")
    database = open_database(settings.database)
    if _is_file(database):
        return await database.backup(to, tell)
    require_current(standing)
    return await _gathered(database, to, tell)


async def _gathered(database: Database, to: Path, tell: Tell) -> int:
    """A server's rows, first in a file that grows beside the backup."""
    refuse_taken(to)
    between = _file_at(to.with_name(to.name + ".copying"))
    between.trouble = partial(not_written, to)
    with making(to, between.path) as descriptor:
        _remove_companions(between.path)
        os.ftruncate(descriptor, 0)  # what a killed one left
        try:
            await copied_between(database, between, "a backup that did not end", tell, folder=to.parent)
            return await between.backup(to, tell)
        finally:
            _remove_companions(between.path)
            between.path.unlink(missing_ok=True)


async def restore(settings: Settings, file: Path, tell: Tell) -> Path | None:
    """Put a backup in the place of the database; where the one that was there is now, None: there was none.

    Raises Invalid for what is no backup, is damaged, or was sealed under another key; Conflict IN_USE, and
    TARGET_NOT_EMPTY on a server.
    """
    copy = _file_at(file)
    with _told_of(str(file)):
        standing = await copy.look()
    if standing is None:
        raise Invalid(f"{file} is no backup")
    if standing.incomplete is not None:
        raise _not_whole(str(file), standing)
    problems = await copy.problems(tell)
    if problems:
        raise Invalid(f"{file} is damaged: {problems[0]}", code="BACKUP_DAMAGED")
    if settings.session_encryption_key is None and not KeptKey(settings.teleflow_data_dir).there_is():
        raise SettingsError(f"Put the key back first: SESSION_ENCRYPTION_KEY, or {settings.teleflow_data_dir}/secrets")
    if not standing.checks <= (await _seal(settings)).checks:
        raise SettingsError(f"SESSION_ENCRYPTION_KEY is not the one that {file} was sealed under: set that one")
    database = open_database(settings.database)
    async with _unserved(settings, "another one takes its place"):
        if not _is_file(database):
            folder = settings.teleflow_data_dir
            async with _brought_up_to_date(copy, standing, folder / "restoring") as rows:
                await copied_between(rows, database, "a restore that did not end", tell, folder=folder)
            return None
        there = database.path.exists()
        aside = _aside(database.path)
        tell("putting it in place")
        await database.replace(file, aside)
        await database.upgrade()
        return aside if there else None


async def copy_to(settings: Settings, url: str, tell: Tell) -> dict[str, int]:
    """Rows of each table. Raises Conflict IN_USE, TARGET_IN_USE, TARGET_NOT_EMPTY."""
    standing = await look(settings)
    require_current(standing)
    if standing.incomplete is not None:
        raise _not_whole("This database", standing)
    source = open_database(settings.database)
    with _told_of("--to"):
        target = open_database(url)
        if _is_file(target):
            target.trouble = lambda reason: SettingsError(f"--to: the database file can't be used: {reason}")
        await target.look()  # what can't be had is told before anything is read
    if url == settings.database or (
        _is_file(source) and _is_file(target) and source.path.absolute() == target.path.absolute()
    ):
        raise Invalid("--to: that is the same database")
    async with _unserved(settings, "its rows move"):
        folder = settings.teleflow_data_dir
        if _is_file(target):
            folder = target.path.parent
            try:
                make_folder(folder)
            except OSError as error:
                raise target.trouble(error.strerror or type(error).__name__) from error
        return await copied_between(source, target, "a copy that did not end", tell, folder=folder)


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """What is wrong with a database that an option or an argument names is not told of the setting."""
    try:
        yield
    except SettingsError as error:
        error.message = _BY_SETTING.sub(lambda _: f"{name}: ", error.message)
        raise


@asynccontextmanager
async def _unserved(settings: Settings, what: str) -> AsyncIterator[None]:
    """No service runs, and none starts meanwhile. Raises Conflict IN_USE."""
    async with alone(settings) as free:
        if not free:
            raise Conflict(f"The service is running on this database: stop it before {what}", code="IN_USE")
        yield


def require_current(standing: Standing) -> None:
    """Raises Conflict SCHEMA_OLD."""
    if not standing.is_current:
        raise Conflict("Bring this database up to date first: `teleflow db upgrade`", code="SCHEMA_OLD")


@asynccontextmanager
async def _brought_up_to_date(file: FileDatabase, standing: Standing, folder: Path) -> AsyncIterator[Database]:
    """The backup itself is nobody's to change: a copy in this folder, which is ours, and gone at the end."""
    if standing.is_current:
        yield file
        return
    shutil.rmtree(folder, ignore_errors=True)  # what a killed one left
    try:
        with written_in(folder.parent):
            make_folder(folder)
            copy_file(file.path, folder / "backup.db")
        copy = _file_at(folder / "backup.db")
        await copy.upgrade()
        yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _unopened(store: SealedStore) -> list[str]:
    broken: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.look_at_sealed(cursor, opening=True, limit=_PAGE)
        broken += [f"does not open: {place}" for place in page.broken]
        cursor = page.cursor
        if cursor is None or len(broken) >= _MOST_TOLD:
            return broken


async def _seal(settings: Settings) -> Seal:
    return await seal_of(Secrets.load(settings))


def _is_file(database: Database) -> TypeGuard[FileDatabase]:
    return hasattr(database, "replace")


def _file_at(path: Path) -> FileDatabase:
    database = open_database(f"file:{path.absolute()}")
    if not _is_file(database):
        raise Invalid(f"{path} is no file")
    database.trouble = lambda reason: SettingsError(f"{path} can't be used: {reason}")
    return database


def _not_whole(what: str, standing: Standing) -> Invalid:
    return Invalid(f"{what} is not whole: {standing.incomplete}", code="DATABASE_INCOMPLETE")


def _remove_companions(path: Path) -> None:
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    """A name that nobody has, also when this is done twice in a second."""
    first = name = f"{path.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(SystemClock().time()))}"
    number = 1
    while path.with_name(name).exists():
        number += 1
        name = f"{first}-{number}"
    return path.with_name(name)
