"""New databases on one server; on PostgreSQL each is a copy of one that has the schema already."""

from __future__ import annotations

import asyncio
import itertools

import asyncpg
from sqlalchemy.engine import make_url

from proofs.mongo import Mongo
from proofs.postgres import Postgres
from teleflow.storage.sql.postgres.migrating import migrate

_MODEL = "model"


class Databases:
    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._made = False

    def new(self) -> str:
        """The URL of an empty database with the schema."""
        name = f"db{next(self._numbers)}"
        asyncio.run(self._make(name))
        return self.server.url(name)

    async def _make(self, name: str) -> None:
        connection = await asyncpg.connect(self.server.url())
        try:
            if not self._made:
                await connection.execute(f"CREATE DATABASE {_MODEL}")
                await migrate(make_url(self.server.url(_MODEL)))
                self._made = True
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_MODEL} STRATEGY FILE_COPY")
        finally:
            await connection.close()


class MongoDatabases:
    def __init__(self, server: Mongo) -> None:
        self.server = server
        self._numbers = itertools.count(1)

    def new(self) -> str:
        """The URL of an empty database, without the schema: whoever opens it first makes that."""
        return self.server.url(f"db{next(self._numbers)}")
