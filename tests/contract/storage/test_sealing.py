"""Keys that seal are changed while everything stays readable."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from teleflow.errors import SettingsError
from teleflow.kit.seal import Seal, SealBroken, SealKey
from teleflow.model.media import FileKind, FileRef
from teleflow.storage.base import Known, Storage
from teleflow.storage.base.sealing import SealedStore
from teleflow.storage.mongo import sealing as mongo_sealing
from teleflow.storage.opening import open_storage
from teleflow.storage.sql.schema import metadata
from teleflow.storage.sql.sealing import PLACES
from teleflow.wire.files import FileIds

from .databases import Databases, MongoDatabases
from .furnished import PEERS, everything, furnish
from .rig import (
    KEY,
    NOW,
    SetClock,
    some_credentials,
)

NEW = "another sealing key, just as long as the old"


@dataclass
class House:
    """A database under the old key, and ways to open it."""

    open: Callable[[Seal], Storage]
    old: Storage
    seal: Seal


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if database == "sqlite":
        return f"file:{tmp_path / 'data' / 'teleflow.db'}"
    server = {"postgresql": "postgres", "mongodb": "mongodb", "mongodb-alone": "mongodb_alone"}[database]
    databases: Databases | MongoDatabases = request.getfixturevalue(server)
    return databases.new()


@pytest.fixture
async def house(url: str, clock: SetClock) -> AsyncIterator[House]:
    seal = Seal(KEY)
    storage = open_storage(url, seal, clock)
    await storage.start()
    yield House(lambda key: open_storage(url, key, clock), storage, seal)
    await storage.stop()


async def passed(store: SealedStore, *, pages: int | None = None) -> int:
    """Seal anew, some pages or all; how many values were."""
    changed, cursor = 0, None
    while pages is None or pages > 0:
        page = await store.seal_anew(cursor, limit=20)
        assert page.broken == []
        changed += page.changed
        cursor = page.cursor
        if cursor is None:
            return changed
        pages = None if pages is None else pages - 1
    return changed


async def under(store: SealedStore, *, opening: bool = False) -> tuple[Counter[str], list[str]]:
    counted: Counter[str] = Counter()
    broken: list[str] = []
    cursor = None
    while True:
        page = await store.look_at_sealed(cursor, opening=opening, limit=20)
        for (_, key), count in page.under.items():
            counted[key] += count
        broken += page.broken
        cursor = page.cursor
        if cursor is None:
            return counted, broken


def sealed(storage: Storage) -> SealedStore:
    assert isinstance(storage, SealedStore)
    return storage


def test_every_sealed_column_has_its_place() -> None:
    known = {place.name for place in PLACES}
    columns = {f"{t.name}.{c.name}" for t in metadata.tables.values() for c in t.c if c.info.get("sealed")}
    assert columns == known - {"broadcasts.plan"}
    assert len(columns) == 12
    assert {place.name for place in mongo_sealing.PLACES} == known


async def test_all_of_it_is_sealed_anew_and_reads_the_same_by_the_new_key_alone(house: House) -> None:
    who = await furnish(house.old, house.seal)
    before = await everything(house.old, *who)
    both = Seal(NEW, [KEY])
    new = house.open(both)
    await new.start()
    assert await everything(new, *who) == before, "by both keys, before anything is done"
    await sealed(new).admit_seal_key(both.check)
    assert await sealed(new).seal_checks() == {house.seal.check, both.check}
    assert await passed(sealed(new), pages=4) > 0, "and there it was killed"
    counted, broken = await under(sealed(new), opening=True)
    assert broken == []
    assert set(counted) == {house.seal.key_id.hex(), both.key_id.hex()}
    total = sum(counted.values())
    assert total == PEERS + 12
    assert await passed(sealed(new)) > 0
    assert await passed(sealed(new)) == 0, "nothing is done twice"
    assert (await under(sealed(new)))[0] == {both.key_id.hex(): total}
    await sealed(new).settle_seal_keys(both.check)
    await new.stop()
    alone = house.open(Seal(NEW))
    await alone.start()
    assert await everything(alone, *who) == before
    (listed,) = await alone.broadcasts(who[0].id, limit=5)
    assert Seal(NEW).is_current(_raw(listed.plan.file_id))
    await alone.stop()


def _raw(token: str | None) -> bytes:
    assert token is not None
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


async def test_while_keys_are_changed_both_are_needed(house: House) -> None:
    both = Seal(NEW, [KEY])
    new = house.open(both)
    await new.start()
    await sealed(new).admit_seal_key(both.check)
    await sealed(new).admit_seal_key(both.check)
    await new.stop()
    for key in (KEY, NEW):
        with pytest.raises(SettingsError) as raised:
            await house.open(Seal(key)).start()
        assert "SESSION_ENCRYPTION_KEY_OLD" in raised.value.message
    with pytest.raises(SettingsError) as raised:
        await house.open(Seal("a third one, and nobody has ever seen it")).start()
    assert "not the one" in raised.value.message
    await new.start()
    await sealed(new).settle_seal_keys(both.check)
    await new.stop()
    with pytest.raises(SettingsError):
        await house.open(Seal(KEY)).start()


async def test_what_the_service_writes_meanwhile_stays(house: House) -> None:
    """The service opens with both keys and seals with the new one, as after a new key was made beside it."""
    who = await furnish(house.old, house.seal)
    house.seal.use(SealKey(NEW))
    fresh = some_credentials()
    await house.old.save_credentials(who[1], fresh)
    rotating = house.open(Seal(NEW, [KEY]))
    await rotating.start()
    await passed(sealed(rotating))
    assert await rotating.credentials(who[1]) == fresh
    assert await house.old.credentials(who[1]) == fresh
    await rotating.stop()


async def test_a_value_that_does_not_open_is_told_and_left(house: House) -> None:
    user, session_id, _ = await furnish(house.old, house.seal)
    stranger = Seal("a third one, and nobody has ever seen it")
    cast("Any", house.old)._seal = stranger
    await house.old.remember_peers(session_id, [Known(5, 5)], now=NOW)
    cast("Any", house.old)._seal = house.seal
    _, broken = await under(sealed(house.old), opening=True)
    assert broken == [f"peers.access_hash of {session_id}/5"]
    rotating = house.open(Seal(NEW, [KEY]))
    await rotating.start()
    told, cursor = [], None
    while True:
        page = await sealed(rotating).seal_anew(cursor, limit=500)
        told += page.broken
        cursor = page.cursor
        if cursor is None:
            break
    assert told == broken
    with pytest.raises(SealBroken):
        await rotating.peer(session_id, 5)
    assert await rotating.user(user.id) == user
    await rotating.stop()


def test_an_id_of_a_file_of_before_opens_while_the_old_key_is_there() -> None:
    seal = Seal(KEY)
    file = FileRef(FileKind.PHOTO, 1, 2, b"r", 2, "x", 3, 4, 5, "image/jpeg", "n", ())
    token = FileIds(seal).token("ses_1", file)
    both = Seal(NEW, [KEY])
    assert FileIds(both).read("ses_1", token) == file
    assert FileIds(both).token("ses_1", file) != token
