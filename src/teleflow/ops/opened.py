"""A database as a command opens it: beside a service that may run on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from teleflow.config import Secrets, Settings
from teleflow.errors import Invalid, SettingsError
from teleflow.kit.clock import Clock, SystemClock
from teleflow.kit.seal import Seal
from teleflow.ops.keyring import seal_of
from teleflow.storage.base import Storage
from teleflow.storage.base.sealing import SealedStore
from teleflow.storage.lock import DataDirLock
from teleflow.storage.opening import open_database, open_storage


@dataclass(frozen=True, slots=True)
class Opened:
    """An installation: its settings, its keys, and its database, open."""

    settings: Settings
    seal: Seal
    storage: Storage
    clock: Clock

    @property
    def sealed(self) -> SealedStore:
        """Raises SettingsError where the database has no such port."""
        if not isinstance(self.storage, SealedStore):
            raise SettingsError("DATABASE_URL: keys can't be rotated on this kind of database")
        return self.storage


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """Open, migrate, check the keys. Raises SettingsError, and Invalid where there is no installation yet."""
    require_installation(settings)
    seal = await seal_of(Secrets.load(settings))
    clock = SystemClock()
    storage = open_storage(settings.database, seal, clock)
    await storage.start()
    try:
        yield Opened(settings, seal, storage, clock)
    finally:
        await storage.stop()


def require_installation(settings: Settings) -> None:
    if not settings.teleflow_data_dir.exists():
        raise Invalid(
            f"TELEFLOW_DATA_DIR: there is no {settings.teleflow_data_dir}: "
            "start the service once, or name its directory"
        )


async def is_served(settings: Settings) -> bool:
    """Whether a service runs on this installation. Looks only: one that starts meanwhile is not in its way."""
    if DataDirLock(settings.teleflow_data_dir).is_held():
        return True
    return await open_database(settings.database).is_served()  # it may have another directory


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[bool]:
    """Whether no service runs on this installation; while the block lasts none can start then."""
    lock = DataDirLock(settings.teleflow_data_dir)
    if lock.is_held():
        yield False
        return
    try:
        await lock.take(SystemClock())  # others may look just now
    except SettingsError as error:
        if not isinstance(error.__cause__, BlockingIOError):
            raise
        yield False
        return
    try:
        async with open_database(settings.database).alone() as free:  # the service may have another directory
            yield free
    finally:
        lock.release()
