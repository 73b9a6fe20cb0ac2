"""Two processes on one MongoDB: the one with long batches gets its turn beside the one with many short ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from teleflow.kit.clock import SystemClock
from teleflow.storage.mongo import engine
from teleflow.storage.mongo.tx import Tx

from .databases import MongoDatabases

_READS = 30  # one after the other: long enough that somebody commits meanwhile, always


async def _short(tx: Tx, name: str) -> None:
    tx.put("facts", {"_id": name, "value": ""})


async def _long(tx: Tx, name: str) -> int:
    for number in range(_READS):
        await tx.get("facts", f"none of this name {number}")
    fact = await tx.get("facts", "count") or {"_id": "count", "value": "0"}
    count = int(fact["value"]) + 1
    tx.put("facts", {"_id": "count", "value": str(count)})
    tx.put("facts", {"_id": name, "value": ""})
    return count


@pytest.mark.parametrize("alone", [False, True])
async def test_long_batches_get_their_turn_beside_short_ones(
    mongodb: MongoDatabases, mongodb_alone: MongoDatabases, alone: bool
) -> None:
    url = (mongodb_alone if alone else mongodb).new()
    busy, slow = engine.MongoEngine(url, SystemClock()), engine.MongoEngine(url, SystemClock())
    await busy.start()
    await slow.start()
    written, going_on = 0, True

    async def keep_busy(who: int) -> None:
        nonlocal written
        while going_on:
            await busy.write(_short, f"short {who} {written}")
            written += 1

    callers: list[asyncio.Task[Any]] = [asyncio.create_task(keep_busy(who)) for who in range(10)]
    counts = [await slow.write(_long, f"long {number}") for number in range(5)]
    between, written = written, 0
    going_on = False
    await asyncio.gather(*callers)
    assert counts == [1, 2, 3, 4, 5]
    assert between > 0, "both get their turn"
    assert busy.database is not None
    assert await busy.database["tf_facts"].count_documents({"_id": {"$regex": "^long "}}) == 5
    await slow.stop()
    await busy.stop()


async def _nothing(tx: Tx) -> None:
    await tx.get("event_logs", "none of this name")


async def _count(tx: Tx) -> int:
    log = await tx.get("event_logs", "one") or {"_id": "one", "count": 0}
    tx.put("event_logs", {"_id": "one", "count": log["count"] + 1})
    tx.put("facts", {"_id": "two", "value": ""})  # of one write alone, a stand-alone server keeps no lock
    return int(log["count"]) + 1


@pytest.mark.parametrize("alone", [False, True])
async def test_what_is_remembered_goes_with_another_ones_batch_after_one_that_wrote_nothing(
    mongodb: MongoDatabases, mongodb_alone: MongoDatabases, alone: bool
) -> None:
    url = (mongodb_alone if alone else mongodb).new()
    ours, other = engine.MongoEngine(url, SystemClock()), engine.MongoEngine(url, SystemClock())
    await ours.start()
    await other.start()
    counts = []
    for _ in range(3):
        counts.append(await ours.write(_count))  # the lock is kept for a moment after it
        await ours.write(_nothing)
        counts.append(await other.write(_count))
    assert counts == [1, 2, 3, 4, 5, 6]
    await other.stop()
    await ours.stop()
