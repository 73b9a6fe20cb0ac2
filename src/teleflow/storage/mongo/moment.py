"""One state of a database, whatever is written to it meanwhile: read as fast as it can be, then looked at at leisure.

Every batch, of whichever process, counts the writer's document on. So there is proof that what was read is of one
moment: the number before was the number after. On a replica set it is read from a snapshot; where the server has none
(or none for so long), in a transaction; and, should both fail, just so, which is good if nobody wrote meanwhile. On a
stand-alone server the writer's lock is held while it is read: for as long as nobody waits for it, and for some seconds
after that.

It is read into a file without a name, as it comes over the wire; nothing is left of that when this process is killed.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import bson
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from teleflow.errors import Conflict
from teleflow.kit.clock import Clock, loop_time
from teleflow.storage.backups import written_in
from teleflow.storage.mongo import rows
from teleflow.storage.mongo.ledger import Intents
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.schema import PREFIX

HELD_S = 4.0  # so long writers are kept waiting; each of them waits for 10 s
_LOOK_S = 0.2
_WRITER = {"_id": "writer"}
Watch = Callable[[], Awaitable[bool]]


class Moment:
    """Where in the file the documents of each collection lie."""

    def __init__(self, file: IO[bytes], options: Any) -> None:
        self._file = file
        self._options = options
        self._places: dict[str, tuple[int, int]] = {}
        self._last: tuple[str, rows.Row, int] | None = None  # the last row of a page, and where the next one begins
        self._living: dict[str, set[Any]] = {}

    # --- written ---

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._places.clear()

    def begin(self, collection: str) -> None:
        end = self._file.tell()
        self._places[collection] = end, end

    def add(self, collection: str, raw: bytes) -> None:
        self._file.write(raw)
        self._places[collection] = self._places[collection][0], self._file.tell()

    # --- read ---

    def tables(self) -> Mapping[str, Sequence[str]]:
        return rows.columns()

    async def count(self, table: str) -> int:
        return sum(1 for _ in self._rows(table, None))

    async def page(self, table: str, after: rows.Row | None, limit: int) -> list[rows.Row]:
        start = None
        if after is not None and self._last is not None and self._last[:2] == (table, after):
            start, after = self._last[2], None
        page: list[rows.Row] = []
        for row, end in self._rows(table, start):
            if after is not None:
                after = None if row == after else after
                continue
            page.append(row)
            if len(page) == limit:
                self._last = table, row, end
                break
        return page

    def _rows(self, table: str, start: int | None) -> Iterator[tuple[rows.Row, int]]:
        """Each row, and where the document behind it begins. What hangs on nobody is nobody's, and stays behind."""
        of = rows.TABLES[table]
        for doc, end in self._documents(table, start):
            if all(doc[column] in self._ids(parent) for column, parent in of.parents.items()):
                yield of.row(doc), end

    def _ids(self, collection: str) -> set[Any]:
        """Of those that are somebody's."""
        if collection not in self._living:
            parents = rows.TABLES[collection].parents
            self._living[collection] = {
                doc["_id"]
                for doc, _ in self._documents(collection, None)
                if all(doc[column] in self._ids(parent) for column, parent in parents.items())
            }
        return self._living[collection]

    def _documents(self, collection: str, start: int | None) -> Iterator[tuple[Doc, int]]:
        first, end = self._places[collection]
        place = first if start is None else start
        while place < end:
            self._file.seek(place)
            head = self._file.read(4)
            raw = head + self._file.read(int.from_bytes(head, "little") - 4)
            place += len(raw)
            yield bson.decode(raw, self._options), place


@asynccontextmanager
async def taken(
    client: AsyncMongoClient[Doc],
    database: AsyncDatabase[Doc],
    clock: Clock,
    *,
    transactions: bool,
    folder: Path | None,
) -> AsyncIterator[Moment]:
    """`folder`: where that file lies. Raises Conflict IN_USE where there is no way to read it all at one moment beside
    whoever writes, Invalid TEMPORARY_NOT_WRITTEN.
    """
    with ExitStack() as stack:
        with written_in(folder):
            file = tempfile.TemporaryFile(prefix="teleflow-", dir=folder)  # noqa: SIM115 - in the next line
        stack.enter_context(_closed(file))
        moment = Moment(file, database.codec_options)
        with written_in(folder):
            if transactions:
                await _beside_writers(client, database, moment)
            else:
                await _under_the_lock(database, clock, moment)
            file.flush()
        yield moment


