"""What a database holds, read and changed behind the service's back: as somebody does who has got hold of it.

A database is named by its URL, and its tables as they are called in SQL. Rows are dicts of what is stored, with what
is sealed still sealed; where MongoDB has only `_id`, it is the row's `id`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import asyncpg
from pymongo import MongoClient

_MONGO_PREFIX = "tf_"
_OWN = "schema_version"  # of SQL's migrations; none of the service's


async def tables(url: str) -> list[str]:
    if _is_mongo(url):
        return await asyncio.to_thread(_mongo_tables, url)
    if _is_postgres(url):
        found = await _postgres(url, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    else:
        found = await asyncio.to_thread(_sqlite, url, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return [row["name"] for row in found if row["name"] != _OWN and not row["name"].startswith("sqlite_")]


async def rows(url: str, table: str) -> list[dict[str, Any]]:
    if _is_mongo(url):
        return await asyncio.to_thread(_mongo_rows, url, table)
    if _is_postgres(url):
        return await _postgres(url, f'SELECT * FROM "{table}"')
    return await asyncio.to_thread(_sqlite, url, f'SELECT * FROM "{table}"')


async def change(url: str, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Exactly one row is like `where`: else AssertionError."""
    if _is_mongo(url):
        count = await asyncio.to_thread(_mongo_change, url, table, where, values)
    else:
        sets, conditions = (_marks(url, names, start) for names, start in ((values, 1), (where, len(values) + 1)))
        text = f'UPDATE "{table}" SET {", ".join(sets)} WHERE {" AND ".join(conditions)}'
        count = await _done(url, text, [*values.values(), *where.values()])
    assert count == 1, f"{count} rows of {table}"


async def remove(url: str, table: str, where: Mapping[str, Any]) -> None:
    if _is_mongo(url):
        await asyncio.to_thread(_mongo_remove, url, table, where)
    else:
        await _done(url, f'DELETE FROM "{table}" WHERE {" AND ".join(_marks(url, where, 1))}', [*where.values()])


def _is_mongo(url: str) -> bool:
    return url.startswith("mongodb")


def _is_postgres(url: str) -> bool:
    return url.startswith("postgres")


def _marks(url: str, names: Mapping[str, Any], start: int) -> list[str]:
    return [f"{name} = ${number}" if _is_postgres(url) else f"{name} = ?" for number, name in enumerate(names, start)]


async def _done(url: str, text: str, values: list[Any]) -> int:
    if _is_postgres(url):
        connection = await asyncpg.connect(url)
        try:
            return int((await connection.execute(text, *values)).rpartition(" ")[2])
        finally:
            await connection.close()
    return await asyncio.to_thread(_sqlite_done, url, text, values)


async def _postgres(url: str, text: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(text)]
    finally:
        await connection.close()


def _sqlite(url: str, text: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"{url}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(text)]


def _sqlite_done(url: str, text: str, values: list[Any]) -> int:
    with closing(sqlite3.connect(url, uri=True, timeout=10)) as connection, connection:
        return connection.execute(text, values).rowcount


def _mongo_tables(url: str) -> list[str]:
    with _client(url) as client:
        names = client.get_default_database().list_collection_names()
    return [name.removeprefix(_MONGO_PREFIX) for name in names if name.startswith(_MONGO_PREFIX)]


def _mongo_rows(url: str, table: str) -> list[dict[str, Any]]:
    with _client(url) as client:
        return [{"id": doc["_id"], **doc} for doc in client.get_default_database()[_MONGO_PREFIX + table].find()]


def _mongo_change(url: str, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    with _client(url) as client:
        collection = client.get_default_database()[_MONGO_PREFIX + table]
        return collection.update_many(_named(where), {"$set": dict(values)}).matched_count


def _mongo_remove(url: str, table: str, where: Mapping[str, Any]) -> None:
    with _client(url) as client:
        client.get_default_database()[_MONGO_PREFIX + table].delete_many(_named(where))


def _named(where: Mapping[str, Any]) -> dict[str, Any]:
    return {"_id" if name == "id" else name: value for name, value in where.items()}


def _client(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, serverSelectionTimeoutMS=10_000)
