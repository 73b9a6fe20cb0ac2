"""MongoDB's own matters: its server's bad days, a second process, who runs, schemas, and life without transactions."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient

from proofs.mongo import Mongo
from teleflow.errors import Conflict, SettingsError, StorageUnavailable
from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
from teleflow.storage.mongo import engine, lease, ledger, migrating
from teleflow.storage.mongo.match import Doc, in_order, matches
from teleflow.storage.mongo.schema import PREFIX
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.opening import open_storage

from .databases import MongoDatabases
from .programs import ROOT, start_program
from .rig import KEY, NOW, SENT, SetClock, a_job, a_user, accept, stored_user

DYING = Path(__file__).with_name("dying_program.py")


@pytest.fixture(params=["replica set", "alone"])
def databases(request: pytest.FixtureRequest) -> MongoDatabases:
    name = "mongodb" if request.param == "replica set" else "mongodb_alone"
    found: MongoDatabases = request.getfixturevalue(name)
    return found


@pytest.fixture(params=["replica set", "alone"])
def server(request: pytest.FixtureRequest) -> Iterator[Mongo]:
    """One that syncs to disk, for those tests that break it."""
    started = Mongo(standalone=request.param == "alone", durable=True).start()
    yield started
    started.remove()


@pytest.fixture
async def opened(databases: MongoDatabases, seal: Seal) -> AsyncIterator[Storage]:
    storage = open_storage(databases.new(), seal, SetClock())
    await storage.start()
    yield storage
    await storage.stop()


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
    refused: list[BaseException] = []
    going_on = True

    async def caller() -> None:
        while going_on:
            user = a_user()
            try:
                await storage.add_user(user)
                acknowledged.append(user.id)
            except StorageUnavailable as error:
                refused.append(error)
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
        await asyncio.to_thread(server.start)
        await at_least(len(acknowledged) + 100)
    finally:
        going_on = False
        await asyncio.gather(*callers)
    await storage.ping()
    assert [id_ for id_ in acknowledged if await storage.user(id_) is None] == []
    assert refused, "nobody is told of a success while there is no server"
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


async def test_of_two_processes_one_makes_a_name(databases: MongoDatabases, seal: Seal) -> None:
    """What a unit has read is still so when it writes, whoever else writes."""
    url = databases.new()
    both = [open_storage(url, seal, SetClock()) for _ in range(2)]
    for storage in both:
        await storage.start()
    made = await asyncio.gather(
        *[both[number % 2].add_user(a_user(username=f"u{number // 8}")) for number in range(80)], return_exceptions=True
    )
    assert [one for one in made if one is not None and not isinstance(one, Conflict)] == []
    assert made.count(None) == 10
    assert (await both[0].users(limit=100))[1] == 10
    for storage in both:
        await storage.stop()


async def test_a_unit_sees_what_those_before_it_wrote(databases: MongoDatabases) -> None:
    opened = engine.MongoEngine(databases.new(), SetClock())
    await opened.start()

    async def write(tx: Tx, number: int) -> list[Doc]:
        before = await tx.find("facts", {"of": "us"}, sort=[("n", -1)], limit=3)
        tx.put("facts", {"_id": f"f{number}", "n": number, "of": "us"})
        if number % 3 == 2:
            raise ValueError(number)
        return before

    told = await asyncio.gather(*[opened.write(write, number) for number in range(10)], return_exceptions=True)
    numbers = [[doc["n"] for doc in one] if isinstance(one, list) else None for one in told]
    assert numbers == [[], [0], None, [1, 0], [3, 1, 0], None, [4, 3, 1], [6, 4, 3], None, [7, 6, 4]]

    async def clear(tx: Tx) -> tuple[int, int]:
        tx.clear("facts", {"n": {"$lt": 6}})
        tx.put("facts", {"_id": "f1", "n": 1, "of": "us"})
        await tx.change("facts", "f7", {"n": 70})
        return await tx.count("facts", {"of": "us"}), await tx.count("facts", {"n": {"$gte": 7}})

    async def read(reads: Reads) -> list[int]:
        return [doc["n"] for doc in await reads.find("facts", {"of": "us"}, sort=[("n", 1)])]

    assert await opened.write(clear) == (4, 2)
    assert await opened.read(read) == [1, 6, 9, 70]
    await opened.stop()


async def test_a_document_that_cannot_be_stored_is_its_units_matter(opened: Storage) -> None:
    told = await asyncio.gather(
        opened.remember("one", "1"),
        opened.remember("two", "x" * 17 * 2**20),
        opened.remember("three", "\ud800"),
        opened.remember("four", "4"),
        return_exceptions=True,
    )
    assert [type(one).__name__ for one in told] == ["str", "Internal", "Internal", "str"]
    assert await opened.remembered("four") == "4"


@pytest.mark.parametrize("seed", range(5))
async def test_filters_mean_what_the_server_means(mongodb: MongoDatabases, seed: int) -> None:
    chance = random.Random(seed)
    values: list[Callable[[], Any]] = [
        lambda: None, lambda: chance.randrange(5), lambda: 2**53 + chance.randrange(3),
        lambda: chance.choice("abC\u00e9"), lambda: chance.choice([b"a", b"bb"]),
        lambda: chance.sample("abc", chance.randrange(3)),
    ]  # fmt: skip

    def value(*, lists: bool = False) -> Any:
        return chance.choice(values if lists else values[:-1])()

    def where(depth: int = 0) -> Doc:
        found: Doc = {}
        for name in chance.sample(["p", "q", "_id"], chance.randrange(1, 3)):
            operator = chance.choice(["", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists"])
            if operator in {"$in", "$nin"}:
                found[name] = {operator: [value() for _ in range(chance.randrange(3))]}
            elif operator == "$exists":
                found[name] = {operator: chance.random() < 0.5}
            elif operator in {"$gt", "$gte", "$lt", "$lte"}:
                found[name] = {operator: value() or 1}
            else:
                found[name] = {operator: value()} if operator else value()
        if depth < 2 and chance.random() < 0.3:
            found[chance.choice(["$and", "$or", "$nor"])] = [where(depth + 1) for _ in range(chance.randrange(1, 3))]
        return found

    docs: list[Doc] = []
    for number in range(60):
        doc: Doc = {"_id": number}
        for name in "pq":
            if chance.random() < 0.8:
                doc[name] = value(lists=True)
        docs.append(doc)
    client: AsyncMongoClient[Doc] = AsyncMongoClient(mongodb.new())
    collection = client.get_default_database()["x"]
    await collection.insert_many(docs)
    refused = 0
    for _ in range(150):
        asked = where()
        found = {doc["_id"] for doc in await collection.find(asked).to_list()}
        try:
            ours = {doc["_id"] for doc in docs if matches(doc, asked)}
        except ValueError:
            refused += 1  # an order among lists
            continue
        assert ours == found, asked
    assert refused < 75
    single = {"p": {"$nin": [None]}}
    plain = [doc for doc in docs if matches(doc, single) and not isinstance(doc["p"], list)]
    server_side = await collection.find(
        {"_id": {"$in": [doc["_id"] for doc in plain]}}, sort=[("p", -1), ("_id", 1)]
    ).to_list()
    assert in_order(plain, [("p", -1), ("_id", 1)]) == server_side
    await client.close()


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


SOME = ("add_arrival", "rotate_refresh", "forget_authorisation", "accept_send")


@pytest.mark.parametrize(("piece", "names"), [(8 * 2**20, ()), (300, SOME)])
def test_a_death_at_any_point_leaves_all_of_a_unit_or_nothing(
    mongodb_alone: MongoDatabases, piece: int, names: tuple[str, ...]
) -> None:
    """Without transactions. With small pieces the intents lie in several documents."""
    address = mongodb_alone.server.url("").rstrip("/")
    told = subprocess.run(
        [sys.executable, str(DYING), address, str(piece), *names],
        capture_output=True, text=True, timeout=280, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    units = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    assert [unit for unit in units if "wrong" in unit] == []
    for unit in units:
        first = unit["stood"].index("after")
        assert set(unit["stood"][first:]) == {"after"}, f"{unit['unit']}: once it stands, it stands"
    assert sum(unit["points"] for unit in units) > 30


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
