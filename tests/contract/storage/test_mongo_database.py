"""What is MongoDB's own of the operators' port: what is wrong there is told, and a state of one moment is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database as Theirs

from teleflow.errors import Conflict, SettingsError
from teleflow.kit.seal import Seal
from teleflow.model.events import EventType, NewEvent
from teleflow.storage.base import Storage
from teleflow.storage.base.database import Source
from teleflow.storage.mongo import moment
from teleflow.storage.opening import open_database, open_storage

from .complete import complete
from .databases import MongoDatabases
from .rig import NOW, SetClock, stored_user

Doc = dict[str, Any]
PERSON = "usr_gone"


@pytest.fixture
def filled(databases: MongoDatabases, seal: Seal, clock: SetClock) -> Iterator[tuple[str, Theirs[Doc]]]:
    """The URL of a complete database, and the same as another program sees it."""
    url = databases.new()

    async def fill() -> None:
        storage = open_storage(url, seal, clock)
        await storage.start()
        await complete(storage, seal)
        await storage.stop()

    asyncio.run(fill())
    with MongoClient[Doc](url) as client:
        yield url, client.get_default_database()


def drop_index(at: Theirs[Doc], collection: str, name: str) -> None:
    at[collection].drop_index(name)


WRONG: dict[str, tuple[Callable[[Theirs[Doc]], object], str]] = {
    "a field that nobody knows": (
        lambda at: at.tf_users.update_many({}, {"$set": {"nickname": "a"}}),
        "1 documents of users, 'usr_",
    ),
    "a missing field": (lambda at: at.tf_sessions.update_many({}, {"$unset": {"phone": 1}}), "lacks phone"),
    "another type": (lambda at: at.tf_holds.update_many({}, {"$set": {"until": "soon"}}), "has a str as until"),
    "nobody's session": (
        lambda at: at.tf_sessions.update_many({}, {"$set": {"user_id": PERSON}}),
        "1 documents of sessions point at what is not there (user_id)",
    ),
    "a number twice": (
        lambda at: at.tf_events.update_many({}, {"$set": {"number": 3}}),
        "documents of events have the user_id and number of another one",
    ),
    "a missing index": (
        lambda at: drop_index(at, "tf_users", "username_1"),
        "the index of users by username is missing",
    ),
    "another lifetime": (
        lambda at: (
            drop_index(at, "tf_logins", "gone_at_1"),
            at.tf_logins.create_index([("gone_at", 1)], expireAfterSeconds=60),
        ),
        "the index of logins by gone_at is another one (expireAfterSeconds: 60, not expireAfterSeconds: 86400)",
    ),
    "an index that is not unique": (
        lambda at: (drop_index(at, "tf_users", "username_1"), at.tf_users.create_index("username")),
        "the index of users by username is another one (plain, not unique: True)",
    ),
    "a counter that is behind": (
        lambda at: at.tf_writer.update_one({"_id": "writer"}, {"$set": {"counters.send_log": 0}}),
        "the counter of send_log is at 0, and there is a number",
    ),
    "a grave of one who is there": (
        lambda at: at.tf_graves.insert_one({"_id": at.tf_sessions.find_one({})["_id"], "of": "session"}),  # type: ignore[index]
        "is there, and marked as removed",
    ),
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a check says of its progress; it takes its second look at once."""
    monkeypatch.setattr("teleflow.storage.mongo.examining._SECOND_LOOK_S", 0.0)
    return []


@pytest.mark.parametrize("databases", ["alone"], indirect=True)
def test_what_is_wrong_is_told(filled: tuple[str, Theirs[Doc]], told: list[str]) -> None:
    url, at = filled

    def problems() -> list[str]:
        return asyncio.run(open_database(url).problems(told.append))

    kept = {name: state(at, name) for name in at.list_collection_names()}
    for what, (damage, line) in WRONG.items():
        damage(at)
        found = problems()
        assert [one for one in found if line in one], (what, found)
        for name, (docs, indexes) in kept.items():
            if state(at, name) != (docs, indexes):
                at.drop_collection(name)
                for index in indexes.values():
                    at[name].create_index(
                        index["key"], **{key: index[key] for key in index.keys() - {"key", "v", "ns"}}
                    )
                if docs:
                    at[name].insert_many(docs)
        assert problems() == [], what


def state(at: Theirs[Doc], name: str) -> tuple[list[Doc], dict[str, Any]]:
    return list(at[name].find()), dict(at[name].index_information())


