"""Bringing a PostgreSQL database to this program's schema, at every start.

One transaction from the first step to the last, under an advisory lock: DDL is transactional there, so that a killed
migration leaves the schema as it was, and of two programs that start together one waits.
"""

from __future__ import annotations

import asyncio
from functools import partial

import asyncpg
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from teleflow.errors import SettingsError
from teleflow.storage.sql.migrations import HEAD, TABLE, check_known, run_alembic
from teleflow.storage.sql.postgres import connection as c

_LOCK = 0x7E1EF10  # any number that is ours
_MIGRATION_S = 600.0


async def migrate(url: URL) -> None:
    """Bring this database to HEAD. Raises SettingsError."""
    async with asyncio.timeout(c.CONNECT_S):
        connection = await c.connect(url)
    try:
        known = await connection.fetchval("SELECT to_regclass($1)", TABLE)
        if known is not None and await connection.fetchval(f"SELECT version_num FROM {TABLE}") == HEAD:  # noqa: S608
            return  # the usual start: the migration tool is not even imported
    except asyncpg.PostgresError as error:
        raise SettingsError(f"DATABASE_URL: the database can't be read: {error}") from error
    finally:
        connection.terminate()
    # Connected to by us: SQLAlchemy would give the driver what stands in the URL in its own way.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(_connected, url), poolclass=NullPool)
    try:
        async with asyncio.timeout(_MIGRATION_S), engine.begin() as bound:
            await bound.run_sync(_upgrade)
    except DBAPIError as error:
        raise SettingsError(f"DATABASE_URL: the schema can't be brought up to date: {error.orig}") from error
    finally:
        await engine.dispose()


async def _connected(url: URL) -> c.Connection:
    return await c.opened(dsn=c.dsn(url), timeout=c.CONNECT_S)


def _upgrade(bound: SyncConnection) -> None:
    bound.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = None
    if bound.execute(text("SELECT to_regclass(:name)"), {"name": TABLE}).scalar() is not None:
        found = bound.execute(text(f"SELECT version_num FROM {TABLE}")).scalar()  # noqa: S608 - a constant
    tables = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
    check_known(found, holds_tables=bound.execute(text(tables)).scalar() is not None)
    if found != HEAD:
        run_alembic(bound)
