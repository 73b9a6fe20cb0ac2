"""A database is copied into another one, of the same kind or not: all of it, or nobody can use what is there."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from teleflow.errors import Conflict, Internal, SettingsError
from teleflow.kit.seal import Seal
from teleflow.model.audit import Act, AuditEntry
from teleflow.ops import copying
from teleflow.storage.base.database import Database, Row
from teleflow.storage.opening import open_database, open_storage

from .complete import INSTALLATION, complete
from .databases import Databases, MongoDatabases
from .furnished import everything, furnish
from .rig import KEY, NOW, SetClock, a_job, accept

SERVERS = {"postgresql": "postgres", "mongodb": "mongodb", "mongodb-alone": "mongodb_alone"}
KINDS = ("sqlite", *SERVERS)
# Rows have one form in between, so each kind from and to one other, and some more, are all there is to be wrong.
PAIRS = (
    *(("sqlite", kind) for kind in KINDS),
    *((kind, "sqlite") for kind in KINDS[1:]),
    ("postgresql", "mongodb"),
    ("mongodb", "mongodb-alone"),
    ("mongodb-alone", "postgresql"),
)
ODD = "NUL \x00, a noncharacter \ufdd0m, and an astral \U0001f984"


@pytest.fixture
def new(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URL of an empty database of this kind."""

    def of(kind: str) -> str:
        if kind == "sqlite":
            return f"file:{tmp_path / f'{random.random()}.db'}"
        databases: Databases | MongoDatabases = request.getfixturevalue(SERVERS[kind])
        return databases.new()

    return of


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest, new: Callable[[str], str]) -> tuple[str, str]:
    return new(request.param[0]), new(request.param[1])


@pytest.fixture(params=KINDS)
def one_of_each(request: pytest.FixtureRequest, new: Callable[[str], str]) -> str:
    return new(request.param)


def quiet(_: str) -> None:
    pass


async def test_all_of_it_is_there_and_goes_on(pair: tuple[str, str], clock: SetClock) -> None:
    source, target = pair
    seal = Seal(KEY)
    storage = open_storage(source, seal, clock)
    await storage.start()
    who = await complete(storage, seal)
    odd = a_job(who[0], who[1], text=ODD)
    await accept(storage, odd)
    before = await everything(storage, *who)
    await storage.stop()

    one, other = open_database(source), open_database(target)
    assert await one.problems(quiet) == []
    counts = await copying.copied_between(one, other, "a copy that did not end", quiet)
    there = await other.look()
    assert there is not None
    assert (there.incomplete, there.is_current, there.installation) == (None, True, INSTALLATION)
    assert min(counts.values()) > 0, "every table has a row that went"
    assert {name: count for name, count in there.rows.items() if name != "facts"} == {
        name: count for name, count in counts.items() if name != "facts"
    }
    assert await other.problems(quiet) == []
    with pytest.raises(Conflict) as raised:
        await copying.copied_between(one, other, "again", quiet)
    assert raised.value.code == "TARGET_NOT_EMPTY"

    copied = open_storage(target, seal, clock)
    await copied.start()
    assert await everything(copied, *who) == before
    text = await copied.send_job(who[0].id, odd.id)
    assert text is not None
    assert text.content.text == ODD
    await copied.add_audit(AuditEntry(Act.LOGGED_IN, NOW, user_id=who[0].id, actor="b", details={}))
    entries = await copied.audit_entries(limit=10)
    assert [entry.actor for entry in entries][:2] == ["b", "a"], "a new row has a number of its own"
    await accept(copied, a_job(who[0], who[1]))
    await copied.stop()


async def test_half_a_copy_is_served_by_nobody_and_begins_again(
    new: Callable[[str], str], one_of_each: str, clock: SetClock
) -> None:
    source, target = new("sqlite"), one_of_each
    seal = Seal(KEY)
    storage = open_storage(source, seal, clock)
    await storage.start()
    who = await furnish(storage, seal)
    before = await everything(storage, *who)
    await storage.stop()
    one, other = open_database(source), open_database(target)

    class Killed(Exception):
        pass

    def until_peers(line: str) -> None:
        if "of peers" in line:
            raise Killed

    with pytest.raises(Killed):
        await copying.copied_between(one, other, "a copy that did not end", until_peers)
    standing = await other.look()
    assert standing is not None
    assert standing.incomplete == "a copy that did not end"
    assert standing.rows["peers"] > 0
    with pytest.raises(SettingsError) as raised:
        await open_storage(target, seal, clock).start()
    assert "not whole" in raised.value.message
    await copying.copied_between(one, other, "a copy that did not end", quiet)
    copied = open_storage(target, seal, clock)
    await copied.start()
    assert await everything(copied, *who) == before
    await copied.stop()


@pytest.mark.parametrize("kind", ["mongodb", "mongodb-alone"])
async def test_there_and_back_each_row_is_the_same(kind: str, new: Callable[[str], str], clock: SetClock) -> None:
    made = new("sqlite")
    first, between, last = open_database(made), open_database(new(kind)), open_database(new("sqlite"))
    storage = open_storage(made, Seal(KEY), clock)
    await storage.start()
    await complete(storage, Seal(KEY))
    await storage.stop()
    await copying.copied_between(first, between, "mark", quiet)
    await copying.copied_between(between, last, "mark", quiet)
    assert await all_rows(last) == await all_rows(first)


async def all_rows(database: Database) -> dict[str, list[Row]]:
    """In the order of the tables' keys; without what tells of the database itself."""
    async with database.source() as source:
        return {
            name: [row for row in await source.page(name, None, 10_000) if row[0] not in copying.OWN_FACTS]
            for name in source.tables()
        }


async def test_rows_that_came_otherwise_are_noticed(new: Callable[[str], str], clock: SetClock) -> None:
    seal = Seal(KEY)
    source, target = new("sqlite"), new("sqlite")
    storage = open_storage(source, seal, clock)
    await storage.start()
    await furnish(storage, seal)
    await storage.stop()
    one: Database = open_database(source)
    async with one.source() as rows, open_database(target).target() as into:

        class Falsifying:
            def __getattr__(self, name: str) -> object:
                return getattr(into, name)

            async def put(self, table: str, page: list[Row]) -> None:
                if table == "users":
                    page = [(row[0], "eve", *row[2:]) for row in page]
                await into.put(table, page)

        with pytest.raises(Internal) as raised:
            await copying.copy(rows, Falsifying(), "mark", quiet)  # type: ignore[arg-type]
    assert raised.value.code == "COPY_DIFFERS"
    standing = await open_database(target).look()
    assert standing is not None
    assert standing.incomplete == "mark"


async def test_a_source_is_of_one_moment(one_of_each: str, clock: SetClock) -> None:
    seal = Seal(KEY)
    storage = open_storage(one_of_each, seal, clock)
    await storage.start()
    user, session_id, _ = await furnish(storage, seal)
    async with open_database(one_of_each).source() as rows:
        before = await rows.count("send_jobs")
        await accept(storage, a_job(user, session_id))
        assert await rows.count("send_jobs") == before
        assert len(await rows.page("send_jobs", None, 100)) == before
    await storage.stop()
