"""A backup takes the place of a file that is damaged: that is what it was made for."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from teleflow.config import Settings, load_settings
from teleflow.errors import Conflict, SettingsError
from teleflow.kit.seal import Seal
from teleflow.ops import databases as ops
from teleflow.storage.copies import InstallationLock
from teleflow.storage.opening import open_storage

from .complete import INSTALLATION, complete
from .rig import KEY, SetClock

# Only root can give a folder away: for anybody else "the folder's owner" is who they are.
OWNER = (1234, 4321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


@pytest.fixture
def database() -> str:
    return "sqlite"


def quiet(_: str) -> None:
    pass


@pytest.fixture
async def settings(url: str, tmp_path: Path, seal: Seal, clock: SetClock) -> Settings:
    """With a database, and a backup of it."""
    found = load_settings(
        {"DATABASE_URL": url, "TELEFLOW_DATA_DIR": str(tmp_path / "data"), "SESSION_ENCRYPTION_KEY": KEY}
    )
    storage = open_storage(url, seal, clock)
    await storage.start()
    await complete(storage, seal)
    await storage.stop()
    await ops.backup(found, tmp_path / "good.db", quiet)
    return found


def header(data: bytes) -> bytes:
    return b"\0" * 100 + data[100:]


def tables(data: bytes) -> bytes:
    return data[:100] + b"\xff" * 8_000 + data[8_100:]


def truncated(data: bytes) -> bytes:
    return data[:5_000]


def emptied(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [header, tables, truncated, emptied])
async def test_a_damaged_file_is_kept_aside(
    settings: Settings, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "data" / "teleflow.db"
    spoilt = damage(path.read_bytes())
    path.write_bytes(spoilt)
    aside = await ops.restore(settings, tmp_path / "good.db", quiet)
    assert aside is not None
    assert aside.name.startswith("teleflow.db.before-")
    assert aside.read_bytes() == spoilt
    assert (await ops.look(settings)).installation == INSTALLATION
    assert await ops.check(settings, quiet) == []
    others = [each.name for each in path.parent.glob("teleflow.db*") if each != path]
    assert [name for name in others if not name.startswith(aside.name)] == []


async def test_what_a_service_has_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "data" / "teleflow.db").read_bytes()
    with InstallationLock(INSTALLATION), pytest.raises(Conflict) as raised:
        await ops.restore(settings, tmp_path / "good.db", quiet)
    assert raised.value.code == "IN_USE"
    assert (tmp_path / "data" / "teleflow.db").read_bytes() == before


async def test_what_root_puts_in_place_is_the_services_own(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "data" / "teleflow.db"
    for each in (path.parent, *path.parent.iterdir()):
        os.chown(each, *OWNER)
    await ops.restore(settings, tmp_path / "good.db", quiet)
    assert await ops.check(settings, quiet) == []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM stream_tickets")
        connection.commit()
        made = sorted(path.parent.glob("**/*"))
        assert {each.name for each in made} >= {"teleflow.db", "teleflow.db-wal", "teleflow.db-shm", "lock"}
        assert [each for each in made if (each.stat().st_uid, each.stat().st_gid) != OWNER] == []


async def test_a_file_of_a_newer_program_is_told_and_not_the_database(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "good.db")) as connection:
        connection.execute("UPDATE schema_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(SettingsError) as raised:
        await ops.restore(settings, tmp_path / "good.db", quiet)
    assert raised.value.message.startswith(f"{tmp_path / 'good.db'}: the database has schema 9999")
