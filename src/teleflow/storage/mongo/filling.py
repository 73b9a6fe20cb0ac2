"""A database that is being filled with rows: marked, emptied, filled, indexed, and then nobody's no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from teleflow.errors import Conflict
from teleflow.kit.clock import Clock
from teleflow.storage.mongo import rows
from teleflow.storage.mongo.engine import finish_intents
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.migrating import make_indexes
from teleflow.storage.mongo.schema import COLLECTIONS, PREFIX
from teleflow.storage.mongo.upkeep import INCOMPLETE, INSTALLATION

_FACTS = PREFIX + "facts"


class Filled:
    """Indexes come last: building them at once is quicker, and nothing expires while it is filled and compared."""

    def __init__(self, database: AsyncDatabase[Doc], clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def tables(self) -> Mapping[str, Sequence[str]]:
        return rows.columns()

    async def count(self, table: str) -> int:
        return await self._database[PREFIX + table].count_documents({})

    async def page(self, table: str, after: rows.Row | None, limit: int) -> list[rows.Row]:
        of = rows.TABLES[table]
        where: Doc = {}
        if after is not None:
            where["_id"] = {"$gt": of.id_of(dict(zip(of.names, after, strict=True)))}
        found = self._database[PREFIX + table].find(where, sort=[("_id", 1)], limit=limit)
        return [of.row(doc) for doc in await found.to_list(None)]

    async def begin(self, mark: str) -> None:
        await finish_intents(self._database, self._clock)
        facts = self._database[_FACTS]
        if await facts.find_one({"_id": INCOMPLETE}) is None and await self._holds_something():
            raise Conflict("There is something in that database: name an empty one", code="TARGET_NOT_EMPTY")
        await facts.replace_one({"_id": INCOMPLETE}, {"_id": INCOMPLETE, "value": mark}, upsert=True)
        for name in COLLECTIONS:
            if PREFIX + name != _FACTS:
                await self._database.drop_collection(PREFIX + name)
        await facts.delete_many({"_id": {"$ne": INCOMPLETE}})

    async def put(self, table: str, some: Sequence[rows.Row]) -> None:
        of = rows.TABLES[table]
        taken = await self._taken(of, some)
        docs = [of.document(row, beside) for row, beside in zip(some, taken, strict=True)]
        await self._database[PREFIX + table].insert_many(docs)

    async def finish(self) -> None:
        await make_indexes(self._database)
        highest = {}
        for name in rows.COUNTED:
            last = await self._database[PREFIX + name].find_one({}, {"_id": 1}, sort=[("_id", -1)])
            if last is not None:
                highest[f"counters.{name}"] = last["_id"]
        # The next document gets a number that nobody has; and whoever remembers what was here forgets it.
        update: Doc = {"$inc": {"fence": 1}, "$setOnInsert": {"holder": None, "beat": 0}}
        if highest:
            update["$max"] = highest
        await self._database[PREFIX + "writer"].update_one({"_id": "writer"}, update, upsert=True)
        await self._database[_FACTS].delete_one({"_id": INCOMPLETE})

    async def _holds_something(self) -> bool:
        for name in COLLECTIONS:
            where = {"_id": INSTALLATION} if PREFIX + name == _FACTS else {}
            if await self._database[PREFIX + name].find_one(where, {"_id": 1}) is not None:
                return True
        return False

    async def _taken(self, of: rows.Table, some: Sequence[rows.Row]) -> list[dict[str, Any]]:
        """What each of these documents has of others, which are there already."""
        beside: list[dict[str, Any]] = [{} for _ in some]
        for name, source in of.taken.items():
            place = of.names.index(source.by)
            wanted = {"_id": {"$in": list({row[place] for row in some})}}
            found = self._database[PREFIX + source.collection].find(wanted, {source.field: 1})
            values = {doc["_id"]: doc[source.field] for doc in await found.to_list(None)}
            for row, fields in zip(some, beside, strict=True):
                fields[name] = values.get(row[place], "")
        return beside
