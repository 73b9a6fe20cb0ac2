"""`teleflow db` on MongoDB, as processes; what the port does there is told in the tests of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.mongo import Mongo
from tests.support.program import running

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
