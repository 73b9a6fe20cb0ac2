"""The storage port over SQL, put together; and how it is opened by URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.meters import Meters
from teleflow.storage.base import Storage
from teleflow.storage.base.database import Database
from teleflow.storage.sql.adoption import Adopted
from teleflow.storage.sql.arrivals import Arrivals
from teleflow.storage.sql.audit import Audit
from teleflow.storage.sql.broadcasts import Broadcasts
from teleflow.storage.sql.creations import Creations
from teleflow.storage.sql.credentials import SessionSecrets
from teleflow.storage.sql.delivery import Carrying
from teleflow.storage.sql.delivery_log import DeliveryLog
from teleflow.storage.sql.engine import Engine
from teleflow.storage.sql.events import Events
from teleflow.storage.sql.keys import Keys
from teleflow.storage.sql.logins import Logins
from teleflow.storage.sql.opt_outs import OptOuts
from teleflow.storage.sql.pacing import PacingRows
from teleflow.storage.sql.peers import Peers
from teleflow.storage.sql.profiles import Profiles
from teleflow.storage.sql.recipients import Recipients
from teleflow.storage.sql.recoveries import Recoveries
from teleflow.storage.sql.requests import Requests
from teleflow.storage.sql.sealing import Sealing
from teleflow.storage.sql.sendlog import SendLog
from teleflow.storage.sql.sends import Sends
from teleflow.storage.sql.sessions import Sessions
from teleflow.storage.sql.sqlite.database import SqliteDatabase
from teleflow.storage.sql.sqlite.engine import SqliteEngine
from teleflow.storage.sql.tickets import Tickets
from teleflow.storage.sql.timed import Timed
from teleflow.storage.sql.upkeep import Upkeep
from teleflow.storage.sql.users import Users
from teleflow.storage.sql.webhooks import Webhooks

_POSTGRES = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
_SQLITE_PREFIXES = ("sqlite+aiosqlite:///", "sqlite:///", "file:///", "file://localhost/", "file:")


class SqlStorage(
    Users,
    Logins,
    Keys,
    Sessions,
    SessionSecrets,
    Profiles,
    Arrivals,
    Adopted,
    Peers,
    PacingRows,
    Sends,
    SendLog,
    Requests,
    Events,
    Webhooks,
    Carrying,
    DeliveryLog,
    Recoveries,
    Tickets,
    Audit,
    Broadcasts,
    Recipients,
    OptOuts,
    Creations,
    Upkeep,
    Sealing,
):
    """One SQL database."""

    async def start(self) -> None:
        await self._db.start()
        try:
            await self.check_whole()
            await self.check_seal()
        except StorageUnavailable as error:
            await self._db.stop()
            raise SettingsError(f"DATABASE_URL: the database can't be written: {error.__cause__}") from error
        except BaseException:
            await self._db.stop()
            raise

    async def hold(self, lost: Callable[[], None]) -> None:
        await self._db.hold(lost)

    async def stop(self) -> None:
        await self._db.stop()

    async def ping(self) -> None:
        await self._db.ping()


def open_storage(url: str, seal: Seal, clock: Clock, *, threads: bool = True, meters: Meters | None = None) -> Storage:
    """The storage that this URL names; `start` opens it. Raises SettingsError for what can't be had.

    `threads=False` does all work on the event loop: for tests in virtual time.
    """
    engine: Engine
    if url.split(":", 1)[0].lower() in _POSTGRES:
        # Its driver and what migrates it are half a second of every start: only those who have one wait for that.
        from teleflow.storage.sql.postgres.engine import PostgresEngine

        engine = PostgresEngine(url, clock)
    else:
        engine = SqliteEngine(sqlite_path(url), clock, threads=threads)
    if meters is not None:
        engine = Timed(engine, meters)
    return SqlStorage(engine, seal, clock)


def open_database(url: str) -> Database:
    """The same as its operator sees it. Raises SettingsError."""
    if url.split(":", 1)[0].lower() in _POSTGRES:
        from teleflow.storage.sql.postgres.database import PostgresDatabase

        return PostgresDatabase(url)
    return SqliteDatabase(sqlite_path(url))


def sqlite_path(url: str) -> Path:
    """The file that `file:./x.db`, `file:/abs/x.db`, `sqlite:///x.db` or `sqlite+aiosqlite:////abs/x.db` names."""
    for prefix in _SQLITE_PREFIXES:
        if url.startswith(prefix):
            name = unquote(url[len(prefix) :].split("?", 1)[0])
            if prefix.startswith("file:/"):
                name = f"/{name}"
            if not name or name.endswith("/") or ":memory:" in name or "\0" in name:
                raise SettingsError("DATABASE_URL: name a file; an in-memory database keeps nothing")
            return Path(name)
    raise SettingsError(
        "DATABASE_URL: this form is not known; file:./teleflow.db, sqlite:///teleflow.db, postgresql://… and "
        "mongodb://… are"
    )
