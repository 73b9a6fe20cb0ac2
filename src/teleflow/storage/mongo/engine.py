"""MongoDB behind the units of work: one writer, reads beside it.

A replica set has transactions; a stand-alone server does without (`ledger`). Which one it is, the server says; an
option forces the second way, `?teleflowTransactions=false` in the URL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from teleflow.errors import InUse, SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock, loop_time
from teleflow.meters import Meters
from teleflow.storage.mongo import client as c
from teleflow.storage.mongo.lease import Lease
from teleflow.storage.mongo.ledger import Intents, Ledger
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.migrating import is_current, migrate
from teleflow.storage.mongo.transactions import Transactions
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.mongo.writer import Near, Writer

P = ParamSpec("P")
T = TypeVar("T")
Unit = Callable[Concatenate[Tx, P], Coroutine[Any, Any, T]]
Reading = Callable[Concatenate[Reads, P], Coroutine[Any, Any, T]]
_OLDEST_WIRE = 13  # MongoDB 5.0
_BULK_WIRE = 25  # MongoDB 8.0
PATIENCE_AT_START_S = 3.0  # a command may have it for a moment
_FORCED = "teleflowtransactions"


class MongoEngine:
    """One MongoDB database."""

    def __init__(self, url: str, clock: Clock, meters: Meters | None = None) -> None:
        """`url` names the database; `meters` are told how long work took. Raises SettingsError."""
        self.meters = meters
        self._url, self._forced = without_our_option(url)
        self._name = c.database_of(self._url)
        self._clock = clock
        self._client: AsyncMongoClient[Doc] | None = None
        self._database: AsyncDatabase[Doc] | None = None
        self._writer: Writer | None = None
        self._lease: Lease | None = None
        self._ring: Callable[[Collection[str]], None] | None = None
        self.transactions = False

    async def start(self) -> None:
        self._client = c.connect(self._url)
        try:
            hello = await hello_of(self._client)
            self.transactions = has_transactions(hello) and self._forced is not False
            # On a replica set nobody sees what a failover may take back.
            concern = ReadConcern("majority") if self.transactions else None
            self._database = self._client.get_database(self._name, read_concern=concern)
            if not await is_current(self._database):
                patient = c.connect(self._url, command_s=c.MIGRATION_S)
                try:
                    await migrate(patient[self._name], self._clock)
                finally:
                    await patient.close()
            bulk = hello["maxWireVersion"] >= _BULK_WIRE
            ledger: Ledger = (
                Transactions(self._client, self._database, self._clock, bulk=bulk)
                if self.transactions
                else Intents(self._database, self._clock, bulk=bulk)
            )
            if self.transactions:
                await finish_intents(self._database, self._clock)
        except PyMongoError as error:
            await self.stop()
            raise c.not_reached(error) from error
        except BaseException:
            await self.stop()
            raise
        self._writer = Writer(ledger, self._clock)
        self._writer.on_append = self._ring

    async def hold(self, lost: Callable[[], None]) -> None:
        lease = Lease(self.database, "service", self._clock)
        try:
            taken = await lease.take(lost, patience=PATIENCE_AT_START_S)
        except PyMongoError as error:
            raise c.not_reached(error) from error
        if not taken:
            raise InUse(
                "DATABASE_URL: another TeleFlow is running on this database: two on the same Telegram logins would end"
                " them; stop the other one first"
            )
        self._lease = lease

    async def stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()
        client, self._client = self._client, None
        self._database = None
        if client is not None:
            await client.close()

    @property
    def database(self) -> AsyncDatabase[Doc]:
        if self._database is None:
            raise StorageUnavailable("The database is not open")
        return self._database

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        self._ring = ring
        if self._writer is not None:
            self._writer.on_append = ring

    async def ping(self) -> None:
        """Raises StorageUnavailable when the server does not answer, or when writing failed and does again."""
        try:
            await self.database.command("ping")
        except Exception as error:
            if c.is_trouble(error):
                raise c.unavailable(error) from error
            raise
        if self._running_writer().failing is not None:
            await self.write(_probe)

    def write(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run the unit, alone; return once it is on disk. Raises StorageUnavailable, or what it raised."""
        return self._timed(self._running_writer().submit(lambda tx: unit(tx, *args, **kwargs)))

    def write_near(self, near: Near, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """As `write`; these documents (collection, `_id`) are read for all units of a batch at once."""
        return self._timed(self._running_writer().submit(lambda tx: unit(tx, *args, **kwargs), near))

    write_heavy = write

    def read(self, unit: Reading[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run the unit on committed data. Raises StorageUnavailable."""
        return self._reading(partial(unit, Reads(self.database), *args, **kwargs))

    read_heavy = read

    def _timed(self, outcome: asyncio.Future[T]) -> asyncio.Future[T]:
        if self.meters is not None:
            meters, began = self.meters, loop_time()
            outcome.add_done_callback(lambda _: meters.database("write", loop_time() - began))
        return outcome

    async def _reading(self, work: Callable[[], Awaitable[T]]) -> T:
        began = loop_time()
        try:
            async with asyncio.timeout(c.ROOM_S + c.CONNECT_S + c.COMMAND_S):
                return await work()
        except Exception as error:
            if c.is_trouble(error):
                raise c.unavailable(error) from error
            raise
        finally:
            if self.meters is not None:
                self.meters.database("read", loop_time() - began)

    def _running_writer(self) -> Writer:
        if self._writer is None:
            raise StorageUnavailable("The database is not open")
        return self._writer


async def hello_of(client: AsyncMongoClient[Doc]) -> Doc:
    """What the server says of itself. Raises SettingsError for one that is too old."""
    hello: Doc = await client.admin.command("hello")
    if hello.get("maxWireVersion", 0) < _OLDEST_WIRE:
        raise SettingsError("MONGO_URI (or DATABASE_URL): this MongoDB is too old: 5.0 is the least")
    return hello


def has_transactions(hello: Doc) -> bool:
    return "setName" in hello or hello.get("msg") == "isdbgrid"


async def finish_intents(database: AsyncDatabase[Doc], clock: Clock) -> None:
    """What a server left behind that had no transactions and has them now."""
    if await database["tf_writer"].find_one({"intent_fence": {"$exists": True}}) is None:
        return
    intents = Intents(database, clock)
    await intents.begin()
    await intents.leave()
    await intents.close()


async def _probe(tx: Tx) -> None:
    tx.put("facts", {"_id": "probe", "value": ""})


def without_our_option(url: str) -> tuple[str, bool | None]:
    """The URL as the driver knows it, and whether it asks for transactions (None: as the server has them)."""
    address, mark, options = url.partition("?")
    if not mark:
        return url, None
    kept, forced = [], None
    for option in options.split("&"):
        name, _, value = option.partition("=")
        if name.lower() == _FORCED:
            forced = value.lower() not in {"false", "0", "no"}
        else:
            kept.append(option)
    return address + ("?" + "&".join(kept) if kept else ""), forced