@pytest.mark.parametrize("databases", ["alone"], indirect=True)
def test_what_others_will_end_is_no_problem(filled: tuple[str, Theirs[Doc]], told: list[str]) -> None:
    url, at = filled
    session = at.tf_sessions.find_one_and_delete({})
    assert session is not None
    at.tf_graves.insert_one({"_id": session["_id"], "of": "session"})
    at.tf_writer.update_one({"_id": "writer"}, {"$set": {"intent_fence": 1, "intent": b""}})
    assert asyncio.run(open_database(url).problems(told.append)) == []
    assert [line for line in told if "the sweep goes on" in line]
    assert [line for line in told if "a batch stands" in line]

    async def rows_of(table: str) -> int:
        async with open_database(url).source() as source:
            return await source.count(table)

    at.tf_writer.update_one({"_id": "writer"}, {"$unset": {"intent_fence": 1, "intent": 1}})
    assert at.tf_peers.count_documents({}) > 0
    assert asyncio.run(rows_of("peers")) == 0, "what waits for the sweep is nobody's, and does not move"
    assert asyncio.run(rows_of("users")) == 1


async def test_who_holds_it_is_alone_with_it(databases: MongoDatabases, seal: Seal, clock: SetClock) -> None:
    url = databases.new()
    service = open_storage(url, seal, clock)
    await service.start()
    async with open_database(url).alone() as free:
        assert free
        with pytest.raises(SettingsError):
            await service.hold(lambda: None)
    await service.hold(lambda: None)
    async with open_database(url).alone() as free:
        assert not free
    await service.stop()


@asynccontextmanager
async def writing(storage: Storage) -> AsyncIterator[None]:
    """A user's log grows all the while, four events at a time."""
    user = await stored_user(storage)
    ended = False

    async def go_on() -> None:
        number = 0
        while not ended:
            some = [NewEvent(f"evt_{number + n}", EventType.MESSAGE_RECEIVED, None, NOW, {}, 7) for n in range(4)]
            await storage.append_events(user.id, some, now=NOW)
            number += 4

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        ended = True
        await task


async def newest_and_count(source: Source) -> tuple[list[int], int, int]:
    place = list(source.tables()["event_logs"]).index("newest")
    number = list(source.tables()["events"]).index("number")
    events = await source.page("events", None, 1_000_000)
    newest = [row[place] for row in await source.page("event_logs", None, 10)]
    return newest, len(events), max(row[number] for row in events)


async def test_a_state_is_of_one_moment_while_others_write(
    databases: MongoDatabases, seal: Seal, clock: SetClock
) -> None:
    url = databases.new()
    storage = open_storage(url, seal, clock)
    await storage.start()
    async with writing(storage):
        for _ in range(5):
            await asyncio.sleep(0.1)
            async with open_database(url).source() as source:
                newest, count, highest = await newest_and_count(source)
            assert newest == [count] == [highest]
            assert count % 4 == 0
    await storage.stop()


@pytest.mark.parametrize("databases", ["alone"], indirect=True)
async def test_writers_are_not_kept_waiting_for_long(
    databases: MongoDatabases, seal: Seal, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = databases.new()
    storage = open_storage(url, seal, clock)
    await storage.start()
    user = await stored_user(storage)
    monkeypatch.setattr(moment, "HELD_S", 0.0)
    monkeypatch.setattr(moment, "_LOOK_S", 0.0)
    held = moment._Held.still

    async def slowly(self: moment._Held) -> bool:
        """Until somebody waits, as on a database that takes long to read."""
        if not waiting:
            waiting.append(asyncio.ensure_future(storage.remember("one", "thing")))
        while self._wanted is None:
            await held(self)
        return await held(self)

    waiting: list[asyncio.Future[Any]] = []
    async with asyncio.timeout(20):
        async with open_database(url).source():
            pass  # nobody waits
        monkeypatch.setattr(moment._Held, "still", slowly)
        with pytest.raises(Conflict) as raised:
            async with open_database(url).source():
                pass
    assert raised.value.code == "IN_USE"
    assert await waiting[0] == "thing"
    assert await storage.user(user.id) == user
    await storage.stop()


@pytest.mark.parametrize("databases", ["alone"], indirect=True)
def test_deliveries_of_a_program_of_before_are_carried_and_moved(
    filled: tuple[str, Theirs[Doc]], told: list[str], seal: Seal
) -> None:
    """It may still run while this one brings the schema up to date, or have died in the middle of a write."""
    url, at = filled
    at.tf_webhook_deliveries.update_many({}, {"$unset": {"taken": 1}})
    waiting = at.tf_webhook_deliveries.find_one({"is_open": 1})
    assert waiting is not None

    async def carry() -> None:
        storage = open_storage(url, seal, SetClock())
        await storage.start()
        webhook, user = waiting["webhook_id"], waiting["user_id"]
        claim = await storage.claim_deliveries(webhook, now=10**14, until=10**14 + 1, limit=9)
        assert waiting["_id"] in {one.id for one in claim.due}
        again = await storage.begin_again(user, webhook, waiting["_id"], now=10**14)
        assert again is not None
        await storage.stop()

    assert asyncio.run(open_database(url).problems(told.append)) == []
    asyncio.run(carry())
    assert asyncio.run(open_database(url).problems(told.append)) == []