@contextmanager
def _closed(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """What is left to be written is nobody's loss: on a full disk to close it fails too."""
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


async def _beside_writers(client: AsyncMongoClient[Doc], database: AsyncDatabase[Doc], moment: Moment) -> None:
    for way in (_snapshot, _transaction):
        try:
            async with way(client) as session:
                if await _read(database, moment, _Same(database, session).still, session):
                    return
        except OperationFailure:
            continue  # it has no such thing, or not for so long
    if not await _read(database, moment, _Same(database, None).still, None):
        raise Conflict(
            "The database can't be read at one moment while the service writes: this server keeps none for so long"
            " (minSnapshotHistoryWindowInSeconds). Stop the service for it, or use mongodump",
            code="IN_USE",
        )


@asynccontextmanager
async def _snapshot(client: AsyncMongoClient[Doc]) -> AsyncIterator[AsyncClientSession]:
    async with client.start_session(snapshot=True) as session:
        yield session


@asynccontextmanager
async def _transaction(client: AsyncMongoClient[Doc]) -> AsyncIterator[AsyncClientSession]:
    async with (
        client.start_session(causal_consistency=False) as session,
        await session.start_transaction(read_concern=ReadConcern("snapshot")),
    ):
        yield session


class _Same:
    """Whether nobody has written, as far as this session sees. In a snapshot that is always so: a server that only
    says that it has one is found out.
    """

    def __init__(self, database: AsyncDatabase[Doc], session: AsyncClientSession | None) -> None:
        self._writer = database[PREFIX + "writer"]
        self._session = session
        self._first: tuple[Any] | None = None

    async def still(self) -> bool:
        found = await self._writer.find_one(_WRITER, {"fence": 1}, session=self._session)
        fence = (None if found is None else found.get("fence"),)
        self._first = self._first or fence
        return fence == self._first


async def _under_the_lock(database: AsyncDatabase[Doc], clock: Clock, moment: Moment) -> None:
    intents = Intents(database, clock)
    tx = await intents.begin()
    try:
        whole = await _read(database, moment, _Held(database, tx.fence).still, None)
    finally:
        await intents.leave()
        await intents.close()
    if not whole:
        raise Conflict("The database was written while it was read: this process was held up. Try again", code="IN_USE")


class _Held:
    """Whether the lock is ours. Raises Conflict IN_USE when somebody has waited for it for long."""

    def __init__(self, database: AsyncDatabase[Doc], fence: int) -> None:
        self._writer = database[PREFIX + "writer"]
        self._fence = fence
        self._wanted: float | None = None

    async def still(self) -> bool:
        held = await self._writer.find_one(_WRITER, {"fence": 1, "wanted": 1})
        if held is None or held["fence"] != self._fence:
            return False
        if held.get("wanted") and self._wanted is None:
            self._wanted = loop_time()
        if self._wanted is not None and loop_time() - self._wanted > HELD_S:
            raise Conflict(
                f"This MongoDB has no transactions: while the database is read nobody can write, and after {HELD_S:.0f}"
                " s that was not done. Stop the service for it, or make the server a replica set (of one)",
                code="IN_USE",
            )
        return True


async def _read(database: AsyncDatabase[Doc], moment: Moment, still: Watch, session: AsyncClientSession | None) -> bool:
    """All of it into the file. False when it is not of one moment."""
    moment.clear()
    if not await still():
        return False
    looked = loop_time()
    for name in rows.TABLES:
        moment.begin(name)
        batches: AsyncIterator[Any] = database[PREFIX + name].find_raw_batches(
            session=session
        )  # bytes, whatever is said
        async for raw in batches:
            moment.add(name, raw)
            if loop_time() - looked >= _LOOK_S:
                if not await still():
                    return False
                looked = loop_time()
    return await still()
