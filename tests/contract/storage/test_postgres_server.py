"""PostgreSQL's bad days: the server restarts, is killed, goes away; and a second process that writes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import signal
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from proofs.postgres import Postgres
from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.seal import Seal
from teleflow.storage.sql import open_storage, sends
from teleflow.storage.sql.postgres import connection, hold

from .databases import Databases
from .programs import start_program
from .rig import KEY, NOW, SENT, SetClock, a_job, accept, stored_user


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One that syncs to disk, for those tests that break it."""
    started = Postgres(durable=True).start()
    yield started
    started.remove()


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_what_was_acknowledged_survives_the_server(server: Postgres, seal: Seal, how: str) -> None:
    storage = open_storage(server.url(), seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    acknowledged: list[str] = []
    refused: list[BaseException] = []
    going_on = True

    async def caller() -> None:
        while going_on:
            job = a_job(user)
            try:
                await accept(storage, job)
                acknowledged.append(job.id)
            except StorageUnavailable as error:
                refused.append(error)
                await asyncio.sleep(0.02)

    async def at_least(count: int) -> None:
        async with asyncio.timeout(30):
            while len(acknowledged) < count:
                await asyncio.sleep(0.01)

    callers = [asyncio.ensure_future(caller()) for _ in range(10)]
    try:
        for _ in range(2):
            await at_least(len(acknowledged) + 100)
            await asyncio.to_thread(server.kill if how == "kill" else server.stop)
            with pytest.raises(StorageUnavailable) as told:
                await storage.user(user.id)
            assert told.value.retry_after
            await asyncio.to_thread(server.start)
        await at_least(len(acknowledged) + 100)
    finally:
        going_on = False
        await asyncio.gather(*callers)
    await storage.ping()
    missing = [job_id for job_id in acknowledged if await storage.send_job(user.id, job_id) is None]
    assert missing == []
    assert refused, "nobody is told of a success while there is no server"
    await storage.stop()


@pytest.mark.parametrize("lines", [1, 300])
async def test_every_acknowledged_row_survives_a_kill_of_the_service(
    postgres: Databases, seal: Seal, lines: int
) -> None:
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    program = start_program(url, user.id, "100000")
    assert program.stdout is not None
    acknowledged: list[str] = []
    for line in program.stdout:
        acknowledged.append(line.strip())
        if len(acknowledged) >= lines:
            program.send_signal(signal.SIGKILL)
            break
    acknowledged += [line.strip() for line in program.stdout.read().split("\n")[:-1]]
    program.wait(10)
    assert [one for one in acknowledged if await storage.send_job(user.id, one) is None] == []
    await storage.stop()


async def test_two_processes_write_at_once(postgres: Databases, seal: Seal) -> None:
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    program = start_program(url, user.id, "400")
    jobs = [a_job(user) for _ in range(400)]
    for start in range(0, 400, 20):
        await asyncio.gather(*[accept(storage, job) for job in jobs[start : start + 20]])
        await asyncio.gather(*[storage.settle_send(job.id, SENT, now=NOW) for job in jobs[start : start + 20]])
    said, _ = await asyncio.to_thread(program.communicate, timeout=60)
    assert program.returncode == 0
    assert len(said.split()) == 400
    assert await storage.open_jobs() == 400
    await storage.stop()


@pytest.mark.parametrize("name", ["_SETTLE", "_CANCEL", "_MARK_SENDING", "_RENEW", "_IS_OPEN"])
async def test_a_job_is_found_by_its_key(postgres: Databases, seal: Seal, name: str) -> None:
    """An index of open jobs has all the rows that have ended since the last vacuum: thousands a minute."""
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    await storage.stop()
    text = getattr(sends, name).compiled(dialect()).text
    values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", text))))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE it AS {text}")
        plan = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE it({values})")]
    finally:
        await connection.close()
    assert [line for line in plan if "Scan" in line and "pk_send_jobs" not in line] == []
    assert "pk_send_jobs" in "".join(plan)


