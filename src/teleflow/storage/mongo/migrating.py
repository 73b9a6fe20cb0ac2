"""The versions of the schema, one after the other, at start and under a lock.

A step may be killed anywhere and is run again: each does what is missing. The number that stands is written after it.
A step that was released is never changed; a new one is put behind it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from teleflow.errors import SettingsError
from teleflow.kit.clock import Clock
from teleflow.storage.common.webhooks import IDLE
from teleflow.storage.mongo import schema
from teleflow.storage.mongo.lease import Lease
from teleflow.storage.mongo.match import Doc

Step = Callable[[AsyncDatabase[Doc]], Awaitable[None]]
_VERSION = "version"


async def _v1_first(database: AsyncDatabase[Doc]) -> None:
    """The collections and the indexes of the first release."""
    await make_indexes(database)


async def _v2_once_more(database: AsyncDatabase[Doc]) -> None:
    """Of each delivery, whether an attempt is under way."""
    deliveries = database[schema.PREFIX + "webhook_deliveries"]
    await deliveries.update_many({"taken": {"$exists": False}}, {"$set": {"taken": IDLE}})


STEPS: tuple[Step, ...] = (_v1_first, _v2_once_more)


Keys = tuple[tuple[str, int], ...]


def wanted_indexes() -> dict[str, list[tuple[Keys, dict[str, Any]]]]:
    """Of each collection its indexes: keys and options, as the server tells them."""
    wanted: dict[str, list[tuple[Keys, dict[str, Any]]]] = {collection: [] for collection in schema.COLLECTIONS}
    for index in schema.INDEXES:
        options: dict[str, Any] = {"unique": True} if index.unique else {}
        if index.partial:
            options["partialFilterExpression"] = dict(index.partial)
        wanted[index.collection].append((index.keys, options))
    for collection in schema.WITH_TTL:
        wanted[collection].append((((schema.TTL_FIELD, 1),), {"expireAfterSeconds": schema.TTL_S}))
    return wanted


def options_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an index that is there, as `wanted_indexes` has them."""
    options: dict[str, Any] = {"unique": True} if told.get("unique") else {}
    if told.get("partialFilterExpression"):
        options["partialFilterExpression"] = dict(told["partialFilterExpression"])
    if "expireAfterSeconds" in told:
        options["expireAfterSeconds"] = int(told["expireAfterSeconds"])
    return options


async def make_indexes(database: AsyncDatabase[Doc]) -> None:
    there = set(await database.list_collection_names())
    for collection, indexes in wanted_indexes().items():
        name = schema.PREFIX + collection
        if name not in there:  # a transaction should find them, not make them
            await database.create_collection(name, check_exists=False)
        if indexes:
            await database[name].create_indexes([IndexModel(list(keys), **options) for keys, options in indexes])


async def version_of(database: AsyncDatabase[Doc]) -> int:
    """The number of the last step that was done; 0 in a database that is new to us."""
    found = await database[schema.PREFIX + "schema"].find_one({"_id": _VERSION})
    return int(found["number"]) if found else 0


async def migrate(database: AsyncDatabase[Doc], clock: Clock, *, steps: tuple[Step, ...] = STEPS) -> None:
    """Raises SettingsError when a newer program was here."""
    if await is_current(database, steps=steps):
        return
    lease = Lease(database, "migration", clock)
    await lease.take(lambda: None, patience=None)
    try:
        done = await version_of(database)
        for number, step in enumerate(steps[done:], start=done + 1):
            await step(database)
            await database[schema.PREFIX + "schema"].update_one(
                {"_id": _VERSION}, {"$set": {"number": number}}, upsert=True
            )
    finally:
        await lease.release()


async def is_current(database: AsyncDatabase[Doc], *, steps: tuple[Step, ...] = STEPS) -> bool:
    """Whether nothing is to be done. Raises SettingsError when a newer program was here."""
    there, newest = await version_of(database), len(steps)
    if there > newest:
        raise SettingsError(
            f"DATABASE_URL: the database has schema {there}, which is newer than this program knows ({newest}): "
            "start the newer TeleFlow, or restore a backup of before"
        )
    return there == newest
