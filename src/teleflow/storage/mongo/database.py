"""One MongoDB database as its operator sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from teleflow.kit.clock import Clock, milliseconds
from teleflow.storage.base.adoption import OlderReport
from teleflow.storage.base.database import Source, Standing, Target, in_use
from teleflow.storage.mongo import client as c
from teleflow.storage.mongo import examining, moment, rows
from teleflow.storage.mongo.engine import finish_intents, has_transactions, hello_of, without_our_option
from teleflow.storage.mongo.filling import Filled
from teleflow.storage.mongo.lease import Lease
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.migrating import STEPS, is_current, migrate, version_of
from teleflow.storage.mongo.older import rehearsed
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.mongo.sealing import CHECKS
from teleflow.storage.mongo.upkeep import INCOMPLETE, INSTALLATION

HEAD = str(len(STEPS))
_SERVICE = "service"
_FILLING = "filling"


@dataclass(frozen=True, slots=True)
class _Open:
    client: AsyncMongoClient[Doc]
    database: AsyncDatabase[Doc]
    transactions: bool


class MongoDatabase:
    def __init__(self, url: str, clock: Clock) -> None:
        """Raises SettingsError."""
        self._url, self._forced = without_our_option(url)
        self._name = c.database_of(self._url)
        self._clock = clock

    async def look(self) -> Standing | None:
        async with self._opened() as at:
            return await _standing(at)

    async def upgrade(self) -> None:
        async with self._opened() as at:
            await migrate(at.database, self._clock)

    async def problems(self, tell: Callable[[str], None]) -> list[str]:
        async with self._opened() as at:
            if not await is_current(at.database):
                return []  # it is not for this program's schema that it should be judged
            return await examining.problems(at.database, self._clock, tell)

    async def older(self) -> OlderReport:
        async with self._opened() as at:
            await is_current(at.database)
            return await rehearsed(at.database, milliseconds(self._clock.time()))

    async def is_served(self) -> bool:
        async with self._opened() as at:
            return await Lease(at.database, _SERVICE, self._clock).is_held()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        async with self._opened() as at:
            await is_current(at.database)
            lease = Lease(at.database, _SERVICE, self._clock)
            free = await lease.take(lambda: None, patience=0.0)
            try:
                yield free
            finally:
                await lease.release()

    @asynccontextmanager
    async def source(self, folder: Path | None = None) -> AsyncIterator[Source]:
        async with self._opened() as at:
            if at.transactions:
                await finish_intents(at.database, self._clock)
            async with moment.taken(
                at.client, at.database, self._clock, transactions=at.transactions, folder=folder
            ) as source:
                yield source

    @asynccontextmanager
    async def target(self) -> AsyncIterator[Target]:
        await self.upgrade()
        async with self._opened() as at:
            lease = Lease(at.database, _FILLING, self._clock)
            if not await lease.take(lambda: None, patience=0.0):
                raise in_use()
            try:
                yield Filled(at.database, self._clock)
            finally:
                await lease.release()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[_Open]:
        client = c.connect(self._url, command_s=c.MIGRATION_S)  # an operator waits for a large collection
        try:
            transactions = has_transactions(await hello_of(client)) and self._forced is not False
            concern = ReadConcern("majority") if transactions else None
            yield _Open(client, client.get_database(self._name, read_concern=concern), transactions)
        except PyMongoError as error:
            raise c.not_reached(error) from error
        finally:
            await client.close()


async def _standing(at: _Open) -> Standing | None:
    """Raises SettingsError when a newer program was here."""
    await is_current(at.database)
    version = await version_of(at.database)
    there = set(await at.database.list_collection_names())
    counts = {
        name: await at.database[PREFIX + name].count_documents({}) for name in rows.TABLES if PREFIX + name in there
    }
    if not version and not counts:
        return None
    facts = at.database[PREFIX + "facts"]
    checks = {str(doc["value"]) for doc in await facts.find(CHECKS).to_list(None)}
    told = {
        doc["_id"]: doc["value"] for doc in await facts.find({"_id": {"$in": [INCOMPLETE, INSTALLATION]}}).to_list(None)
    }
    build = await at.client.admin.command("buildInfo")
    return Standing(
        kind=f"MongoDB {build.get('version', '?')} ({'replica set' if at.transactions else 'without transactions'})",
        schema=str(version) if version else None,
        head=HEAD,
        size=await _size(at.database, there),
        rows=counts,
        checks=frozenset(checks),
        installation=told.get(INSTALLATION),
        incomplete=told.get(INCOMPLETE),
    )


async def _size(database: AsyncDatabase[Doc], there: set[str]) -> int:
    """Bytes on disk of what is ours, with its indexes."""
    size = 0
    for name in sorted(there):
        if name.startswith(PREFIX):
            stats = await database.command("collStats", name)
            size += int(stats.get("storageSize", 0)) + int(stats.get("totalIndexSize", 0))
    return size
