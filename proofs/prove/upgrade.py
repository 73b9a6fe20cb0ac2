"""A database is brought up to date, from the first released schema on, whole or not at all, whenever it is killed.

SIGKILL falls between the changes of the schema, on SQLite and on PostgreSQL; the rows that were there are there after
each kill and after the upgrade that ends. With `--database mongodb` or `mongodb-alone` it falls on that, also from
nothing on: MongoDB makes its indexes one by one, so what is killed is no schema yet, or the one before, is refused or
gone on with, and ends as the whole one.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from proofs import databases
from proofs.outcome import Outcome
from proofs.postgres import Postgres, new_database
from teleflow.kit.clock import SystemClock
from teleflow.storage.base.database import Standing
from teleflow.storage.mongo.database import HEAD as MONGO_HEAD
from teleflow.storage.mongo.migrating import STEPS, migrate
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.opening import open_database
from teleflow.storage.sql.migrations import HEAD, alembic_config

FIRST = "0001"
ROWS = 500


@dataclass(frozen=True, slots=True)
class Schemas:
    first: str
    head: str


SQL = Schemas(FIRST, HEAD)


@dataclass(frozen=True, slots=True)
class Scale:
    kills: int


SHORT = Scale(kills=4)
LONG = Scale(kills=1000)  # at each change of the schema


async def run(scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    if databases.chosen().startswith("mongodb"):
        await _judge_mongodb(outcome, scale, seed)
        standing = Schemas("1", MONGO_HEAD)
        outcome.fact("from schema to schema", f"{standing.first} → {standing.head}")
        await _judge(outcome, databases.chosen(), _fresh, scale, seed, standing)
        return outcome
    outcome.fact("from schema to schema", f"{FIRST} → {HEAD}")
    server = await asyncio.to_thread(Postgres().start)
    try:
        with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
            numbers = iter(range(1_000_000))
            folder = Path(made)
            await _judge(outcome, "SQLite", lambda: _sqlite(folder / f"{next(numbers)}.db"), scale, seed, SQL)
        await _judge(outcome, "PostgreSQL", lambda: _postgres(server), scale, seed, SQL)
    finally:
        await asyncio.to_thread(server.remove)
    return outcome


async def _sqlite(path: Path) -> str:
    return f"file:{path}"


async def _postgres(server: Postgres) -> str:
    return new_database(server)


async def _judge(
    outcome: Outcome, kind: str, new: Callable[[], Awaitable[str]], scale: Scale, seed: int, schemas: Schemas
) -> None:
    counted = await _made(await new())
    changes = int((await _upgraded(counted, 0))[1])
    at = range(1, changes + 1)
    if scale.kills < changes:
        at = sorted(random.Random(seed).sample(at, scale.kills))
    halves = lost = unsound = kills = 0
    for number in at:
        url = await _made(await new())
        before = (await _look(url)).rows
        code, _ = await _upgraded(url, number)
        kills += code == -9
        after = await _look(url)
        halves += after.schema != schemas.first
        lost += {name: after.rows.get(name) for name in before} != before
        if (await _upgraded(url, 0))[0]:
            unsound += 1
            continue
        ended = await _look(url)
        unsound += ended.schema != schemas.head or bool(await open_database(url).problems(lambda _: None))
        lost += {name: ended.rows.get(name) for name in before} != before
    outcome.exactly(f"{kind}: SIGKILLs, of {changes} changes", len(at), kills)
    outcome.exactly(f"{kind}: of them left a schema that is neither the old one nor the new one", 0, halves)
    outcome.exactly(f"{kind}: did not come to the new one afterwards, or not sound", 0, unsound)
    outcome.exactly(f"{kind}: rows lost", 0, lost)


async def _judge_mongodb(outcome: Outcome, scale: Scale, seed: int) -> None:
    """From nothing on."""
    changes = int((await _upgraded(await _fresh(), 0))[1])
    at = range(1, changes + 1)
    if scale.kills < changes:
        at = sorted(random.Random(seed).sample(at, scale.kills))
    kills = halves = unsound = 0
    for number in at:
        url = await _fresh()
        code, _ = await _upgraded(url, number)
        kills += code == -9
        left = await open_database(url).look()
        halves += left is not None and left.schema not in {None, *map(str, range(1, len(STEPS)))}
        if (await _upgraded(url, 0))[0]:
            unsound += 1
            continue
        unsound += not (await _look(url)).is_current or bool(await open_database(url).problems(lambda _: None))
    kind = f"{databases.chosen()}, from nothing"
    outcome.exactly(f"{kind}: SIGKILLs, of {changes} changes", len(at), kills)
    outcome.exactly(f"{kind}: of them left what says that it is the whole schema", 0, halves)
    outcome.exactly(f"{kind}: did not come to the whole one afterwards, or not sound", 0, unsound)


async def _fresh() -> str:
    url = await databases.fresh()
    if url is None:
        raise RuntimeError("no server was chosen")
    return url


async def _look(url: str) -> Standing:
    standing = await open_database(url).look()
    if standing is None:
        raise RuntimeError("there is no database")
    return standing


async def _upgraded(url: str, number: int) -> tuple[int | None, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proofs.killed_upgrade", url, str(number), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await child.communicate()
    return child.returncode, out.decode().strip()


async def _made(url: str) -> str:
    """A database as the first release left it, with rows in it."""
    if url.startswith("file:"):
        engine = create_engine(f"sqlite:///{url.removeprefix('file:')}")
        with engine.begin() as bound:
            _first(bound)
        engine.dispose()
        _keep_wal(url.removeprefix("file:"))
        return url
    if url.startswith("mongodb"):
        await _first_of_mongodb(url)
        return url
    remote = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with remote.begin() as far:
        await far.run_sync(_first)
    await remote.dispose()
    return url


async def _first_of_mongodb(url: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        await migrate(database, SystemClock(), steps=STEPS[:1])
        for name, docs in {
            "users": [
                {"_id": f"usr_{n}", "username": f"user{n}", "role": "user", "password_hash": "h", "created_at": n,
                 **dict.fromkeys(("telegram_phone", "telegram_api_id", "telegram_api_hash", "description"))}
                for n in range(ROWS)
            ],
            "webhooks": [
                {"_id": f"whk_{n}", "user_id": f"usr_{n}", "url": "https://x.example/", "types": "[]", "secret": b"s",
                 "policy": "default", "ordering": "none", "description": "", "active": 1, "created_at": n,
                 "updated_at": n, **dict.fromkeys(("session_ids", "headers", "old_secret", "old_secret_until",
                                                   "failing_since", "disabled_because"))}
                for n in range(ROWS)
            ],
            "webhook_deliveries": [
                {"_id": f"dlv_{n}", "webhook_id": f"whk_{n}", "user_id": f"usr_{n}", "event_id": f"evt_{n}",
                 "event_type": "message.received", "event_number": n, "state": "pending", "attempts": 1, "earlier": 0,
                 "due_at": n, "is_open": 1, "created_at": n,
                 **dict.fromkeys(("session_id", "order_key", "body", "ended_at", "status", "error", "duration_ms"))}
                for n in range(ROWS)
            ],
        }.items():  # fmt: skip
            await database[PREFIX + name].insert_many(docs)


def _keep_wal(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _first(bound: Connection) -> None:
    from alembic import command
    from sqlalchemy import MetaData

    config = alembic_config()
    config.attributes["connection"] = bound
    command.upgrade(config, FIRST)
    known = MetaData()
    known.reflect(bound)
    users: list[dict[str, Any]] = [
        {"id": f"usr_{n}", "username": f"user{n}", "role": "user", "password_hash": "h", "created_at": n}
        for n in range(ROWS)
    ]
    bound.execute(known.tables["users"].insert(), users)
    logs = [
        {"user_id": f"usr_{n}", "username": "u", "from_phone": "+1", "to_phone": "+2", "message": f"text {n}",
         "success": 1, "detail": "Message sent", "created_at": n}
        for n in range(ROWS)
    ]  # fmt: skip
    bound.execute(known.tables["send_log"].insert(), logs)
