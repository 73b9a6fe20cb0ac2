"""Backups of every database: whole under their names or not there, whatever was left by one that failed."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import tempfile
from pathlib import Path

import pytest

from teleflow.config import Settings, load_settings
from teleflow.errors import Conflict, Invalid
from teleflow.kit import files
from teleflow.kit.seal import Seal
from teleflow.ops import copying
from teleflow.ops import databases as ops
from teleflow.storage.opening import open_database, open_storage

from .complete import complete
from .rig import KEY, SetClock


def quiet(_: str) -> None:
    pass


@pytest.fixture
async def settings(url: str, tmp_path: Path, seal: Seal, clock: SetClock) -> Settings:
    storage = open_storage(url, seal, clock)
    await storage.start()
    await complete(storage, seal)
    await storage.stop()
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    return load_settings({"DATABASE_URL": url, "TELEFLOW_DATA_DIR": str(folder), "SESSION_ENCRYPTION_KEY": KEY})


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "data"}


async def test_what_a_killed_one_left_is_in_nobodys_way(settings: Settings, tmp_path: Path) -> None:
    left = open_database(f"file:{tmp_path / 'b.db.copying'}")
    await copying.copied_between(open_database(settings.database), left, "a backup that did not end", quiet)
    for name in ("b.db.copying-wal", "b.db.copying-journal", "b.db.part", "b.db.part-journal"):
        (tmp_path / name).write_bytes(b"left" * 1_000)
    if settings.database.startswith("file:"):  # it needs none of these
        for path in [tmp_path / "b.db.copying", *(tmp_path / f"b.db.copying{end}" for end in ("-wal", "-journal"))]:
            path.unlink()
    assert await ops.backup(settings, tmp_path / "b.db", quiet) > 0
    assert made(tmp_path) == {"b.db"}
    copy = open_database(f"file:{tmp_path / 'b.db'}")
    assert await copy.problems(quiet) == []


async def test_a_name_that_is_taken_is_refused_before_anything_is_read(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("somebody's")
    told: list[str] = []
    with pytest.raises(Conflict) as raised:
        await ops.backup(settings, tmp_path / "b.db", told.append)
    assert raised.value.code == "BACKUP_EXISTS"
    assert told == []
    assert made(tmp_path) == {"b.db"}


async def test_of_two_at_once_one_is_refused(settings: Settings, tmp_path: Path) -> None:
    to = tmp_path / "b.db"
    ended = await asyncio.gather(
        *(ops.backup(settings, to, quiet) for _ in range(2)), return_exceptions=True
    )  # on SQLite the second one begins when the first one is done
    (refused,) = [each for each in ended if isinstance(each, BaseException)]
    assert isinstance(refused, Conflict)
    assert refused.code == ("BACKUP_EXISTS" if settings.database.startswith("file:") else "BACKUP_RUNNING")
    assert made(tmp_path) == {"b.db"}
    with files.locked(tmp_path / "c.db.part"), pytest.raises(Conflict) as raised:
        await ops.backup(settings, tmp_path / "c.db", quiet)
    assert raised.value.code == "BACKUP_RUNNING"


async def test_one_that_cannot_be_written_names_its_file_and_leaves_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(Invalid) as raised:
        await ops.backup(settings, tmp_path / "b.db", quiet)
    assert raised.value.code == "BACKUP_NOT_WRITTEN"
    assert raised.value.message == f"{tmp_path / 'b.db'} can't be written: No space left on device"
    assert made(tmp_path) == set()


async def test_where_a_file_has_but_one_name_it_is_made_and_restored_all_the_same(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)  # as vfat answers
    await ops.backup(settings, tmp_path / "b.db", quiet)
    assert made(tmp_path) == {"b.db"}
    assert await open_database(f"file:{tmp_path / 'b.db'}").problems(quiet) == []
    with pytest.raises(Conflict):
        await ops.backup(settings, tmp_path / "b.db", quiet)
    if not settings.database.startswith("file:"):
        return
    before = (await ops.look(settings)).rows
    asides = [await ops.restore(settings, tmp_path / "b.db", quiet) for _ in range(2)]
    for aside in asides:
        assert aside is not None
        there = await open_database(f"file:{aside}").look()
        assert there is not None
        assert there.rows == before
    assert len(set(asides)) == 2


async def test_it_needs_no_room_but_beside_its_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))  # as full as can be
    await ops.backup(settings, tmp_path / "b.db", quiet)
    empty = settings.model_copy(update={"database_url": f"file:{tmp_path / 'other' / 'c.db'}"})
    await ops.copy_to(settings, empty.database, quiet)
    assert made(tmp_path) == {"b.db", "other"}


async def test_a_full_disk_is_told_in_one_line(settings: Settings, tmp_path: Path) -> None:
    on_mongo = settings.database.startswith("mongodb")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_048 if on_mongo else 65_536, hard))
    try:
        with pytest.raises(Invalid) as raised:
            await ops.backup(settings, tmp_path / "b.db", quiet)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.code == ("TEMPORARY_NOT_WRITTEN" if on_mongo else "BACKUP_NOT_WRITTEN")
    assert str(tmp_path) in raised.value.message
    assert "\n" not in raised.value.message
    assert made(tmp_path) == set()
    assert await ops.backup(settings, tmp_path / "b.db", quiet) > 0


async def test_a_name_that_no_file_can_have_is_told_of_the_backup(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as raised:
        await ops.backup(settings, tmp_path / ("x" * 300), quiet)
    assert raised.value.code == "BACKUP_NOT_WRITTEN"
