"""The port of operators, on every database: looked at, upgraded, held, and refused when a newer program was there."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pymongo import MongoClient

from teleflow.config import Settings, load_settings
from teleflow.errors import Conflict, Kind, SettingsError
from teleflow.kit.seal import Seal
from teleflow.ops import databases as ops
from teleflow.ops.opened import is_served
from teleflow.storage.copies import InstallationLock
from teleflow.storage.mongo.lease import Lease
from teleflow.storage.opening import open_database, open_storage
from teleflow.storage.sql.postgres.hold import Hold

from .complete import INSTALLATION, complete
from .rig import KEY, SetClock


def quiet(_: str) -> None:
    pass


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    return load_settings({"DATABASE_URL": url, "TELEFLOW_DATA_DIR": str(folder), "SESSION_ENCRYPTION_KEY": KEY})


async def test_it_is_looked_at_without_being_changed(url: str, seal: Seal, clock: SetClock) -> None:
    database = open_database(url)
    before = await database.look()
    assert before is None or not any(before.rows.values())
    await database.upgrade()
    fresh = await database.look()
    assert fresh is not None
    assert fresh.is_current
    assert (fresh.incomplete, fresh.installation, fresh.checks) == (None, None, frozenset())
    storage = open_storage(url, seal, clock)
    await storage.start()
    await complete(storage, seal)
    await storage.stop()
    there = await database.look()
    assert there is not None
    assert there.size > 0
    assert (there.installation, there.checks) == (INSTALLATION, seal.checks)
    assert min(there.rows.values()) > 0
    assert list(there.rows) == list(fresh.rows)
    assert await database.problems(quiet) == []
    again = await database.look()
    assert again is not None
    assert replace(again, size=there.size) == there, "its size is the server's matter: it tidies up by itself"


async def test_a_newer_programs_database_is_left_alone(
    url: str, settings: Settings, seal: Seal, clock: SetClock, tmp_path: Path
) -> None:
    database = open_database(url)
    await database.upgrade()
    good = tmp_path / "good.db"
    await open_database(f"file:{good}").upgrade()
    await asyncio.to_thread(make_newer, url)

    async def started() -> None:
        await open_storage(url, seal, clock).start()

    acts: Mapping[str, Callable[[], Awaitable[Any]]] = {
        "serve": started,
        "status": lambda: ops.look(settings),
        "check": lambda: ops.check(settings, quiet),
        "upgrade": lambda: ops.upgrade(settings),
        "backup": lambda: ops.backup(settings, tmp_path / "b.db", quiet),
        "copy from": lambda: ops.copy_to(settings, f"file:{tmp_path / 'c.db'}", quiet),
        "restore": lambda: ops.restore(settings, good, quiet),
    }
    for name, act in acts.items():
        if name == "restore" and url.startswith("file:"):
            continue  # what was there is kept aside, see below
        with pytest.raises(SettingsError) as raised:
            await act()
        assert "9999" in raised.value.message, name
        assert "newer" in raised.value.message, name
        assert "\n" not in raised.value.message
    source = tmp_path / "source.db"
    other = settings.model_copy(update={"database_url": f"file:{source}"})
    await open_database(f"file:{source}").upgrade()
    with pytest.raises(SettingsError) as raised:
        await ops.copy_to(other, url, quiet)
    assert "newer" in raised.value.message
    if url.startswith("file:"):
        aside = await ops.restore(settings, good, quiet)
        assert aside is not None
        assert (await ops.look(settings)).is_current
        assert schema_of(aside) == "9999"


async def test_who_looks_whether_it_is_served_is_in_no_services_way(
    url: str, settings: Settings, seal: Seal, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = open_storage(url, seal, clock)
    await service.start()
    installation = await service.remember("installation", INSTALLATION)
    assert not await is_served(settings)
    assert not (settings.teleflow_data_dir / "lock").exists()
    with InstallationLock(installation):
        await service.hold(lambda: None)

        def nothing_is_taken(*_: object, **__: object) -> None:
            raise AssertionError

        for each in (Hold, Lease):
            monkeypatch.setattr(each, "take", nothing_is_taken)
        assert await is_served(settings)
        await service.stop()
    assert not await is_served(settings)


def schema_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM schema_version").fetchone()[0])


def make_newer(url: str) -> None:
    if url.startswith("file:"):
        with sqlite3.connect(url.removeprefix("file:")) as connection:
            connection.execute("UPDATE schema_version SET version_num = '9999'")
        connection.close()
    elif url.startswith("mongodb:"):
        with MongoClient[dict[str, Any]](url) as client:
            client.get_default_database()["tf_schema"].update_one({"_id": "version"}, {"$set": {"number": 9999}})
    else:
        asyncio.run(_postgres_newer(url))


async def _postgres_newer(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("UPDATE schema_version SET version_num = '9999'")
    finally:
        await connection.close()


async def test_an_older_backup_is_brought_up_to_date_where_it_is_put(
    url: str, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "old.db"
    await asyncio.to_thread(make_first, file)
    before = file.read_bytes()
    assert await ops.restore(settings, file, quiet) is None
    assert file.read_bytes() == before
    there = await open_database(url).look()
    assert there is not None
    assert there.is_current
    assert there.rows["users"] == 1
    if url.startswith("file:"):
        return  # what is there is kept aside
    with pytest.raises(Conflict) as raised:
        await ops.restore(settings, file, quiet)
    assert raised.value.code == "TARGET_NOT_EMPTY"


def make_first(path: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine

    from teleflow.storage.sql.migrations import alembic_config

    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as bound:
        config = alembic_config()
        config.attributes["connection"] = bound
        command.upgrade(config, "0001")
        bound.exec_driver_sql(
            "INSERT INTO users (id, username, role, password_hash, created_at) VALUES ('usr_1', 'ann', 'admin', 'h', 1)"
        )
    engine.dispose()


async def test_of_two_that_fill_it_at_once_one_is_refused(url: str) -> None:
    """The first one would take the mark from what the second has only begun to fill."""
    async with open_database(url).target() as first:
        await first.begin("a copy that did not end")
        with pytest.raises(Conflict) as refused:
            async with open_database(url).target():
                pytest.fail("two fill it")
        assert refused.value.code == "TARGET_IN_USE"
        there = await open_database(url).look()
        assert there is not None
        assert there.incomplete == "a copy that did not end"
    async with open_database(url).target() as again:
        await again.begin("another")


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("postgresql://ann:hunter2hunter2@127.0.0.1:1/db", Kind.UNAVAILABLE),
        ("mongodb://ann:hunter2hunter2@127.0.0.1:1/db", Kind.UNAVAILABLE),
        ("mysql://ann:hunter2hunter2@127.0.0.1/db", Kind.INVALID),
        ("file:/proc/nothing/t.db", Kind.INVALID),
    ],
)
async def test_what_is_wrong_with_the_other_one_is_not_told_of_this_one(
    settings: Settings, to: str, kind: Kind, seal: Seal, clock: SetClock
) -> None:
    storage = open_storage(settings.database, seal, clock)
    await storage.start()
    await storage.stop()
    with pytest.raises(SettingsError) as refused:
        await ops.copy_to(settings, to, quiet)
    assert refused.value.message.startswith("--to: ")
    assert refused.value.kind is kind
    assert "hunter2" not in refused.value.message
    assert "DATABASE_URL" not in refused.value.message
