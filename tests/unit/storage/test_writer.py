"""The writer's manners on the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from teleflow.errors import Internal, NotFound, StorageUnavailable
from teleflow.kit.clock import SystemClock
from teleflow.kit.seal import Seal
from teleflow.storage.sql.sqlite.engine import SqliteEngine
from teleflow.storage.sql.sqlite.worker import Worker
from teleflow.storage.sql.statement import Tx, drive
from teleflow.storage.sql.store import SqlStorage


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    opened = SqliteEngine(tmp_path / "x.db", SystemClock())
    await opened.start()
    yield opened
    await opened.stop()


def writing(engine: SqliteEngine) -> sqlite3.Connection:
    assert engine._writer is not None
    return engine._writer._connection


async def test_many_callers_share_one_commit(engine: SqliteEngine) -> None:
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    said: list[str] = []
    writing(engine).set_trace_callback(said.append)
    await asyncio.gather(*[storage.remember(str(number), "x") for number in range(100)])
    assert 1 <= said.count("COMMIT") <= 20, "one, unless the machine was busy"


async def test_nobody_is_told_before_the_commit_is_done(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    gate, reached = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    writer: Any = engine._writer
    commit = writer._commit

    def slow_disk() -> None:
        loop.call_soon_threadsafe(reached.set)
        assert gate.wait(10)
        commit()

    monkeypatch.setattr(writer, "_commit", slow_disk)
    telling = asyncio.ensure_future(storage.remember("a", "b"))
    with anyio.fail_after(10):
        await reached.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not telling.done()
        assert await storage.remembered("a") is None, "readers do not see it either"
        gate.set()
        assert await telling == "b"


async def test_a_caller_who_leaves_during_the_commit_keeps_nobody_waiting(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    gate, reached = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    writer: Any = engine._writer
    commit = writer._commit

    def slow_disk() -> None:
        loop.call_soon_threadsafe(reached.set)
        assert gate.wait(10)
        commit()

    monkeypatch.setattr(writer, "_commit", slow_disk)
    first, second = (asyncio.ensure_future(storage.remember(key, key)) for key in "ab")
    with anyio.fail_after(10):
        await reached.wait()
        first.cancel()
        await asyncio.wait([first])
        gate.set()
        assert await second == "b"
    assert await storage.remembered("a") == "a", "the batch was under way: it is stored all the same"


async def test_who_waits_behind_a_stuck_disk_is_told(engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from teleflow.storage.sql.sqlite import writer as module

    monkeypatch.setattr(module, "PATIENCE", 0.05)
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    gate = threading.Event()
    writer: Any = engine._writer
    commit = writer._commit

    def stuck() -> None:
        assert gate.wait(20)
        commit()

    monkeypatch.setattr(writer, "_commit", stuck)
    under_way = asyncio.ensure_future(storage.remember("a", "1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    behind = asyncio.ensure_future(storage.remember("b", "2"))
    with anyio.fail_after(10), pytest.raises(StorageUnavailable):
        await behind
    assert not under_way.done(), "whether this one is stored is not known yet"
    with pytest.raises(StorageUnavailable):
        await engine.ping()
    gate.set()
    with anyio.fail_after(10):
        assert await under_way == "1"
        await engine.ping()
    assert await storage.remembered("b") is None


async def test_a_batch_without_changes_does_not_touch_the_disk(engine: SqliteEngine) -> None:
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    said: list[str] = []
    writing(engine).set_trace_callback(said.append)
    assert await storage.end_login("none") is None
    assert "COMMIT" not in said


async def test_what_a_unit_raises_reaches_its_caller_only(engine: SqliteEngine) -> None:
    async def breaks(_tx: Tx) -> None:
        writing(engine).execute("INSERT INTO facts (key, value) VALUES ('undone', 'v')")
        raise LookupError("mine")

    async def violates(_tx: Tx) -> None:
        writing(engine).execute("INSERT INTO facts (key, value) VALUES ('k', NULL)")

    async def works(_tx: Tx) -> int:
        writing(engine).execute("INSERT INTO facts (key, value) VALUES ('k', 'v')")
        return 7

    outcomes = await asyncio.gather(
        engine.write(breaks), engine.write(works), engine.write(violates), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LookupError, int, Internal]
    kept = writing(engine).execute("SELECT key FROM facts WHERE key IN ('k', 'undone')").fetchall()
    assert kept == [("k",)], "what a unit wrote before it raised is undone, its neighbours' rows are not"


async def test_a_long_queue_lets_the_loop_breathe(engine: SqliteEngine) -> None:
    """The writer works in slices: other callbacks run between them."""
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    breathing = asyncio.ensure_future(others())
    await asyncio.gather(*[storage.remember(str(number), "x" * 2_000) for number in range(3_000)])
    breathing.cancel()
    assert turns > 12


async def test_without_threads_everything_is_done_on_the_loop(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "x.db", SystemClock(), threads=False)
    before = threading.active_count()
    storage = SqlStorage(engine, Seal("a sealing key for tests, forty letters.."), SystemClock())
    await storage.start()
    assert await storage.remember("a", "b") == "b"
    assert await storage.open_jobs() == 0
    assert await storage.delete_user("none") is False
    assert threading.active_count() == before
    await storage.stop()


async def test_threads_end_with_the_engine(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "x.db", SystemClock())
    await engine.start()
    threads = [worker._thread for worker in engine._workers]
    await engine.stop()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


async def test_every_connection_syncs_fully_and_minds_foreign_keys(engine: SqliteEngine) -> None:
    assert len(engine._open) == 3
    for connection in engine._open:
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
        assert found == ["wal", 2, 1]
    for connection in engine._open[1:]:
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM facts")


async def test_the_loop_stands_aside_while_a_step_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a busy loop may keep the thread from ever getting the interpreter (seen: seconds)."""
    from teleflow.storage.sql.sqlite import worker as module

    aside = 0
    gate = threading.Event()

    class Time:
        @staticmethod
        def sleep(_seconds: float) -> None:
            nonlocal aside
            aside += 1
            if aside == 3:
                gate.set()

    monkeypatch.setattr(module, "time", Time)
    worker = Worker("test")
    with anyio.fail_after(10):
        assert await worker.do(lambda: gate.wait(10)) is True
    assert aside >= 3
    assert worker._timer is None
    worker.stop()


def test_a_unit_may_await_nothing_but_its_transaction() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError):
        drive(sleeps())


async def test_a_unit_that_raises_after_it_wrote_is_undone_alone(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from teleflow.storage.sql.sqlite import writer as module
    from teleflow.storage.sql.sqlite.engine import _PROBE

    monkeypatch.setattr(module, "LOOP_BUDGET", 60.0)  # one batch, however slow the machine
    runs: list[str] = []

    async def write(tx: Any, key: str) -> str:
        runs.append(key)
        await tx.run(_PROBE, key=key, value=key)
        if key == "b":
            raise NotFound("after writing")
        return key

    outcomes = await asyncio.gather(*(engine.write(write, key) for key in "abc"), return_exceptions=True)
    assert [outcome if isinstance(outcome, str) else type(outcome) for outcome in outcomes] == ["a", NotFound, "c"]
    with closing(sqlite3.connect(engine._path)) as reader:
        assert reader.execute("SELECT key FROM facts WHERE key IN ('a', 'b', 'c')").fetchall() == [("a",), ("c",)]
    assert runs == ["a", "b", "a", "b", "c"], "the batch began anew once, and only once"
