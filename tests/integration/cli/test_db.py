"""`teleflow db` beside a running service and without one, as processes."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import environment, running

pytestmark = pytest.mark.database("sqlite")  # its file is backed up, spoilt and copied
NETWORK = {"HOST": "127.0.0.1", "PORT": "0"}


def db(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "db", *arguments], capture_output=True, text=True, timeout=90,
        cwd=folder, env=environment(settings, folder), check=False,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr.splitlines()[-1]


def users(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return sorted(name for (name,) in connection.execute("SELECT username FROM users"))


def make(folder: Path) -> None:
    with running(["serve"], folder, NETWORK) as service:
        service.line()


def test_a_backup_beside_the_service_and_back_again(tmp_path: Path) -> None:
    refused(db(tmp_path, "status"), 5, "no database yet")
    file = tmp_path / "backup.db"
    with running(["serve"], tmp_path, NETWORK) as service:
        service.line()
        told = db(tmp_path, "status").stdout
        assert ", served" in told
        assert "           1  users" in told
        assert db(tmp_path, "check").stdout == "sound\n"
        assert db(tmp_path, "upgrade").stdout.endswith("as before\n")
        assert db(tmp_path, "backup", "backup.db").returncode == 0
        refused(db(tmp_path, "backup", "backup.db"), 6, "name another file")
        refused(db(tmp_path, "backup", "nowhere/backup.db"), 2, "no directory")
        refused(db(tmp_path, "restore", "--yes", "backup.db"), 6, "stop it")
        refused(db(tmp_path, "copy", "--to", "file:./other.db"), 6, "stop it")
    assert file.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.glob("backup.db*")} == {"backup.db"}
    assert ", not served" in db(tmp_path, "status").stdout
    database = tmp_path / "data" / "teleflow.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE users SET username = 'mary'")
        connection.commit()
    done = db(tmp_path, "restore", "--yes", "backup.db")
    assert done.returncode == 0, done.stderr
    assert users(database) == ["admin"]
    (aside,) = database.parent.glob("teleflow.db.before-*")
    assert str(aside.name) in done.stdout
    assert users(aside) == ["mary"]
    make(tmp_path)


def test_what_is_no_backup_is_not_put_in_place(tmp_path: Path) -> None:
    make(tmp_path)
    assert db(tmp_path, "backup", "good.db").returncode == 0
    (tmp_path / "letter.db").write_text("this is a letter, not a database. " * 500)
    refused(db(tmp_path, "restore", "--yes", "letter.db"), 2, "not a database")
    refused(db(tmp_path, "restore", "--yes", "missing.db"), 2, "no backup")
    spoilt = bytearray((tmp_path / "good.db").read_bytes())
    spoilt[20] ^= 0xFF  # how much of each page is kept free: every page is wrong then, and one line tells of it
    (tmp_path / "spoilt.db").write_bytes(spoilt)
    refused(db(tmp_path, "restore", "--yes", "spoilt.db"), 2, "teleflow: spoilt.db is damaged: ")
    with contextlib.closing(sqlite3.connect(tmp_path / "good.db")) as connection:
        connection.execute("UPDATE schema_version SET version_num = '9999'")
        connection.commit()
    refused(db(tmp_path, "restore", "--yes", "good.db"), 2, "9999", "newer")
    with contextlib.closing(sqlite3.connect(tmp_path / "theirs.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    refused(db(tmp_path, "restore", "--yes", "theirs.db"), 2, "teleflow: theirs.db: ", "another program")
    assert users(tmp_path / "data" / "teleflow.db") == ["admin"]


def test_a_check_tells_what_is_wrong(tmp_path: Path) -> None:
    make(tmp_path)
    path = tmp_path / "data" / "teleflow.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO logins VALUES ('lgn_1', 'nobody', 1, 2)")
        connection.execute("UPDATE users SET telegram_api_hash = x'0102'")
        connection.commit()
    done = db(tmp_path, "check")
    assert done.returncode == 1
    assert "a row of logins" in done.stdout
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM logins")
        connection.commit()
    done = db(tmp_path, "check")
    assert done.returncode == 1
    assert "does not open: users.telegram_api_hash" in done.stdout
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE users SET telegram_api_hash = x''")
        connection.commit()
    done = db(tmp_path, "check")
    refused(done, 1, "not as it should be")
    assert "does not open: users.telegram_api_hash" in done.stdout
    elsewhere = {"TELEFLOW_DATA_DIR": "elsewhere", "DATABASE_URL": "file:./data/teleflow.db"}
    done = db(tmp_path, "check", **elsewhere)
    assert (done.returncode, "its key is not here" in done.stdout) == (1, True), done.stderr
    assert not (tmp_path / "elsewhere").exists(), "looking makes no key"


def test_a_copy_moves_the_installation_and_half_a_copy_is_served_by_nobody(tmp_path: Path) -> None:
    make(tmp_path)
    done = db(tmp_path, "copy", "--to", "file:./other.db")
    assert done.returncode == 0, done.stderr
    assert "compared" in done.stdout
    refused(db(tmp_path, "copy", "--to", "file:./other.db"), 6, "name an empty one")
    refused(db(tmp_path, "copy", "--to", "file:./data/teleflow.db"), 2, "same database")
    with running(["serve"], tmp_path, {**NETWORK, "DATABASE_URL": "file:./other.db"}) as service:
        assert "listens at" in service.line()
        assert service.stop() == 0
        assert "First admin" not in "".join(service.rest())
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("INSERT INTO facts VALUES ('incomplete', 'a copy that did not end')")
        connection.commit()
    served = subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "serve"], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env=environment({**NETWORK, "DATABASE_URL": "file:./other.db"}, tmp_path), check=False,
    )  # fmt: skip
    refused(served, 2, "not whole")
    again = db(tmp_path, "copy", "--to", "file:./other.db")
    assert again.returncode == 0, "one that was not finished begins again"
    assert users(tmp_path / "other.db") == ["admin"]
