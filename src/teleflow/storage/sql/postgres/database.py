"""One PostgreSQL database as its operator sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from teleflow.errors import Conflict, SettingsError
from teleflow.kit.clock import SystemClock
from teleflow.storage.base.database import Source, Standing, Target, in_use
from teleflow.storage.sql import schema as t
from teleflow.storage.sql import tables
from teleflow.storage.sql.migrations import HEAD, TABLE, check_known
from teleflow.storage.sql.postgres import connection as c
from teleflow.storage.sql.postgres.hold import Hold, is_held
from teleflow.storage.sql.postgres.migrating import migrate
from teleflow.storage.sql.postgres.text import stored
from teleflow.storage.sql.statement import Row
from teleflow.storage.sql.upkeep import INCOMPLETE

_FILLING = 0x7E1EF12  # beside that of the service
_STATEMENT_S = 3_600.0  # an operator waits for a large table
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_COLUMNS = """SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"""


class PostgresDatabase:
    def __init__(self, url: str) -> None:
        self._url = c.address(url)

    async def look(self) -> Standing | None:
        async with self._connected() as connection:
            return await _standing(connection)

    async def upgrade(self) -> None:
        async with self._connected():
            pass  # says why it can't be reached
        await migrate(self._url)

    async def problems(self, tell: Callable[[str], None]) -> list[str]:
        async with self._connected() as connection:
            found: dict[str, list[str]] = {}
            for name, column in await connection.fetch(_COLUMNS):
                found.setdefault(name, []).append(column)
            lines = tables.unlike(found)
            if lines:  # its keys can't be followed then
                return lines
            tx = _tx(connection)
            tell("following every key")
            for what, statement in tables.orphans():
                row = await tx.one(statement)
                if row is not None and row[0]:
                    lines.append(f"{row[0]} rows of {what} point at what is not there")
            return lines

    async def is_served(self) -> bool:
        async with self._connected() as connection:
            return await is_held(connection)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        hold = Hold(partial(c.connect, self._url), SystemClock())
        try:
            await hold.take(lambda: None)
        except SettingsError:
            yield False
            return
        try:
            yield True
        finally:
            await hold.release()

    @asynccontextmanager
    async def source(self, folder: Path | None = None) -> AsyncIterator[Source]:  # noqa: ARG002 - it keeps nothing
        async with (
            self._connected() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield _Rows(connection)

    @asynccontextmanager
    async def target(self) -> AsyncIterator[Target]:
        await self.upgrade()
        async with self._connected() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _FILLING):
                raise in_use()
            yield _Filled(connection)  # the server lets go of it with the connection

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[c.Connection]:
        given = c.options()
        given["command_timeout"] = _STATEMENT_S
        del given["server_settings"]["idle_in_transaction_session_timeout"]  # whoever reads may have a slow disk
        try:
            async with asyncio.timeout(c.CONNECT_S):
                connection = await c.opened(dsn=c.dsn(self._url), **given)
        except c.NO_CONNECTION as error:
            raise c.not_reached(error) from error
        try:
            yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise SettingsError(f"DATABASE_URL: PostgreSQL can't do this: {error}") from error
        finally:
            connection.terminate()


def _tx(connection: c.Connection) -> c.PostgresTx:
    tx = c.PostgresTx(c.dialect())
    tx.connection = connection
    return tx


class _Rows:
    def __init__(self, connection: c.Connection) -> None:
        self._connection = connection
        self._tx = _tx(connection)

    def tables(self) -> Mapping[str, Sequence[str]]:
        return tables.tables()

    async def count(self, table: str) -> int:
        row = await self._tx.one(tables.counting(table))
        return int(row[0]) if row else 0

    async def page(self, table: str, after: Row | None, limit: int) -> list[Row]:
        if after is None:
            return await self._tx.all(tables.first_page(table), most=limit)
        return await self._tx.all(tables.next_page(table), most=limit, **tables.place_after(table, after))


class _Filled(_Rows):
    async def begin(self, mark: str) -> None:
        standing = await _standing(self._connection)
        there = 0 if standing is None else sum(n for name, n in standing.rows.items() if name != t.facts.name)
        if standing is not None and standing.incomplete is None and (there or standing.installation is not None):
            raise Conflict("There is something in that database: name an empty one", code="TARGET_NOT_EMPTY")
        async with self._connection.transaction():
            await self._connection.execute(f"TRUNCATE {', '.join(tables.tables())}")
            await self._connection.execute("INSERT INTO facts (key, value) VALUES ($1, $2)", INCOMPLETE, mark)

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        kept = [tuple([stored(value) for value in row]) for row in rows]
        await self._connection.copy_records_to_table(table, records=kept, columns=list(tables.tables()[table]))

    async def finish(self) -> None:
        async with self._connection.transaction():
            for name in tables.tables():
                for key in tables.table(name).primary_key.columns:
                    of = await self._connection.fetchval("SELECT pg_get_serial_sequence($1, $2)", name, key.name)
                    if of is not None:  # the next row gets a number that nobody has
                        highest = f"SELECT setval($1::text::regclass, max({key.name})) FROM {name}"  # noqa: S608
                        await self._connection.execute(highest, of)
            await self._connection.execute("DELETE FROM facts WHERE key = $1", INCOMPLETE)
        await self._connection.execute("ANALYZE")


async def _standing(connection: c.Connection) -> Standing | None:
    names = {row[0] for row in await connection.fetch(_TABLES)}
    if not names:
        return None
    schema = None
    if TABLE in names:
        schema = await connection.fetchval(f"SELECT version_num FROM {TABLE}")  # noqa: S608 - a constant
    check_known(schema, holds_tables=True)
    facts = await connection.fetch("SELECT key, value FROM facts") if t.facts.name in names else []
    rows = {
        name: int(await connection.fetchval(f"SELECT count(*) FROM {name}"))  # noqa: S608 - names of our own
        for name in tables.tables()
        if name in names
    }
    version = await connection.fetchval("SHOW server_version")
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    return Standing(f"PostgreSQL {version}", schema, HEAD, size, rows, **tables.told_by([tuple(f) for f in facts]))
