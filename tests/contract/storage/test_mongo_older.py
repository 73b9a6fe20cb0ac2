"""A database of the multi-tenant sender, taken over in place: made here as that service made its documents."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import uuid
from collections.abc import AsyncIterator
from typing import Any

import bcrypt
import pytest
from bson import Binary, DatetimeMS, ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from teleflow.kit.seal import Seal
from teleflow.model.users import Role
from teleflow.storage.base import Rotation
from teleflow.storage.base.adoption import OlderDatabase, OlderReport
from teleflow.storage.mongo import MongoStorage
from teleflow.storage.opening import open_database, open_storage
from tests.support.older_sender import ANN_HASH, BEGAN, a_row, a_token, fill

from .databases import MongoDatabases
from .rig import HOUR, NOW, SetClock


@pytest.fixture
def url(databases: MongoDatabases) -> str:
    return databases.new()


@pytest.fixture
async def theirs(url: str) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    yield client.get_default_database()
    await client.close()


@pytest.fixture
async def ours(url: str, seal: Seal) -> AsyncIterator[MongoStorage]:
    storage = open_storage(url, seal, SetClock())
    assert isinstance(storage, MongoStorage)
    await storage.start()
    yield storage
    await storage.stop()


async def contents(database: AsyncDatabase[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {name: await database[name].find().to_list() for name in ("users", "tokens", "logs")}


async def rehearsal(url: str) -> OlderReport:
    database = open_database(url)
    assert isinstance(database, OlderDatabase)
    return await database.older()


async def test_the_same_users_passwords_tokens_and_log(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, url: str
) -> None:
    await fill(theirs)
    before = await contents(theirs)
    told = await rehearsal(url)
    assert told.took == {"users": 2, "tokens": 1, "logs": 6}
    assert (await ours.users(limit=10))[1] == 0

    report = await ours.adopt_older()
    assert report.took == {"users": 2, "tokens": 1, "logs": 6}
    assert [line.partition(": ")[2] for line in report.left] == [
        "it has no name or no password",
        "it has expired",
        "it is nobody's",
    ]
    assert told.left == report.left
    root, ann = await ours.user_named("root"), await ours.user_named("ann")
    assert root is not None
    assert ann is not None
    assert (root.role, root.telegram_phone, root.telegram_api_hash) == (Role.ADMIN, None, None)
    assert (ann.role, ann.telegram_phone, ann.telegram_api_id) == (Role.USER, "+15550001", 12345)
    assert (ann.telegram_api_hash, ann.description) == ("an api hash", "Sales")
    assert ann.created_at == int(BEGAN.timestamp() * 1000)
    assert bcrypt.checkpw(b"ann's word", ann.password_hash.encode())
    rows = await ours.log_entries(ann.id, limit=10)
    assert [row.message for row in rows] == [f"message {number} é\x00" for number in reversed(range(5))]
    assert [row.success for row in rows] == [True, False, True, False, True]
    assert len(await ours.log_entries(None, limit=10)) == 6
    outcome, user, _ = await ours.rotate_refresh(
        a_token("ann")["refresh_token_hash"], "next", arrived_at=NOW, now=NOW, expires_at=NOW + HOUR
    )
    assert (outcome, user) == (Rotation.ROTATED, ann)
    assert await contents(theirs) == before, "what is theirs stays as it is"


async def test_a_token_without_a_name_is_its_users_by_id(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage
) -> None:
    await fill(theirs)
    ann = await theirs["users"].find_one({"username": "ann"})
    assert ann is not None
    for number, written in enumerate((ann["_id"], str(ann["_id"]))):
        token = a_token(f"ann {number}")
        del token["username"]
        await theirs["tokens"].insert_one({**token, "user_id": written})
    assert (await ours.adopt_older()).took["tokens"] == 3
    here = await ours.user_named("ann")
    assert here is not None
    found = await ours.login_of_token(a_token("ann 1")["refresh_token_hash"], now=NOW)
    assert found is not None


async def test_twice_nothing_doubles_and_nobody_comes_back(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, url: str
) -> None:
    await fill(theirs)
    await ours.adopt_older()
    ann = await ours.user_named("ann")
    assert ann is not None
    assert await ours.end_login(a_token("ann")["refresh_token_hash"]) is not None
    again = await ours.adopt_older()
    assert (again.took, again.left) == ({}, [])
    assert len(await ours.log_entries(None, limit=100)) == 6
    assert await ours.login_of_token(a_token("ann")["refresh_token_hash"], now=NOW) is None, "logged out stays out"

    await ours.delete_user(ann.id)
    await theirs["users"].insert_one({"username": "bob", "password_hash": ANN_HASH, "role": "user"})
    await theirs["logs"].insert_one(a_row(9, "bob"))
    assert (await rehearsal(url)).standing == {"users": 3, "tokens": 3, "logs": 6}
    later = await ours.adopt_older()
    assert later.took == {"users": 1, "logs": 1}
    assert await ours.user_named("ann") is None
    assert await ours.user_named("bob") is not None


async def test_a_token_is_never_somebody_elses_of_that_name(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, url: str
) -> None:
    from .rig import stored_user

    await fill(theirs)
    await ours.adopt_older()
    ann = await ours.user_named("ann")
    assert ann is not None
    await ours.delete_user(ann.id)
    await stored_user(ours, username="ann")
    await theirs["tokens"].insert_one({**a_token("another of ann's"), "username": "ann"})
    assert [line.partition(": ")[2] for line in (await rehearsal(url)).left] == ["it is nobody's"]
    assert not (await ours.adopt_older()).took


async def test_who_is_here_already_is_left(theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage) -> None:
    from .rig import stored_user

    mine = await stored_user(ours, username="ann")
    await fill(theirs)
    report = await ours.adopt_older()
    assert any("there is a user of that name here" in line for line in report.left)
    assert not report.took["tokens"]
    assert await ours.user_named("ann") == mine


async def test_many_rows_taken_by_two_at_once_come_once(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, url: str, seal: Seal
) -> None:
    await fill(theirs, rows=2_000)
    other = open_storage(url, seal, SetClock())
    assert isinstance(other, MongoStorage)
    await other.start()
    await asyncio.gather(ours.adopt_older(), other.adopt_older())
    await other.stop()
    seen: list[str] = []
    before = None
    while rows := await ours.log_entries(None, limit=1_000, before=before):
        seen += [row.message for row in rows]
        before = rows[-1].number
    assert len(seen) == 2_001
    assert len(set(seen)) == 2_000
    assert (await ours.users(limit=10))[1] == 2


async def test_a_database_of_our_own_is_left_alone(ours: MongoStorage) -> None:
    assert not (await ours.adopt_older()).took


async def test_a_rehearsal_changes_nothing_in_a_database_that_never_saw_us(
    theirs: AsyncDatabase[dict[str, Any]], url: str
) -> None:
    await fill(theirs)
    before = await contents(theirs), await theirs.list_collection_names()
    assert (await rehearsal(url)).took == {"users": 2, "tokens": 1, "logs": 6}
    assert (await contents(theirs), await theirs.list_collection_names()) == before


async def test_ids_of_every_kind_are_taken_beside_each_other_and_later(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, url: str
) -> None:
    """MongoDB compares values of one kind only: what follows a text is never an ObjectId."""
    await fill(theirs, rows=3)
    ids: list[Any] = [*(f"row {number:04}" for number in range(250)), *range(5), 0.5]
    ids += [*(Binary(uuid.uuid4().bytes, 4) for _ in range(3)), *(ObjectId() for _ in range(250))]
    await theirs["logs"].insert_many([{**a_row(0), "_id": id_, "message": f"of {id_}"} for id_ in ids])
    assert (await rehearsal(url)).took["logs"] == 4 + len(ids)
    assert (await ours.adopt_older()).took["logs"] == 4 + len(ids)
    later: list[Any] = ["row 9999", 9, ObjectId()]
    await theirs["logs"].insert_many([{**a_row(0), "_id": id_} for id_ in later])
    assert (await rehearsal(url)).took["logs"] == 3
    assert (await ours.adopt_older()).took == {"logs": 3}
    assert not (await ours.adopt_older()).took


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2026-06-29T22:30:09.222+02:00", 1_782_765_009_222),
        ("2026-06-29T20:30:09.222", 1_782_765_009_222),
        (1_782_765_009, 1_782_765_009_000),
        (1_782_765_009_222, 1_782_765_009_222),
        (math.nan, None),
        (math.inf, None),
        (DatetimeMS(2**60), None),
        (dt.datetime(1, 1, 1, tzinfo=dt.UTC), None),
        ("yesterday", None),
        ({"$date": 5}, None),
    ],
)
async def test_an_odd_instant_costs_no_row_and_no_start(
    theirs: AsyncDatabase[dict[str, Any]], ours: MongoStorage, written: object, means: int | None
) -> None:
    """`means` None: it is told with the time of its taking."""
    await fill(theirs, rows=0)
    await theirs["users"].insert_one(
        {"username": "odd", "password_hash": ANN_HASH, "telegram_api_id": math.inf, "created_at": written}
    )
    await theirs["logs"].insert_one({**a_row(1, "odd"), "created_at": written})
    await ours.adopt_older()
    odd = await ours.user_named("odd")
    assert odd is not None
    (row,) = await ours.log_entries(odd.id, limit=10)
    assert odd.created_at == row.created_at == (NOW if means is None else means)
