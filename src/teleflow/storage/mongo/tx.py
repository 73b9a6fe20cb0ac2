"""What a unit of work sees of the database: what is committed, and over it what it and those before it have written.

Nothing is sent while units run. Each write is of a whole document under its `_id`, so that all of it can be written at
once, by a transaction or by an intent that anybody can carry out (docs/decisions, "MongoDB with and without
transactions"). Documents are flat, and what they hold is never changed in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import bson
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DocumentTooLarge

from teleflow.storage.mongo.match import Doc, Sort, Where, in_order, matches
from teleflow.storage.mongo.memory import Memory
from teleflow.storage.mongo.operations import CLEAR, PUT, REMOVE, SET, Operation
from teleflow.storage.mongo.schema import PREFIX, RANK

_HOPED = frozenset({"events"})  # mostly not there, and asked for by `lacks`
_MANY = 50_000  # documents that a batch may touch of one collection
_LARGEST = 16 * 2**20 - 4_096  # a document, as the server takes it


class Reads:
    """What is committed."""

    def __init__(self, database: AsyncDatabase[Doc]) -> None:
        self._database = database
        self._session: AsyncClientSession | None = None

    async def get(self, collection: str, id_: Any) -> Doc | None:
        """The document of this `_id`."""
        found: Doc | None = await self._database[PREFIX + collection].find_one({"_id": id_}, session=self._session)
        return found

    async def find(
        self,
        collection: str,
        where: Where,
        *,
        sort: Sort = (),
        limit: int = 0,
        skip: int = 0,
        fields: Collection[str] | None = None,
    ) -> list[Doc]:
        """Those that match; `limit` 0: all of them, which the caller knows to be few. `fields`: no more of each."""
        cursor = self._database[PREFIX + collection].find(
            where,
            None if fields is None else list(fields),
            sort=list(sort) or None,
            limit=limit,
            skip=skip,
            session=self._session,
        )
        return await cursor.to_list(None)

    async def one(self, collection: str, where: Where, *, sort: Sort = ()) -> Doc | None:
        found = await self.find(collection, where, sort=sort, limit=1)
        return found[0] if found else None

    async def count(self, collection: str, where: Where, *, limit: int = 0) -> int:
        """How many match; with a limit it counts no further."""
        options = {"limit": limit} if limit else {}
        return await self._database[PREFIX + collection].count_documents(where, session=self._session, **options)

    async def aggregate(self, collection: str, stages: Sequence[Doc]) -> list[Doc]:
        """Of what is committed, in a unit of work too."""
        cursor = await self._database[PREFIX + collection].aggregate(list(stages), session=self._session)
        return await cursor.to_list(None)


class _Change:
    """What becomes of one document. `fields`: only these changed; None: it is written as a whole.

    `fresh`: the database has none of its `_id`.
    """

    __slots__ = ("doc", "fields", "fresh", "raw")

    def __init__(self, doc: Doc | None, fields: frozenset[str] | None = None, fresh: bool = False) -> None:
        self.doc = doc
        self.fields = fields
        self.fresh = fresh
        self.raw: bytes | None = None  # of a whole document, once it was weighed


class _Layer:
    """Writes that wait, by collection; the one touched last stands last."""

    def __init__(self) -> None:
        self.changes: dict[str, dict[Any, _Change]] = {}
        self.clears: dict[str, list[Where]] = {}

    def touch(self, collection: str, id_: Any, change: _Change) -> None:
        """Last in the order: a name that one document gives up is free when another one takes it."""
        of_it = self.changes.setdefault(collection, {})
        of_it.pop(id_, None)
        of_it[id_] = change

    def take(self, other: _Layer) -> None:
        for collection, wheres in other.clears.items():
            self.clears.setdefault(collection, []).extend(wheres)
        for collection, changes in other.changes.items():
            for id_, change in changes.items():
                self.touch(collection, id_, change)


class Tx(Reads):
    """One batch of units, each of which is undone alone when it raises."""

    def __init__(
        self,
        database: AsyncDatabase[Doc],
        counters: Mapping[str, int],
        fence: int,
        session: AsyncClientSession | None = None,
    ) -> None:
        super().__init__(database)
        self._session = session
        self.fence = fence
        self._memory = Memory()
        self._hopes = False
        self._batch, self._unit = _Layer(), _Layer()
        self._read: dict[tuple[str, Any], Doc | None] = {}
        self._counters, self._unit_counters = dict(counters), dict(counters)
        self._first = dict(counters)
        self._rung: set[str] = set()
        self.rung: set[str] = set()

    # --- what units do ---

    async def get(self, collection: str, id_: Any) -> Doc | None:
        change = self._change(collection, id_)
        if change is not None:
            return None if change.doc is None else dict(change.doc)
        if not self._knows((collection, id_)):
            self._read[collection, id_] = await super().get(collection, id_)
        doc = self._read[collection, id_]
        if doc is None or any(matches(doc, where) for where in self._clears(collection)):
            return None
        return dict(doc)

    async def lacks(self, collection: str, id_: Any) -> bool:
        """Whether there is no document of this `_id`. Where the commit finds it out, it is hoped and not asked."""
        if self._hopes and self._change(collection, id_) is None and not self._knows((collection, id_)):
            self._read[collection, id_] = None
        return await self.get(collection, id_) is None

    async def find(
        self,
        collection: str,
        where: Where,
        *,
        sort: Sort = (),
        limit: int = 0,
        skip: int = 0,
        fields: Collection[str] | None = None,
    ) -> list[Doc]:
        pending = self._pending(collection)
        if skip and pending:
            raise ValueError("a unit of work does not skip")
        if fields is not None:
            fields = {*fields, *(name for name, _ in sort)}
        beside = self._beside(collection, where, pending)
        found = await super().find(collection, beside, sort=sort, limit=limit, skip=skip, fields=fields)
        if fields is None:
            for doc in found:
                self._read[collection, doc["_id"]] = dict(doc)
        if not pending:
            return found
        found += [dict(doc) for doc in pending.values() if doc is not None and matches(doc, where)]
        found = in_order(found, sort)
        return found[:limit] if limit else found

    async def count(self, collection: str, where: Where, *, limit: int = 0) -> int:
        pending = self._pending(collection)
        here = sum(1 for doc in pending.values() if doc is not None and matches(doc, where))
        if limit and here >= limit:
            return limit
        rest = limit - here if limit else 0
        return here + await super().count(collection, self._beside(collection, where, pending), limit=rest)

    def put(self, collection: str, doc: Doc) -> None:
        """The whole document, new or in place of the one with its `_id`."""
        self._write(collection, dict(doc))

    def add(self, collection: str, doc: Doc) -> None:
        """A document that is new: its `_id` was made for it."""
        self._unit.touch(collection, doc["_id"], _Change(dict(doc), fresh=True))

    async def change(self, collection: str, id_: Any, fields: Mapping[str, Any]) -> Doc | None:
        """These fields of it; the document as it is then, None where there is none."""
        doc = await self.get(collection, id_)
        if doc is None:
            return None
        changed = [name for name, value in fields.items() if name not in doc or not _same(doc[name], value)]
        doc.update(fields)
        if changed:
            self.amend(collection, doc, changed)
        return doc

    def amend(self, collection: str, doc: Doc, fields: Collection[str]) -> None:
        """A document that is there, and of which all but these fields is known to be as it is here."""
        before = self._change(collection, doc["_id"])
        whole = before is not None and before.fields is None
        known = before.fields or frozenset() if before is not None else frozenset()
        self._write(collection, dict(doc), None if whole else known | frozenset(fields))

    async def remove(self, collection: str, id_: Any) -> bool:
        """Whether there was one."""
        if await self.get(collection, id_) is None:
            return False
        self._write(collection, None, id_=id_)
        return True

    def clear(self, collection: str, where: Where) -> None:
        """Remove all that match."""
        for id_, doc in self._pending(collection).items():
            if doc is not None and matches(doc, where):
                self._write(collection, None, id_=id_)
        self._unit.clears.setdefault(collection, []).append(where)

    def next(self, counter: str) -> int:
        """The next number of this name; it is used once, and larger than all before."""
        number = self._unit_counters.get(counter, 0) + 1
        self._unit_counters[counter] = number
        return number

    def ring(self, ids: Iterable[str]) -> None:
        """Told after the commit (`on_append`)."""
        self._rung.update(ids)

    # --- what the writer does ---

    def remember(self, memory: Memory, *, hopes: bool) -> None:
        """Documents may be taken from there, and are left there when the batch stands (`stands`). `hopes`: `lacks`."""
        memory.at(self.fence)
        self._memory = memory
        self._hopes = hopes

    def stands(self) -> None:
        written = [((of, id_), change.doc) for of, some in self._batch.changes.items() for id_, change in some.items()]
        self._memory.learn(self.fence, self._read.items(), self._batch.clears.items(), written)

    async def load(self, wanted: Collection[tuple[str, Any]]) -> None:
        """Read these documents, each collection's at once."""
        by_collection: dict[str, set[Any]] = {}
        for collection, id_ in wanted:
            if not self._knows((collection, id_)) and not (self._hopes and collection in _HOPED):
                by_collection.setdefault(collection, set()).add(id_)
        for collection, ids in by_collection.items():
            if len(ids) == 1:
                id_ = next(iter(ids))
                self._read[collection, id_] = await Reads.get(self, collection, id_)
                continue
            found = await Reads.find(self, collection, {"_id": {"$in": list(ids)}})
            self._read.update({(collection, id_): None for id_ in ids})
            self._read.update({(collection, doc["_id"]): doc for doc in found})

    def keep(self) -> None:
        """The unit has ended well."""
        self._batch.take(self._unit)
        self._counters = dict(self._unit_counters)
        self.rung |= self._rung
        self._fresh()

    def undo(self) -> None:
        """It has raised."""
        self._fresh()

    def weigh(self) -> int:
        """The bytes that the unit writes. Raises what says that one of its documents can't be stored."""
        total = 0
        for changes in self._unit.changes.values():
            for change in changes.values():
                if change.doc is None:
                    continue
                change.raw = bson.encode(change.doc)
                weight = len(change.raw)
                if weight > _LARGEST:
                    raise DocumentTooLarge(f"a document of {weight} bytes")
                total += weight
        return total

    @property
    def wrote(self) -> bool:
        return bool(self._batch.changes or self._batch.clears or self.counters is not None)

    def _fresh(self) -> None:
        self._unit = _Layer()
        self._unit_counters = dict(self._counters)
        self._rung = set()

    @property
    def counters(self) -> dict[str, int] | None:
        """As they are now; None when no unit took a number."""
        return None if self._counters == self._first else dict(self._counters)

    @property
    def counters_before(self) -> dict[str, int]:
        return self._first

    def operations(self) -> list[Operation]:
        """All that was written, each collection's together and in the order in which a reader may meet them."""
        batch = self._batch
        done: list[Operation] = []
        for collection in sorted({*batch.clears, *batch.changes}, key=lambda name: (RANK.get(name, len(RANK)), name)):
            name = PREFIX + collection
            clears = batch.clears.get(collection, [])
            done += [Operation(name, CLEAR, None, dict(where)) for where in clears]
            for id_, change in batch.changes.get(collection, {}).items():
                if change.doc is None:
                    done += [] if change.fresh else [Operation(name, REMOVE, id_, {})]
                elif change.fields is None or clears:  # a cleared one is not there to be changed
                    done.append(Operation(name, PUT, id_, change.doc, change.fresh, change.raw))
                else:
                    done.append(Operation(name, SET, id_, {field: change.doc[field] for field in change.fields}))
        return done

    # --- inside ---

    def _knows(self, key: tuple[str, Any]) -> bool:
        if key not in self._read:
            doc = self._memory.get(key)
            if doc is None:
                return False
            self._read[key] = doc
        return True

    def _write(
        self, collection: str, doc: Doc | None, fields: frozenset[str] | None = None, *, id_: Any = None
    ) -> None:
        id_ = id_ if doc is None else doc["_id"]
        before = self._change(collection, id_)
        fresh = before.fresh if before is not None else self._read.get((collection, id_), doc) is None
        self._unit.touch(collection, id_, _Change(doc, fields, fresh))

    def _change(self, collection: str, id_: Any) -> _Change | None:
        change = self._unit.changes.get(collection, {}).get(id_)
        return change if change is not None else self._batch.changes.get(collection, {}).get(id_)

    def _pending(self, collection: str) -> dict[Any, Doc | None]:
        both = {**self._batch.changes.get(collection, {}), **self._unit.changes.get(collection, {})}
        if len(both) > _MANY:
            raise ValueError(f"a batch touched {len(both)} documents of {collection}")
        return {id_: change.doc for id_, change in both.items()}

    def _clears(self, collection: str) -> list[Where]:
        return [*self._batch.clears.get(collection, ()), *self._unit.clears.get(collection, ())]

    def _beside(self, collection: str, where: Where, pending: Mapping[Any, Doc | None]) -> Where:
        """The filter for what no write that waits has touched."""
        limits: list[Where] = [where]
        if pending:
            limits.append({"_id": {"$nin": list(pending)}})
        clears = self._clears(collection)
        if clears:
            limits.append({"$nor": clears})
        return where if len(limits) == 1 else {"$and": limits}


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
