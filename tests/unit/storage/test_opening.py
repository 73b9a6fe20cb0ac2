"""How a database is named, opened, locked and refused."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from teleflow.errors import SettingsError
from teleflow.kit.clock import SystemClock
from teleflow.kit.seal import Seal, SealBroken
from teleflow.model.sessions import Credentials, Session, SessionState
from teleflow.model.users import Role, User
from teleflow.storage import lock as lock_module
from teleflow.storage.base import Known
from teleflow.storage.lock import DataDirLock
from teleflow.storage.opening import open_storage
from teleflow.storage.sql.store import sqlite_path

KEY = "a sealing key for tests, forty letters.."


@pytest.fixture(scope="module")
def seal() -> Seal:
    return Seal(KEY)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:./x.db", "./x.db"),
        ("file:x.db", "x.db"),
        ("file:/abs/x.db", "/abs/x.db"),
        ("file:///abs/x.db", "/abs/x.db"),
        ("file:./x.db?connection_limit=1", "./x.db"),
        ("file:./a%20b.db", "a b.db"),
        ("sqlite:///x.db", "x.db"),
        ("sqlite:////abs/x.db", "/abs/x.db"),
        ("sqlite+aiosqlite:///./x.db", "./x.db"),
        ("sqlite+aiosqlite:////abs/x.db", "/abs/x.db"),
    ],
)
def test_the_forms_of_a_file(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("postgresql://ann:hunter2hunter2@host", ["DATABASE_URL", "name the database"]),
        ("postgresql+asyncpg://ann:hunter2hunter2@host:port/db", ["DATABASE_URL", "postgresql://user"]),
        ("mongodb://ann:hunter2hunter2@host", ["MONGO_URI", "name a database"]),
        ("mongodb+srv://ann:hunter2hunter2@host", ["MONGO_URI", "name a database"]),
        ("mongodb://ann:hunter2hunter2@host:port/db", ["MONGO_URI", "form"]),
        ("mysql://ann:hunter2hunter2@host/db", ["DATABASE_URL", "form"]),
        ("sqlite://", ["DATABASE_URL"]),
        ("sqlite:///:memory:", ["DATABASE_URL", "in-memory"]),
        ("file:", ["DATABASE_URL"]),
        ("hunter2hunter2", ["DATABASE_URL"]),
    ],
)
def test_what_cannot_be_had_is_refused_by_the_variables_name(url: str, names: list[str], seal: Seal) -> None:
    with pytest.raises(SettingsError) as raised:
        open_storage(url, seal, SystemClock())
    for name in names:
        assert name in raised.value.message
    assert "hunter2" not in raised.value.message


async def refusal(path: Path, seal: Seal) -> str:
    with pytest.raises(SettingsError) as raised:
        await open_storage(f"file:{path}", seal, SystemClock()).start()
    assert "\n" not in raised.value.message
    return raised.value.message


async def make(path: Path, seal: Seal) -> None:
    storage = open_storage(f"file:{path}", seal, SystemClock())
    await storage.start()
    await storage.stop()


async def test_files_and_new_directories_are_their_owners_alone(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "new" / "deep" / "x.db"
    storage = open_storage(f"file:{path}", seal, SystemClock())
    await storage.start()
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    await storage.stop()
    assert modes == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_another_key_refuses_the_start_and_names_the_variable(tmp_path: Path, seal: Seal) -> None:
    await make(tmp_path / "x.db", seal)
    message = await refusal(tmp_path / "x.db", Seal("another key, forty letters too, and so.."))
    assert "SESSION_ENCRYPTION_KEY" in message
    await make(tmp_path / "x.db", seal)


async def test_a_newer_schema_is_refused(tmp_path: Path, seal: Seal) -> None:
    await make(tmp_path / "x.db", seal)
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("UPDATE schema_version SET version_num = '9999'")
        connection.commit()
    message = await refusal(tmp_path / "x.db", seal)
    assert "9999" in message
    assert "newer" in message


async def test_another_programs_database_is_refused_untouched(tmp_path: Path, seal: Seal) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
        connection.commit()
    assert "another program" in await refusal(tmp_path / "x.db", seal)
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, seal: Seal) -> None:
    (tmp_path / "x.db").write_bytes(b"this is a letter, not a database. " * 100)
    assert "DATABASE_URL" in await refusal(tmp_path / "x.db", seal)
    (tmp_path / "folder.db").mkdir()
    assert "DATABASE_URL" in await refusal(tmp_path / "folder.db", seal)
    (tmp_path / "file").write_text("")
    assert "DATABASE_URL" in await refusal(tmp_path / "file" / "x.db", seal)


async def test_a_sealed_secret_opens_in_its_own_row_only(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "x.db"
    storage = open_storage(f"file:{path}", seal, SystemClock())
    await storage.start()
    for name in ("a", "b"):
        await storage.add_user(User(f"usr_{name}", name, Role.USER, "hash", None, None, f"api {name}", None, 1))
        await storage.add_session(
            Session(f"ses_{name}", f"usr_{name}", name, "+1", SessionState.NEW, None, 1, False, None, None, 1, None)
        )
        await storage.save_credentials(f"ses_{name}", Credentials(2, "h", 1, name.encode() * 256, 0, 1, f"api {name}"))
        await storage.put_phone_lookup(f"ses_{name}", "+1", Known(5, 77), now=1)
    with contextlib.closing(sqlite3.connect(path)) as thief:
        for column in ("auth_key", "api_hash"):
            thief.execute(
                f"UPDATE session_credentials SET {column} = "
                f"(SELECT {column} FROM session_credentials WHERE session_id = 'ses_a') WHERE session_id = 'ses_b'"
            )
            thief.commit()
            with pytest.raises(SealBroken):
                await storage.credentials("ses_b")
            await storage.save_credentials("ses_b", Credentials(2, "h", 1, b"b" * 256, 0, 1, "api b"))
        thief.execute(
            "UPDATE peers SET access_hash = (SELECT access_hash FROM peers WHERE session_id = 'ses_a') "
            "WHERE session_id = 'ses_b'"
        )
        thief.execute(
            "UPDATE users SET telegram_api_hash = (SELECT telegram_api_hash FROM users WHERE id = 'usr_a') "
            "WHERE id = 'usr_b'"
        )
        thief.commit()
    with pytest.raises(SealBroken):
        await storage.phone_lookup("ses_b", "+1")
    with pytest.raises(SealBroken):
        await storage.user("usr_b")
    assert await storage.user("usr_a") is not None
    assert await storage.credentials("ses_b") == Credentials(2, "h", 1, b"b" * 256, 0, 1, "api b")
    await storage.stop()


def test_a_data_directory_serves_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with DataDirLock(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(SettingsError) as raised:
            DataDirLock(folder).acquire()
        assert "TELEFLOW_DATA_DIR" in raised.value.message
        assert str(os.getpid()) in raised.value.message
    with DataDirLock(folder) as lock:
        lock.acquire()


async def test_who_looks_is_waited_for_and_refuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    assert not DataDirLock(folder).is_held()
    assert not folder.exists()
    with DataDirLock(folder):
        assert DataDirLock(folder).is_held()
        monkeypatch.setattr(lock_module, "PATIENCE_S", 0.0)
        with pytest.raises(SettingsError, match="another TeleFlow is running"):
            await DataDirLock(folder).take(SystemClock())
    assert not DataDirLock(folder).is_held()
    monkeypatch.undo()

    looking = os.open(folder / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not DataDirLock(folder).is_held(), "who looks does not see others who do"

    class Done(SystemClock):
        async def sleep(self, seconds: float) -> None:
            fcntl.flock(looking, fcntl.LOCK_UN)

    service = DataDirLock(folder)
    await service.take(Done())
    os.close(looking)
    assert DataDirLock(folder).is_held()
    service.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from teleflow.storage.lock import DataDirLock\n"
        "DataDirLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(SettingsError) as raised:
        DataDirLock(tmp_path).acquire()
    assert str(holder.pid) in raised.value.message
    holder.kill()
    holder.wait(10)
    with DataDirLock(tmp_path):
        pass


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as raised:
        DataDirLock(tmp_path / "file" / "data").acquire()
    assert "TELEFLOW_DATA_DIR" in raised.value.message
