"""Every test of this folder runs against every database that the project can use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from proofs.mongo import Mongo
from proofs.postgres import Postgres
from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
from teleflow.storage.mongo import MongoStorage, rows
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.opening import open_storage

from .databases import Databases, MongoDatabases
from .rig import KEY, SetClock

SQL = ("sqlite", "postgresql")
MONGODB = ("mongodb", "mongodb-alone")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def seal() -> Seal:
    return Seal(KEY)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    server = Postgres().start()
    try:
        yield Databases(server)
    finally:
        server.remove()


@pytest.fixture(scope="session")
def mongodb() -> Iterator[MongoDatabases]:
    """With transactions, as a replica set has them."""
    server = Mongo().start()
    try:
        yield MongoDatabases(server)
    finally:
        server.remove()


@pytest.fixture(scope="session")
def mongodb_alone() -> Iterator[MongoDatabases]:
    """A stand-alone server, which has none."""
    server = Mongo(standalone=True).start()
    try:
        yield MongoDatabases(server)
    finally:
        server.remove()


@pytest.fixture(params=["replica set", "alone"])
def databases(request: pytest.FixtureRequest) -> MongoDatabases:
    name = "mongodb" if request.param == "replica set" else "mongodb_alone"
    found: MongoDatabases = request.getfixturevalue(name)
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames and not hasattr(metafunc.module, "database"):
        metafunc.parametrize("database", [*SQL, *MONGODB], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> str:
    """Of an empty database, which has the schema or not."""
    if database == "sqlite":
        return f"file:{tmp_path / 'data' / 'teleflow.db'}"
    server = {"postgresql": "postgres", "mongodb": "mongodb", "mongodb-alone": "mongodb_alone"}[database]
    return str(request.getfixturevalue(server).new())


@pytest.fixture
def opening(url: str, seal: Seal, clock: SetClock) -> Callable[[], Storage]:
    """Opens the same database once more: a restart, or a second process."""
    return lambda: open_storage(url, seal, clock)


@pytest.fixture
async def storage(database: str, opening: Callable[[], Storage]) -> AsyncIterator[Storage]:
    opened = opening()
    await opened.start()
    yield opened
    if database == "mongodb-alone" and isinstance(opened, MongoStorage):  # one of the two: the documents are the same
        await documents_fit(opened)
    await opened.stop()


async def documents_fit(storage: MongoStorage) -> None:
    """Whatever a test has written is known to those who copy and check (`mongo.rows`)."""
    database = storage._db._database
    if database is None:
        return  # the test has stopped it

    async def some(table: rows.Table) -> None:
        docs = await database[PREFIX + table.name].find({}, limit=50).to_list(None)
        assert [f"a document of {table.name} {what}" for doc in docs for what in table.unlike(doc)] == []

    await asyncio.gather(*map(some, rows.TABLES.values()))
