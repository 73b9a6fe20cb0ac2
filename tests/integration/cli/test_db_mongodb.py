"""`teleflow db` on MongoDB, as processes; what the port does there is told in the tests of the contract."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.mongo import Mongo
from tests.support.program import environment, running

from .test_db import NETWORK, db, refused, users


@pytest.fixture(scope="module")
def server() -> Iterator[Mongo]:
    server = Mongo(standalone=True).start()
    try:
        yield server
    finally:
        server.remove()


def test_it_is_looked_at_backed_up_restored_and_moved(server: Mongo, tmp_path: Path) -> None:
    here = {"DATABASE_URL": server.url("here")}
    there = {"DATABASE_URL": server.url("there")}
    refused(db(tmp_path, "status", **here), 5, "no database yet")
    with running(["serve"], tmp_path, {**NETWORK, **here}) as service:
        service.line()
        told = db(tmp_path, "status", **here).stdout
        assert told.startswith("MongoDB ")
        assert ", served" in told
        assert "           1  users" in told
        assert db(tmp_path, "check", **here).stdout == "sound\n"
        done = db(tmp_path, "backup", "backup.db", **here)
        assert done.returncode == 0, done.stderr
        refused(db(tmp_path, "restore", "--yes", "backup.db", **here), 6, "stop it")
        refused(db(tmp_path, "copy", "--to", there["DATABASE_URL"], **here), 6, "stop it")
    assert users(tmp_path / "backup.db") == ["admin"]
    refused(db(tmp_path, "restore", "--yes", "backup.db", **here), 6, "name an empty one")
    done = db(tmp_path, "restore", "--yes", "backup.db", **there)
    assert done.returncode == 0, done.stderr
    assert db(tmp_path, "check", **there).stdout == "sound\n"
    assert db(tmp_path, "copy", "--to", "file:./back.db", **there).returncode == 0
    assert users(tmp_path / "back.db") == ["admin"]
    with running(["serve"], tmp_path, {**NETWORK, **there}) as service:
        assert "listens at" in service.line()
        assert service.stop() == 0
        assert "First admin" not in "".join(service.rest())


def test_a_certificate_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    url = "mongodb://u:pa55word@127.0.0.1:1/x?tls=true&tlsCAFile=/nowhere/ca.pem"
    done = db(tmp_path, "status", DATABASE_URL=url)
    refused(done, 2, "a file that it names can't be read")
    assert "pa55word" not in done.stderr


def test_a_user_is_not_removed_behind_the_back_of_a_service_on_another_host(server: Mongo, tmp_path: Path) -> None:
    shared = {
        "DATABASE_URL": server.url("shared"),
        "SESSION_ENCRYPTION_KEY": "one key for both hosts, long enough of it",
    }
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there / "data"):
        folder.mkdir(parents=True)
    with running(["serve"], here, {**NETWORK, **shared}) as service:
        service.line()
        assert user(there, "create", "john", **shared).returncode == 0
        done = user(there, "delete", "john", "--yes", "--url", "http://127.0.0.1:9", **shared)
        assert done.returncode == 9, "it asks the service, which has the account's keys"
        assert "john" in user(there, "list", **shared).stdout
    assert user(there, "delete", "john", "--yes", **shared).stdout == "john is removed\n"
    assert "john" not in user(there, "list", **shared).stdout


def user(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "user", *arguments], capture_output=True, text=True, timeout=90,
        cwd=folder, env=environment({"TELEFLOW_PASSWORD": "a long password", **settings}, folder), check=False,
    )  # fmt: skip