async def test_two_services_claim_each_job_once(postgres: Databases, seal: Seal) -> None:
    url = await asyncio.to_thread(postgres.new)
    both = [open_storage(url, seal, SetClock()) for _ in range(2)]
    for storage in both:
        await storage.start()
    user = await stored_user(both[0])
    for _ in range(60):
        await accept(both[0], a_job(user), lease_until=NOW - 1)

    async def claim(number: int) -> list[str]:
        mine: list[str] = []
        while got := await both[number].claim_sends(node=f"node-{number}", now=NOW, lease_until=NOW + 60_000, limit=7):
            mine += [job.id for job in got]
        return mine

    one, two = await asyncio.gather(claim(0), claim(1))
    assert len(one + two) == len(set(one + two)) == 60
    for storage in both:
        await storage.stop()


async def test_a_server_that_is_not_there_is_a_clear_line(seal: Seal) -> None:
    storage = open_storage("postgresql://me:the-secret@127.0.0.1:9/x", seal, SetClock())
    with pytest.raises(SettingsError, match="DATABASE_URL") as told:
        await storage.start()
    assert "the-secret" not in str(told.value)
    assert KEY not in str(told.value)


async def test_one_service_runs_on_a_database(server: Postgres, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "PATIENCE_AT_START_S", 0.3)
    monkeypatch.setattr(hold, "PATIENCE_S", 0.3)
    monkeypatch.setattr(hold, "LOOK_S", 0.1)
    one, two = (open_storage(server.url(), seal, SetClock()) for _ in range(2))
    for storage in (one, two):
        await storage.start()
    lost = asyncio.Event()
    await one.hold(lost.set)
    with pytest.raises(SettingsError, match="another TeleFlow is running"):
        await two.hold(lambda: None)

    # The server's restart ends every connection: the first one has it again, the second one still not.
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(20):
        while await holders(server) != 1:
            await asyncio.sleep(0.05)
    with pytest.raises(SettingsError):
        await two.hold(lambda: None)
    assert not lost.is_set()

    await one.stop()
    await two.stop()
    assert await holders(server) == 0


async def test_a_service_whose_database_was_taken_is_told(
    server: Postgres, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "PATIENCE_S", 0.3)
    monkeypatch.setattr(hold, "LOOK_S", 1.0)
    one, two = (open_storage(server.url(), seal, SetClock()) for _ in range(2))
    for storage in (one, two):
        await storage.start()
    lost = asyncio.Event()
    await one.hold(lost.set)
    await end_holders(server)
    await two.hold(lambda: None)
    async with asyncio.timeout(20):
        await lost.wait()
    for storage in (one, two):
        await storage.stop()


_HOLDERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"


async def holders(server: Postgres) -> int:
    connection = await asyncpg.connect(server.url())
    try:
        return len(await connection.fetch(_HOLDERS))
    finally:
        await connection.close()


async def end_holders(server: Postgres) -> None:
    """As a network that breaks would."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.fetch(f"SELECT pg_terminate_backend(pid) FROM ({_HOLDERS}) AS held")
        while await connection.fetch(_HOLDERS):
            await asyncio.sleep(0.01)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "schema=public&sslmode=disable",
        "sslmode=prefer&channel_binding=prefer&application_name=mine",
        "schema=public&connection_limit=5&pool_timeout=2&connect_timeout=5&pgbouncer=true&socket_timeout=3",
    ],
)
async def test_urls_as_prisma_and_libpq_write_them_open_an_empty_database(
    postgres: Databases, seal: Seal, query: str
) -> None:
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(f"{url}?{query}", seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    assert await storage.user_named(user.username) == user
    await storage.stop()


async def test_another_schema_is_kept_apart(server: Postgres, seal: Seal) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE SCHEMA other")
    storage = open_storage(f"{server.url()}?schema=other", seal, SetClock())
    await storage.start()
    await storage.stop()
    found = await connection.fetch("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'send_log'")
    assert [row["schemaname"] for row in found] == ["other"]
    await connection.close()


async def test_connecting_may_be_given_up_at_any_moment(server: Postgres) -> None:
    """The driver told the event loop of a future that nobody looks at, which is a line in the log for nothing."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    url = connection.address(server.url())
    others = asyncio.all_tasks()
    for moment in range(40):
        task = asyncio.create_task(connection.connect(url))
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            (await task).terminate()
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - others:
            await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
