"""SQLite's bad days: a full disk, a killed process, a second process, a lock that is held, a cancelled caller."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from teleflow.errors import StorageUnavailable
from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
from teleflow.storage.sql import open_storage
from teleflow.storage.sql.sqlite import writer as writer_module

from .programs import start_program
from .rig import KEY, NOW, SENT, SetClock, a_job, a_user, accept, stored_user


@pytest.fixture
def database() -> str:
    return "sqlite"


def writing_connection(storage: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = storage._db._writer._connection
    return connection


def rows(tmp_path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "teleflow.db")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


async def test_a_full_database_acknowledges_nothing_and_recovers(storage: Storage, tmp_path: Path) -> None:
    user = await stored_user(storage)
    connection = writing_connection(storage)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    outcomes = await asyncio.gather(
        *[accept(storage, a_job(user, text="x" * 4_000)) for _ in range(200)], return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert refused
    assert {type(error) for error in refused} == {StorageUnavailable}
    assert all(error.retry_after for error in refused if isinstance(error, StorageUnavailable))
    stored = len(outcomes) - len(refused)
    assert (rows(tmp_path, "send_jobs"), rows(tmp_path, "send_log")) == (stored, stored)
    assert await storage.user(user.id) == user, "reading goes on"

    connection.execute("PRAGMA max_page_count = 1000000")
    await accept(storage, a_job(user, text="x" * 4_000))
    await storage.ping()
    assert rows(tmp_path, "send_jobs") == stored + 1


async def test_a_commit_that_fails_tells_every_caller_and_leaves_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deferred constraints are checked by COMMIT itself: the one failure that can be ordered there."""
    monkeypatch.setattr(writer_module, "LOOP_BUDGET", 60.0)  # all three in one batch, however slow the machine
    user = await stored_user(storage)
    connection = writing_connection(storage)
    connection.execute("PRAGMA defer_foreign_keys = OFF")
    connection.execute(
        "CREATE TABLE doomed (id INTEGER, parent TEXT REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED)"
    )
    connection.execute(
        "CREATE TRIGGER doom AFTER INSERT ON facts WHEN NEW.key = 'fact/doom' "
        "BEGIN INSERT INTO doomed VALUES (1, 'nobody'); END"
    )
    outcomes = await asyncio.gather(
        accept(storage, a_job(user)),
        storage.remember("doom", "1"),
        storage.add_user(a_user(username=user.username)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 3
    assert rows(tmp_path, "send_jobs") == rows(tmp_path, "doomed") == 0
    assert await storage.remembered("doom") is None
    with contextlib.suppress(StorageUnavailable):
        await storage.ping()
    await accept(storage, a_job(user))
    assert rows(tmp_path, "send_jobs") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system does not let us mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


async def test_a_full_disk_refuses_writes_and_service_returns_with_space(small_disk: Path, seal: Seal) -> None:
    storage = open_storage(f"file:{small_disk / 'teleflow.db'}", seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    ballast = small_disk / "ballast"
    acknowledged: list[str] = []
    for _round in range(5):
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4_096)
        jobs = [a_job(user, text="x" * 4_000) for _ in range(100)]
        outcomes = await asyncio.gather(*[accept(storage, job) for job in jobs], return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert {type(error) for error in failed} == {StorageUnavailable}
        acknowledged += [job.id for job, outcome in zip(jobs, outcomes, strict=True) if outcome not in failed]
        with contextlib.suppress(StorageUnavailable):
            while True:
                await accept(storage, job := a_job(user, text="x" * 4_000))
                acknowledged.append(job.id)
        with pytest.raises(StorageUnavailable):
            await storage.ping()
        assert await storage.user(user.id) == user
        ballast.unlink()
        await storage.ping()
        await accept(storage, job := a_job(user))
        acknowledged.append(job.id)
    assert len(acknowledged) == await storage.open_jobs()
    await storage.stop()


async def test_more_than_the_queue_holds_is_refused(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_LIMIT", 10)
    user = await stored_user(storage)
    outcomes = await asyncio.gather(*[accept(storage, a_job(user)) for _ in range(15)], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[10:]] == [StorageUnavailable] * 5
    assert await storage.open_jobs() == 10


async def test_another_process_that_writes_makes_callers_wait_not_fail(storage: Storage, tmp_path: Path) -> None:
    user = await stored_user(storage)
    other = sqlite3.connect(tmp_path / "data" / "teleflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(accept(storage, a_job(user)))
    heavy = asyncio.ensure_future(storage.delete_session(user.id, "ses_none"))
    done, _ = await asyncio.wait([waiting], timeout=0.7)
    assert not done
    assert await storage.user(user.id) == user, "readers do not wait for writers"
    other.execute("COMMIT")
    with anyio.fail_after(5):
        await waiting
        assert await heavy is False
    other.close()


async def test_who_waits_too_long_for_another_process_is_told(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "PATIENCE", 0.2)
    monkeypatch.setattr(writer_module, "BUSY_WAIT_MS", 100)
    user = await stored_user(storage)
    other = sqlite3.connect(tmp_path / "data" / "teleflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with anyio.fail_after(5), pytest.raises(StorageUnavailable):
        await accept(storage, a_job(user))
    with anyio.fail_after(5), pytest.raises(StorageUnavailable):
        await storage.delete_session(user.id, "ses_none")
    other.execute("ROLLBACK")
    other.close()
    await accept(storage, job := a_job(user))
    await storage.ping()
    assert await storage.open_jobs() == 1
    assert await storage.send_job(user.id, job.id) == job


async def test_readers_see_committed_data_only(storage: Storage, tmp_path: Path) -> None:
    user = await stored_user(storage)
    other = sqlite3.connect(tmp_path / "data" / "teleflow.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE users SET description = 'not yet'")
    assert await storage.user(user.id) == user
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("lines", [1, 40, 300, 900])
async def test_every_acknowledged_row_survives_a_kill(
    storage: Storage, opening: Callable[[], Storage], tmp_path: Path, lines: int
) -> None:
    user = await stored_user(storage)
    await storage.stop()
    program = start_program(f"file:{tmp_path / 'data' / 'teleflow.db'}", user.id, "100000")
    assert program.stdout is not None
    acknowledged: list[str] = []
    for line in program.stdout:
        acknowledged.append(line.strip())
        if len(acknowledged) >= lines:
            program.send_signal(signal.SIGKILL)
            break
    tail = program.stdout.read().split("\n")[:-1]  # what it had said by then; a last half line is nobody's word
    acknowledged += [line.strip() for line in tail]
    program.wait(10)
    again = opening()
    await again.start()
    try:
        missing = [job_id for job_id in acknowledged if await again.send_job(user.id, job_id) is None]
        jobs = rows(tmp_path, "send_jobs")
        assert missing == []
        assert jobs >= len(acknowledged) >= lines
        assert rows(tmp_path, "send_log") == jobs, "a job and its log row are one"
    finally:
        await again.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "teleflow.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_two_processes_write_at_once(storage: Storage, tmp_path: Path) -> None:
    user = await stored_user(storage)
    program = start_program(f"file:{tmp_path / 'data' / 'teleflow.db'}", user.id, "400")
    jobs = [a_job(user) for _ in range(400)]
    for start in range(0, 400, 20):
        await asyncio.gather(*[accept(storage, job) for job in jobs[start : start + 20]])
        await asyncio.gather(*[storage.settle_send(job.id, SENT, now=NOW) for job in jobs[start : start + 20]])
    said, _ = await asyncio.to_thread(program.communicate, timeout=60)
    assert program.returncode == 0
    assert len(said.split()) == 400
    assert rows(tmp_path, "send_jobs") == 800
    assert await storage.open_jobs() == 400


async def test_secrets_are_in_no_file(tmp_path: Path, opening: Callable[[], Storage]) -> None:
    """Also before anything is checkpointed: the write-ahead log is read too."""
    import dataclasses

    from teleflow.storage.base import Known

    from .rig import an_attempt, some_credentials, stored_session

    storage = opening()
    await storage.start()
    planted = [f"planted-secret-{number}-{os.urandom(8).hex()}" for number in range(4)]
    access_hash = 6_141_592_653_589_793_238
    user = await stored_user(storage, telegram_api_hash=planted[0])
    session = await stored_session(storage, user)
    credentials = some_credentials(api_hash=planted[1], auth_key=planted[2].encode() * 6)
    await storage.save_credentials(session.id, credentials)
    await storage.put_attempt(dataclasses.replace(an_attempt(session), phone_code_hash=planted[3]))
    await storage.put_phone_lookup(session.id, "+1777", Known(5, access_hash), now=NOW)
    await storage.update_user(user.id, telegram_api_hash=planted[0] + "!")
    needles = [text.encode() for text in planted]
    needles += [
        str(access_hash).encode(),
        access_hash.to_bytes(8, "big"),
        access_hash.to_bytes(8, "little"),
        KEY.encode(),
    ]
    for stopped in (False, True):
        if stopped:
            await storage.stop()
        files = list((tmp_path / "data").iterdir())
        assert any(file.name.endswith(("-wal", ".db")) and b"+1777" in file.read_bytes() for file in files)
        for file in files:
            found = [needle for needle in needles if needle in file.read_bytes()]
            assert found == [], file.name
            assert file.stat().st_mode & 0o077 == 0, file.name
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
