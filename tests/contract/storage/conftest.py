"""Every test of this folder runs against every database that the project can use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from proofs.mongo import Mongo
from proofs.postgres import Postgres
from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
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
def opening(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, seal: Seal, clock: SetClock
) -> Callable[[], Storage]:
    """Opens the same database once more: a restart, or a second process."""
    if database == "sqlite":
        url = f"file:{tmp_path / 'data' / 'teleflow.db'}"
    else:
        server = {"postgresql": "postgres", "mongodb": "mongodb", "mongodb-alone": "mongodb_alone"}[database]
        url = request.getfixturevalue(server).new()
    return lambda: open_storage(url, seal, clock)


@pytest.fixture
async def storage(opening: Callable[[], Storage]) -> AsyncIterator[Storage]:
    opened = opening()
    await opened.start()
    yield opened
    await opened.stop()
