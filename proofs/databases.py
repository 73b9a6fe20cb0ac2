"""Which database the gateways of a proof have: SQLite in their directories, or one on a server that is started here.

The server's databases are told apart by the data directories: whoever runs in the same directory again finds the same.
Servers wait for the disk, as SQLite does.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import sqlite3
from pathlib import Path
from typing import Any, Protocol

SQLITE = "sqlite"
NAMES = (SQLITE, "postgresql", "mongodb", "mongodb-alone")


class Server(Protocol):
    """Databases by name."""

    def url(self, name: str) -> str: ...

    async def make(self, name: str) -> None: ...

    async def copy(self, source: str, target: str) -> None: ...

    async def open_jobs(self, name: str) -> int: ...

    @property
    def pid(self) -> int: ...

    def remove(self) -> None:
        """It ends, and all that it stored with it."""


class _Postgres:
    def __init__(self) -> None:
        from proofs.postgres import Postgres

        self._server = Postgres(durable=True).start()
        atexit.register(self._server.remove)

    def remove(self) -> None:
        atexit.unregister(self._server.remove)
        self._server.remove()

    @property
    def pid(self) -> int:
        return self._server.pid

    def url(self, name: str) -> str:
        return self._server.url(name)

    async def make(self, name: str) -> None:
        await self._ask("postgres", f"CREATE DATABASE {name}")

    async def copy(self, source: str, target: str) -> None:
        await asyncio.to_thread(self._server.copy, source, target)

    async def open_jobs(self, name: str) -> int:
        return int(await self._ask(name, "SELECT count(*) FROM send_jobs WHERE is_open = 1"))

    async def _ask(self, name: str, sql: str) -> Any:
        import asyncpg

        connection = await asyncpg.connect(self._server.url(name))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


class _Mongo:
    def __init__(self, *, standalone: bool) -> None:
        from proofs.mongo import Mongo

        self._server = Mongo(standalone=standalone, durable=True).start()
        atexit.register(self._server.remove)

    def remove(self) -> None:
        atexit.unregister(self._server.remove)
        self._server.remove()

    @property
    def pid(self) -> int:
        return self._server.pid

    def url(self, name: str) -> str:
        return self._server.url(name)

    async def make(self, name: str) -> None:
        """It is there once something is in it."""

    async def copy(self, source: str, target: str) -> None:
        await asyncio.to_thread(self._copy, source, target)

    async def open_jobs(self, name: str) -> int:
        return await asyncio.to_thread(self._open_jobs, name)

    def _copy(self, source: str, target: str) -> None:
        from pymongo import MongoClient

        with MongoClient[dict[str, Any]](self._server.url(source)) as client:
            for collection in client[source].list_collection_names():
                client[target].create_collection(collection)
                for index in client[source][collection].list_indexes():
                    options = {key: value for key, value in index.items() if key not in {"v", "ns", "key"}}
                    if index["name"] != "_id_":
                        client[target][collection].create_index(list(index["key"].items()), **options)
                documents = list(client[source][collection].find())
                if documents:
                    client[target][collection].insert_many(documents)

    def _open_jobs(self, name: str) -> int:
        from pymongo import MongoClient

        with MongoClient[dict[str, Any]](self._server.url(name)) as client:
            return client[name]["tf_send_jobs"].count_documents({"is_open": 1})


_names: dict[Path, str] = {}
_running: dict[str, Server] = {}
_numbers = itertools.count(1)
_servers: list[Server] = []  # the one that was chosen; none for SQLite


def choose(name: str, *, anew: bool = False) -> int | None:
    """All gateways from now on have this one. Starts its server, where it does not run; the server's pid.

    `anew`: a server that runs is ended first, and nobody may be using it.
    """
    _servers.clear()
    if anew and name in _running:
        _running.pop(name).remove()
    if name == SQLITE:
        return None
    if name not in _running:
        _running[name] = _Postgres() if name == "postgresql" else _Mongo(standalone=name == "mongodb-alone")
    _servers.append(_running[name])
    return _running[name].pid


def chosen() -> str:
    return next((name for name, server in _running.items() if server in _servers), SQLITE)


def where() -> tuple[str, int]:
    """Which one is chosen, and a number that no other server of its kind has."""
    return chosen(), next((server.pid for server in _servers), 0)


def settings(data_dir: Path) -> dict[str, str]:
    """What a gateway in this directory is told of its database."""
    given: dict[str, str] = {}
    for server in _servers:
        given["DATABASE_URL"] = server.url(_named(server, data_dir))
    return given


def url(data_dir: Path) -> str:
    """What names the database of the gateway in this directory (`proofs.rows`)."""
    for server in _servers:
        return server.url(_named(server, data_dir))
    return f"file:{data_dir / 'teleflow.db'}"


async def fresh() -> str | None:
    """The URL of one more database on the server that was chosen; None: there is none."""
    for server in _servers:
        name = f"fresh{next(_numbers)}"
        await server.make(name)
        return server.url(name)
    return None


def copy(source: Path, target: Path) -> None:
    """The directory `target` is a copy of `source`, which may be in use: its database is to be one too."""
    for server in _servers:
        _names[target] = f"proof{len(_names) + 1}"
        _run(server.copy(_names[source], _names[target]))


async def open_jobs(data_dir: Path) -> tuple[int, bool]:
    """How many jobs have not ended, and whether the database is sound, where it can be asked."""
    for server in _servers:
        return await server.open_jobs(_names[data_dir]), True
    database = sqlite3.connect(f"file:{data_dir / 'teleflow.db'}?mode=ro", uri=True)
    try:
        count = database.execute("SELECT count(*) FROM send_jobs WHERE is_open").fetchone()[0]
        return count, database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    finally:
        database.close()


def _named(server: Server, data_dir: Path) -> str:
    if data_dir not in _names:
        _names[data_dir] = f"proof{len(_names) + 1}"
        _run(server.make(_names[data_dir]))
    return _names[data_dir]


def _run(work: Any) -> None:
    """Beside the loop that may be running here."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, work).result()
