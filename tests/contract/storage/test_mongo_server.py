"""MongoDB's own matters: its server's bad days, a second process, who runs, schemas, and life without transactions."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient

from proofs.mongo import Mongo
from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.seal import Seal
from teleflow.storage.mongo import engine, lease, ledger, migrating
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.opening import open_storage

from .databases import MongoDatabases
from .programs import start_program
from .rig import KEY, NOW, SENT, SetClock, a_job, a_user, accept, stored_user

DYING = Path(__file__).with_name("dying_program.py")


@pytest.fixture(params=["replica set", "alone"])
def server(request: pytest.FixtureRequest) -> Iterator[Mongo]:
    """One that syncs to disk, for those tests that break it."""
    started = Mongo(standalone=request.param == "alone", durable=True).start()
    yield started
    started.remove()


async def test_which_way_it_writes_is_the_servers_to_say(
    mongodb: MongoDatabases, mongodb_alone: MongoDatabases
) -> None:
    async def transactions(url: str) -> bool:
        opened = engine.MongoEngine(url, SetClock())
        await opened.start()
        await opened.stop()
        return opened.transactions

    assert await transactions(mongodb.new())
    assert not await transactions(mongodb_alone.new())
    assert not await transactions(mongodb.new() + "?teleflowTransactions=false")


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_what_was_acknowledged_survives_the_server(server: Mongo, seal: Seal, how: str) -> None:
    storage = open_storage(server.url(), seal, SetClock())
    await storage.start()
    acknowledged: list[str] = []
    going_on = True

    async def caller() -> None:
        while going_on:
            user = a_user()
            try:
                await storage.add_user(user)
                acknowledged.append(user.id)
            except StorageUnavailable:
                await asyncio.sleep(0.02)

    async def at_least(count: int) -> None:
        async with asyncio.timeout(60):
            while len(acknowledged) < count:
                await asyncio.sleep(0.01)

    callers = [asyncio.ensure_future(caller()) for _ in range(10)]
    try:
        await at_least(100)
        await asyncio.to_thread(server.kill if how == "kill" else server.stop)
        with pytest.raises(StorageUnavailable) as told:
            await storage.user(acknowledged[0])
        assert told.value.retry_after
        so_far = len(acknowledged)
        await asyncio.sleep(0.1)
        assert len(acknowledged) == so_far, "nobody is told of a success while there is no server"
        await asyncio.to_thread(server.start)
        await at_least(len(acknowledged) + 100)
    finally:
        going_on = False
        await asyncio.gather(*callers)
    await storage.ping()
    assert [id_ for id_ in acknowledged if await storage.user(id_) is None] == []
    await storage.stop()


async def test_a_server_that_is_silent_is_given_up(server: Mongo, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teleflow.storage.mongo.client.COMMAND_S", 1.5)
    monkeypatch.setattr("teleflow.storage.mongo.client.CONNECT_S", 1.5)
    storage = open_storage(server.url(), seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    server.pause()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(StorageUnavailable):
                await storage.user(user.id)
            with pytest.raises(StorageUnavailable):
                await storage.ping()
    finally:
        server.go_on()
    async with asyncio.timeout(30):
        while True:
            try:
                await storage.ping()
                break
            except StorageUnavailable:
                await asyncio.sleep(0.1)
    assert await storage.user(user.id) == user
    await storage.stop()


@pytest.mark.parametrize("lines", [1, 300])
async def test_every_acknowledged_row_survives_a_kill_of_the_service(
    databases: MongoDatabases, seal: Seal, lines: int
) -> None:
    url = databases.new()
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
    await storage.remember("a", "write")  # whose lock the dead one held is let go of
    await storage.stop()


async def test_two_processes_write_at_once(databases: MongoDatabases, seal: Seal) -> None:
    url = databases.new()
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
    numbers = [entry.number for entry in await storage.log_entries(user.id, limit=1_000)]
    assert len(numbers) == len(set(numbers)) == 800
    await storage.stop()


async def test_a_server_that_is_not_there_is_a_clear_line(seal: Seal) -> None:
    storage = open_storage("mongodb://me:the-secret@127.0.0.1:9/x?serverSelectionTimeoutMS=300", seal, SetClock())
    with pytest.raises(SettingsError, match="MONGO_URI") as told:
        await storage.start()
    assert "the-secret" not in str(told.value)
    assert KEY not in str(told.value)


async def test_one_service_runs_on_a_database(
    databases: MongoDatabases, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT_S", 0.1)
    url = databases.new()
    one, two, three = (open_storage(url, seal, SetClock()) for _ in range(3))
    for storage in (one, two, three):
        await storage.start()
    await one.hold(lambda: None)
    with pytest.raises(SettingsError, match="another TeleFlow is running"):
        await two.hold(lambda: None)
    await one.stop()
    await three.hold(lambda: None)  # at once: the first one has let go of it
    for storage in (two, three):
        await storage.stop()


async def test_who_was_taken_for_dead_is_told(
    databases: MongoDatabases, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "BEAT_S", 1.0)
    monkeypatch.setattr(lease, "DEAD_S", 0.2)
    url = databases.new()
    one, two = (open_storage(url, seal, SetClock()) for _ in range(2))
    for storage in (one, two):
        await storage.start()
    lost = asyncio.Event()
    await one.hold(lost.set)
    await two.hold(lambda: None)  # no beat for longer than the dead are waited for
    async with asyncio.timeout(20):
        await lost.wait()
    for storage in (one, two):
        await storage.stop()


async def test_a_lock_whose_holder_died_is_taken_over(
    mongodb_alone: MongoDatabases, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = mongodb_alone.new()
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    client: AsyncMongoClient[Doc] = AsyncMongoClient(url)
    lock = client.get_default_database()[PREFIX + "writer"]
    await lock.update_one({"_id": "writer"}, {"$set": {"holder": "somebody who is gone"}})
    monkeypatch.setattr(ledger, "DEAD_S", 0.2)
    assert await storage.remember("a", "b") == "b"
    held = await lock.find_one({"_id": "writer"})
    assert held is not None
    assert held["holder"] is None
    await client.close()
    await storage.stop()


async def test_a_newer_schema_is_refused(databases: MongoDatabases, seal: Seal) -> None:
    url = databases.new()
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    await storage.stop()
    client: AsyncMongoClient[Doc] = AsyncMongoClient(url)
    await client.get_default_database()[PREFIX + "schema"].update_one({}, {"$set": {"number": 99}})
    await client.close()
    with pytest.raises(SettingsError, match="newer than this program"):
        await open_storage(url, seal, SetClock()).start()


async def test_a_migration_that_died_goes_on(databases: MongoDatabases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "DEAD_S", 0.2)
    client: AsyncMongoClient[Doc] = AsyncMongoClient(databases.new())
    database = client.get_default_database()
    done: list[str] = []

    async def first(_: Any) -> None:
        done.append("first")

    async def second(_: Any) -> None:
        done.append("second")
        if done.count("second") == 1:
            raise KeyboardInterrupt  # as a kill: what holds the lock does not let go in good order

    with pytest.raises(KeyboardInterrupt):
        await migrating.migrate(database, SetClock(), steps=(first, second))
    assert await migrating.version_of(database) == 1
    await asyncio.gather(*[migrating.migrate(database, SetClock(), steps=(first, second)) for _ in range(4)])
    assert done == ["first", "second", "second"]
    assert await migrating.version_of(database) == 2
    await client.close()


def test_the_server_sweeps_what_nobody_swept(mongodb: MongoDatabases) -> None:
    url = mongodb.new()

    async def make() -> None:
        storage = open_storage(url, Seal(KEY), SetClock())
        await storage.start()
        await storage.stop()

    asyncio.run(make())
    client: MongoClient[Doc] = MongoClient(url)
    for name in ("logins", "refresh_tokens", "stream_tickets", "idempotency_keys"):
        indexes = client.get_default_database()[PREFIX + name].index_information().values()
        assert [index["expireAfterSeconds"] for index in indexes if "expireAfterSeconds" in index] == [86_400], name
    client.close()
