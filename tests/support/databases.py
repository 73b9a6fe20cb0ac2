"""Which database the integration tests use: SQLite, or the one that TELEFLOW_TEST_DATABASE names.

    TELEFLOW_TEST_DATABASE=mongodb python3 run.py test tests/integration

One server for all tests of a process, started by the first who asks; a data directory has a database of its own there,
the same one as long as it is the same directory.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import os
import threading
from functools import cache
from pathlib import Path

import asyncpg

from proofs.mongo import Mongo
from proofs.postgres import Postgres

VARIABLE = "TELEFLOW_TEST_DATABASE"
KINDS = ("sqlite", "postgresql", "mongodb", "mongodb-alone")


def chosen() -> str:
    kind = os.environ.get(VARIABLE, "sqlite")
    if kind not in KINDS:
        raise RuntimeError(f"{VARIABLE} is one of {', '.join(KINDS)}")
    return kind


def settings_of(data: Path) -> dict[str, str]:
    """What names the database of a service with this data directory; nothing, where that is its own file."""
    kind = chosen()
    if kind == "sqlite":
        return {}
    return {"database_url": _url(kind, hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:20])}


@cache
def _url(kind: str, name: str) -> str:
    server = _server(kind)
    if isinstance(server, Mongo):
        return server.url(f"t{name}")
    # Callers have a loop of their own that runs.
    making = threading.Thread(target=lambda: asyncio.run(_create(server, f"t{name}")))
    making.start()
    making.join()
    return server.url(f"t{name}")


@cache
def _server(kind: str) -> Postgres | Mongo:
    server = Postgres() if kind == "postgresql" else Mongo(standalone=kind == "mongodb-alone")
    atexit.register(server.remove)
    return server.start()


async def _create(server: Postgres, name: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
