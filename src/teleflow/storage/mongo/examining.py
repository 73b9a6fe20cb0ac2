"""What is wrong with a database: documents that this program would not read, that point nowhere, or that are twice.

The service may write meanwhile: what seems to be wrong is looked at a second time, a moment later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from teleflow.kit.clock import Clock, milliseconds
from teleflow.storage.mongo import rows
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.migrating import options_of, wanted_indexes
from teleflow.storage.mongo.schema import PREFIX

_AT_ONCE = 1_000
_MOST_TOLD = 20  # of a collection
_SECOND_LOOK_S = 1.0  # longer than a batch is half carried out
Tell = Callable[[str], None]


async def problems(database: AsyncDatabase[Doc], clock: Clock, tell: Tell) -> list[str]:
    tell("comparing the indexes")
    found = await _indexes(database)
    tell("reading every document, following every key")
    for table in rows.TABLES.values():
        found += await _Looked(database, clock, table).all()
        if table.unique:
            found += await _doubles(database, table)
    found += await _numbers(database)
    return found + await _unfinished(database, tell)


class _Looked:
    """The documents of one collection."""

    def __init__(self, database: AsyncDatabase[Doc], clock: Clock, table: rows.Table) -> None:
        self._database = database
        self._collection = database[PREFIX + table.name]
        self._clock = clock
        self._table = table
        self._unlike: Counter[str] = Counter()
        self._first: dict[str, Any] = {}

    async def all(self) -> list[str]:
        lost: list[Any] = []
        page: list[Doc] = []
        async for doc in self._collection.find({}, batch_size=_AT_ONCE):
            self._judge(doc)
            page.append(doc)
            if len(page) == _AT_ONCE:
                lost += [doc["_id"] for doc in await self._lost(page)]
                page.clear()
        lost += [doc["_id"] for doc in await self._lost(page)]
        lines = [
            f"{count} documents of {self._table.name}, {self._first[what]!r} for one: {what}"
            for what, count in self._unlike.most_common(_MOST_TOLD)
        ]
        return lines + await self._still_lost(lost)

    def _judge(self, doc: Doc) -> None:
        for what in self._table.unlike(doc):
            self._unlike[what] += 1
            self._first.setdefault(what, doc["_id"])

    async def _lost(self, page: Collection[Doc]) -> list[Doc]:
        """Those whose parent is not there, and who are not about to go either."""
        lost: list[Doc] = []
        for column, parent in self._table.parents.items():
            ids = {doc[column] for doc in page if column in doc}
            if not ids:
                continue
            there = await self._among(parent, ids) | await self._among("graves", ids)
            lost += [doc for doc in page if doc.get(column) not in there and not self._has_expired(doc)]
        return lost

    async def _still_lost(self, ids: list[Any]) -> list[str]:
        if not ids:
            return []
        await self._clock.sleep(_SECOND_LOOK_S)
        count, first = 0, None
        for start in range(0, len(ids), _AT_ONCE):
            again = self._collection.find({"_id": {"$in": ids[start : start + _AT_ONCE]}})
            for doc in await self._lost(await again.to_list(None)):
                count, first = count + 1, first or doc["_id"]
        where = ", ".join(self._table.parents)
        told = f"{count} documents of {self._table.name} point at what is not there ({where}), {first!r} for one"
        return [told] if count else []

    async def _among(self, collection: str, ids: Collection[Any]) -> set[Any]:
        found = self._database[PREFIX + collection].find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {doc["_id"] for doc in await found.to_list(None)}

    def _has_expired(self, doc: Doc) -> bool:
        """The sweep takes what expires one collection after the other."""
        if self._table.expires is None:
            return False
        column, after = self._table.expires
        at = doc.get(column)
        return isinstance(at, int) and at + after <= milliseconds(self._clock.time())


async def _indexes(database: AsyncDatabase[Doc]) -> list[str]:
    lines = []
    for collection, wanted in wanted_indexes().items():
        there = {
            _named(index["key"]): options_of(index)
            async for index in await database[PREFIX + collection].list_indexes()
        }
        for keys, options in wanted:
            name = f"the index of {collection} by {', '.join(field for field, _ in keys)}"
            if keys not in there:
                lines.append(f"{name} is missing")
            elif there[keys] != options:
                lines.append(f"{name} is another one ({_told(there[keys])}, not {_told(options)})")
    return lines


def _named(key: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((name, int(direction)) for name, direction in key.items())


def _told(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in sorted(options.items())) or "plain"


async def _doubles(database: AsyncDatabase[Doc], table: rows.Table) -> list[str]:
    """Read along an index: neighbours that are the same."""
    fields = dict.fromkeys(table.unique, 1)
    collection = database[PREFIX + table.name]
    before: tuple[Any, ...] | None = None
    count, first = 0, None
    async for doc in collection.find({}, fields, sort=[(name, 1) for name in table.unique]):
        this = tuple(doc.get(name) for name in table.unique)
        if this == before and None not in this:
            count, first = count + 1, first or this
        before = this
    told = f"{count} documents of {table.name} have the {' and '.join(table.unique)} of another one, {first} for one"
    return [told] if count else []


async def _numbers(database: AsyncDatabase[Doc]) -> list[str]:
    """The highest number first, then the counter: it is never behind."""
    lines = []
    for name in rows.COUNTED:
        last = await database[PREFIX + name].find_one({}, {"_id": 1}, sort=[("_id", -1)])
        writer = await database[PREFIX + "writer"].find_one({"_id": "writer"}, {"counters": 1}) or {}
        counter = writer.get("counters", {}).get(name, 0)
        if last is not None and last["_id"] > counter:
            lines.append(f"the counter of {name} is at {counter}, and there is a number {last['_id']} already")
    return lines


async def _unfinished(database: AsyncDatabase[Doc], tell: Tell) -> list[str]:
    """What a process that ended has left for others to end is told; it is a problem only where it would do harm."""
    writer = await database[PREFIX + "writer"].find_one({"_id": "writer"}, {"intent_fence": 1, "holder": 1}) or {}
    if "intent_fence" in writer:
        tell("a batch stands and is being carried out: by its process, or by the next one that writes")
    lines = []
    async for grave in database[PREFIX + "graves"].find({}):
        of = "users" if grave.get("of") == "user" else "sessions"
        if await database[PREFIX + of].find_one({"_id": grave["_id"]}, {"_id": 1}) is not None:
            lines.append(f"{grave['_id']} of {of} is there, and marked as removed: the sweep would take what it has")
        else:
            tell(f"{grave['_id']} of {of} was removed: the sweep goes on with what it had")
    return lines
