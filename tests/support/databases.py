"""Which database the integration tests use: SQLite, or the one that TELEFLOW_TEST_DATABASE names.

    TELEFLOW_TEST_DATABASE=mongodb python3 run.py test tests/integration

One server for all tests of a process, started by the first who asks; a data directory has a database of its own there,
the same one as long as it is the same directory.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from proofs.mongo import Mongo
from proofs.postgres import Postgres
from teleflow.storage.sql.postgres.migrating import migrate
from tests.support.choice import chosen

_MODEL = "model"


def settings_of(data: Path) -> dict[str, str]:
    """What names the database of a service with this data directory; nothing, where that is its own file."""
    kind = chosen()
    return {} if kind == "sqlite" else {"database_url": _url(kind, data.resolve())}


def environment_of(data: Path) -> dict[str, str]:
    """The same, for a process of its own."""
    return {name.upper(): value for name, value in settings_of(data).items()}


def url_of(data: Path) -> str:
    """Where what is stored can be looked at (`proofs.rows`)."""
    return settings_of(data).get("database_url", f"file:{data / 'teleflow.db'}")


@cache
def _url(kind: str, data: Path) -> str:
    server, name = _server(kind), f"t{hashlib.sha256(str(data).encode()).hexdigest()[:20]}"
    if isinstance(server, Postgres):
        _beside(_create(server, name, f"TEMPLATE {_MODEL} STRATEGY FILE_COPY"))
    return server.url(name)


@cache
def _server(kind: str) -> Postgres | Mongo:
    server = Postgres() if kind == "postgresql" else Mongo(standalone=kind == "mongodb-alone")
    atexit.register(server.remove)
    server.start()
    if isinstance(server, Postgres):
        _beside(_make_model(server))
    return server


async def _make_model(server: Postgres) -> None:
    """What the others are copies of: with the schema."""
    await _create(server, _MODEL)
    await migrate(make_url(server.url(_MODEL)))


async def _create(server: Postgres, name: str, how: str = "") -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name} {how}")
    finally:
        await connection.close()


def _beside(work: Coroutine[Any, Any, None]) -> None:
    """Callers have a loop of their own that runs."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, work).result()
