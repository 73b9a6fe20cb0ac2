"""A database as a command opens it: beside a service that may run on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from teleflow.config import Secrets, Settings
from teleflow.errors import Conflict, Invalid, SettingsError
from teleflow.kit.clock import Clock, SystemClock
from teleflow.kit.seal import Seal
from teleflow.ops.keyring import seal_of
from teleflow.storage.base import Storage
from teleflow.storage.base.sealing import SealedStore
from teleflow.storage.lock import DataDirLock
from teleflow.storage.opening import open_storage


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


@asynccontextmanager
async def alone(opened_: Opened) -> AsyncIterator[bool]:
    """Whether no service runs on this installation; while the block lasts none can start then."""
    lock = DataDirLock(opened_.settings.teleflow_data_dir)
    try:
        lock.acquire()
    except SettingsError as error:
        if not isinstance(error.__cause__, BlockingIOError):
            raise
        yield False
        return
    # On a database server the service may have another directory; there a connection of its own says who runs.
    apart = open_storage(opened_.settings.database, opened_.seal, opened_.clock)
    try:
        await apart.start()
        try:
            await apart.hold(lambda: None)
        except SettingsError:
            yield False
        else:
            yield True
    finally:
        await apart.stop()
        lock.release()


def refuse_in_use(free: bool, what: str) -> None:
    """Raises Conflict IN_USE unless `free`."""
    if not free:
        raise Conflict(f"The service is running on this database: stop it before {what}", code="IN_USE")
