"""`teleflow adopt` as a process: where its key comes from, and when it does not go on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from proofs import rows
from proofs.mongo import Mongo
from proofs.wire import until
from tests.support import databases, older_sender
from tests.support.program import environment, running
from tests.support.seed2 import OLD_KEY, OldGateway, gramjs

NETWORK = {"HOST": "127.0.0.1", "PORT": "0"}
API = {"TELEGRAM_API_ID": "1", "TELEGRAM_API_HASH": "h" * 32}


def adopt(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "adopt", "old.db", *arguments], capture_output=True, text=True,
        timeout=90, cwd=folder, env=environment({**API, **settings}, folder), check=False,
    )  # fmt: skip


def test_the_key_comes_from_a_file_or_the_environment_and_is_never_told(tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "shop", gramjs(2, "149.154.167.51", 443, b"k" * 256))
    old.key("ck1", f"tfb_{'a' * 64}", role="user")
    (tmp_path / "old.key").write_bytes(b"\xef\xbb\xbf" + OLD_KEY.encode() + b"\r\n")  # as Windows writes it
    with running(["serve"], tmp_path, NETWORK) as service:
        service.line()
        refused = adopt(tmp_path, "--key-file", "old.key")
        assert (refused.returncode, "stop it" in refused.stderr) == (6, True), refused.stderr
        dry = adopt(tmp_path, "--key-file", "old.key", "--dry-run")
        assert "would take 1 sessions" in dry.stdout, dry.stderr
    keyless = adopt(tmp_path)
    assert (keyless.returncode, "--key-file" in keyless.stderr) == (2, True)
    wrong = adopt(tmp_path, TELEFLOW_ADOPT_KEY="another key")
    assert (wrong.returncode, "opens none" in wrong.stderr) == (2, True)
    assert adopt(tmp_path, "--key", OLD_KEY).returncode == 2, "there is no such option"
    took = adopt(tmp_path, TELEFLOW_ADOPT_KEY=OLD_KEY)
    assert took.returncode == 0, took.stderr
    assert "took 1 sessions\ntook 1 API keys\n" in took.stdout
    again = adopt(tmp_path, "--key-file", "old.key")
    assert "took 0 sessions, 1 were here already" in again.stdout
    for done in (refused, dry, keyless, wrong, took, again):
        assert OLD_KEY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_it_may_be_the_first_thing_that_is_ever_done(tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "shop", gramjs(2, "149.154.167.51", 443, b"k" * 256))
    (tmp_path / "old.key").write_text(OLD_KEY)
    dry = adopt(tmp_path, "--key-file", "old.key", "--dry-run")
    assert (dry.returncode, "First admin" in dry.stdout) == (0, False), dry.stderr
    assert "would take 1 sessions" in dry.stdout
    assert not (tmp_path / "data").exists(), "a dry run makes no installation"
    wrong = adopt(tmp_path, TELEFLOW_ADOPT_KEY="another key")
    assert (wrong.returncode, "First admin" in wrong.stdout) == (2, False)
    took = adopt(tmp_path, "--key-file", "old.key")
    assert (took.returncode, took.stdout.count("First admin: admin   password: ")) == (0, 1), took.stderr
    assert "took 1 sessions" in took.stdout
    with running(["serve"], tmp_path, NETWORK) as service:
        assert "listens" in service.line()


@pytest.mark.database("sqlite")
def test_a_dry_run_changes_no_schema(tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.key("ck1", f"tfb_{'a' * 64}", role="user")
    with running(["serve"], tmp_path, NETWORK) as service:
        service.line()
    ours = tmp_path / "data" / "teleflow.db"
    with contextlib.closing(sqlite3.connect(ours)) as database:
        database.execute("UPDATE schema_version SET version_num = '0001'")
        database.commit()
        before = list(database.iterdump())
        done = adopt(tmp_path, "--dry-run", TELEFLOW_ADOPT_KEY=OLD_KEY)
        assert (done.returncode, "teleflow db upgrade" in done.stderr) == (6, True), done.stdout + done.stderr
        assert list(database.iterdump()) == before


_TABLES = ("sessions", "session_credentials", "api_keys", "webhooks", "webhook_deliveries", "webhook_attempts")


async def count(folder: Path, table: str) -> int:
    """Of what is here; nothing, while there is no such table."""
    url = databases.url_of(folder / "data")
    if url.startswith("file:") and not await asyncio.to_thread(Path(url.removeprefix("file:")).exists):
        return 0
    with contextlib.suppress(sqlite3.Error):
        return len(await rows.rows(url, table))
    return 0


async def counts(folder: Path) -> dict[str, int]:
    return {table: await count(folder, table) for table in _TABLES}


async def test_what_is_killed_in_the_middle_is_finished_by_the_next_one_and_nothing_is_twice(tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    for number in range(8):
        old.session(f"cm{number}", f"shop {number}", gramjs(2, "149.154.167.51", 443, bytes([number + 1]) * 256))
        old.key(f"ck{number}", f"tfb_{number}{'a' * 63}", role="user")
    old.webhook("wh1", "https://receiver.example/hook", ["*"], "a secret")
    old.deliveries("wh1", 3_000)
    (tmp_path / "old.key").write_text(OLD_KEY)
    whole = dict(zip(_TABLES, (8, 8, 8, 1, 3_000, 3_000), strict=True))
    halves = 0
    for table in ("sessions", "api_keys", "webhook_deliveries", "webhook_deliveries"):
        before = await count(tmp_path, table)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "teleflow", "adopt", "old.db", "--key-file", "old.key"),
            cwd=tmp_path, env=environment(API, tmp_path),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

        async def more(than: int = before, of: str = table, by: asyncio.subprocess.Process = process) -> bool:
            return by.returncode is not None or await count(tmp_path, of) > than

        await until(more, 90, every=0.005)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
        halves += await counts(tmp_path) != whole
    assert halves >= 2, "or none of them died in the middle"
    last = await asyncio.to_thread(adopt, tmp_path, "--key-file", "old.key")
    assert last.returncode == 0, last.stderr
    assert await counts(tmp_path) == whole
    again = await asyncio.to_thread(adopt, tmp_path, "--key-file", "old.key")
    assert "took 0 sessions, 8 were here already" in again.stdout
    assert "took 0 deliveries, 3000 were here already" in again.stdout
    assert await counts(tmp_path) == whole


def test_the_older_gateways_own_file_is_no_database_of_ours_and_stays_as_it_is(tmp_path: Path) -> None:
    before = OldGateway(tmp_path / "old.db").path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "serve"], capture_output=True, text=True, timeout=90, cwd=tmp_path,
        env=environment({**NETWORK, "DATABASE_URL": "file:./old.db"}, tmp_path), check=False,
    )  # fmt: skip
    assert (done.returncode, "teleflow adopt" in done.stderr) == (2, True), done.stderr
    assert (tmp_path / "old.db").read_bytes() == before


async def test_a_rehearsal_of_the_multi_tenant_senders_database_stands_in_no_first_starts_way(tmp_path: Path) -> None:
    """It comes before there is a key of ours: it must not write down what it never was."""
    server = Mongo(standalone=True).start()
    try:
        here = {"MONGO_URI": f"mongodb://127.0.0.1:{server.port}", "MONGO_DB": "telegram_server"}
        async with AsyncMongoClient(here["MONGO_URI"]) as client:
            theirs = client["telegram_server"]
            await older_sender.fill(theirs)
            before = await theirs.list_collection_names()
            done = await asyncio.to_thread(older, tmp_path, "--dry-run", **here)
            assert (done.returncode, "would take 2 users" in done.stdout) == (0, True), done.stderr
            assert "left: tokens" in done.stdout
            assert await theirs.list_collection_names() == before
            assert not await asyncio.to_thread(os.listdir, tmp_path)
        with running(["serve"], tmp_path, {**NETWORK, **here}) as service:
            assert "listens" in await asyncio.to_thread(service.line)
            done = await asyncio.to_thread(older, tmp_path, "--dry-run", **here)
            assert "would take 0 users, 3 were taken before" in done.stdout, done.stderr
            assert service.errors().count("it is nobody's") == 1, "the service tells what it left"
    finally:
        server.remove()


def older(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "adopt", *arguments], capture_output=True, text=True, timeout=90,
        cwd=folder, env=environment(settings, folder), check=False,
    )  # fmt: skip
