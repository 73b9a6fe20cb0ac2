"""The storage port over MongoDB, put together."""

from __future__ import annotations

from collections.abc import Callable

from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock, SystemClock
from teleflow.kit.seal import Seal
from teleflow.meters import Meters
from teleflow.storage.base import Storage
from teleflow.storage.base.database import Database
from teleflow.storage.mongo.adoption import Adopted
from teleflow.storage.mongo.arrivals import Arrivals
from teleflow.storage.mongo.audit import Audit
from teleflow.storage.mongo.broadcasts import Broadcasts
from teleflow.storage.mongo.client import reason
from teleflow.storage.mongo.creations import Creations
from teleflow.storage.mongo.credentials import SessionSecrets
from teleflow.storage.mongo.database import MongoDatabase
from teleflow.storage.mongo.delivery import Carrying
from teleflow.storage.mongo.delivery_log import DeliveryLog
from teleflow.storage.mongo.engine import MongoEngine
from teleflow.storage.mongo.events import Events
from teleflow.storage.mongo.keys import Keys
from teleflow.storage.mongo.logins import Logins
from teleflow.storage.mongo.older import Older
from teleflow.storage.mongo.opt_outs import OptOuts
from teleflow.storage.mongo.pacing import PacingRows
from teleflow.storage.mongo.peers import Peers
from teleflow.storage.mongo.profiles import Profiles
from teleflow.storage.mongo.recipients import Recipients
from teleflow.storage.mongo.recoveries import Recoveries
from teleflow.storage.mongo.requests import Requests
from teleflow.storage.mongo.sealing import Sealing
from teleflow.storage.mongo.sendlog import SendLog
from teleflow.storage.mongo.sends import Sends
from teleflow.storage.mongo.sessions import Sessions
from teleflow.storage.mongo.tickets import Tickets
from teleflow.storage.mongo.upkeep import Upkeep
from teleflow.storage.mongo.users import Users
from teleflow.storage.mongo.webhooks import Webhooks


class MongoStorage(
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
    Older,
    Sealing,
):
    """One MongoDB database."""

    async def start(self) -> None:
        await self._db.start()
        try:
            await self.check_whole()
            await self.check_seal()
        except StorageUnavailable as error:
            await self._db.stop()
            why = "no answer" if error.__cause__ is None else reason(error.__cause__)
            raise SettingsError(f"DATABASE_URL: the database can't be written: {why}") from error
        except BaseException:
            await self._db.stop()
            raise

    async def hold(self, lost: Callable[[], None]) -> None:
        await self._db.hold(lost)

    async def stop(self) -> None:
        await self._db.stop()

    async def ping(self) -> None:
        await self._db.ping()


def open_database(url: str) -> Database:
    """The same as its operator sees it. Raises SettingsError."""
    return MongoDatabase(url, SystemClock())


def open_mongo(url: str, seal: Seal, clock: Clock, meters: Meters | None = None) -> Storage:
    """The storage in this database; `start` opens it. Raises SettingsError."""
    return MongoStorage(MongoEngine(url, clock, meters), seal, clock)
