"""Units of work on MongoDB: alone, whole, and what a filter means; with transactions and without."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
from teleflow.storage.mongo import engine
from teleflow.storage.mongo.match import Doc, in_order, matches
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.opening import open_storage

from . import dying_units
from .databases import MongoDatabases
from .programs import ROOT
from .rig import SetClock, a_user

DYING = Path(__file__).with_name("dying_program.py")


@pytest.fixture
async def opened(databases: MongoDatabases, seal: Seal) -> AsyncIterator[Storage]:
    storage = open_storage(databases.new(), seal, SetClock())
    await storage.start()
    yield storage
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


SOME = ("add_arrival", "rotate_refresh", "forget_authorisation", "accept_send", "append_events", "settle_recipients")


@pytest.mark.timeout(720)  # hundreds of deaths
@pytest.mark.parametrize(
    ("piece", "names"),
    [(8 * 2**20, ()), (8 * 2**20, tuple(dying_units.UNITS)), (300, SOME)],
    ids=["accounts", "work", "in pieces"],
)
def test_a_death_at_any_point_leaves_all_of_a_unit_or_nothing(
    mongodb_alone: MongoDatabases, piece: int, names: tuple[str, ...]
) -> None:
    """Without transactions. With small pieces the intents lie in several documents."""
    address = mongodb_alone.server.url("").rstrip("/")
    told = subprocess.run(
        [sys.executable, str(DYING), address, str(piece), *names],
        capture_output=True, text=True, timeout=700, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    units = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    assert [unit for unit in units if "wrong" in unit] == []
    for unit in units:
        first = unit["stood"].index("after")
        assert set(unit["stood"][first:]) == {"after"}, f"{unit['unit']}: once it stands, it stands"
    assert sum(unit["points"] for unit in units) > 30
