"""Memory, then the database, then Telegram: and what each failure says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from teleflow.errors import Limited, NotFound, Upstream
from teleflow.fleet.directory import Directory
from teleflow.model.operations.account import GetMe
from teleflow.model.operations.contacts import Found, ImportContact, ResolvePhone
from teleflow.model.operations.peers import (
    Acquaintances,
    CheckInvite,
    ListContacts,
    LookAtGroup,
    Place,
    Resolved,
    ResolveUsername,
    WalkDialogs,
)
from teleflow.model.peers import Known, Peer, PeerKind, PeerRef, parse_ref
from teleflow.storage.base import PhoneLookup

SUPERGROUP, GROUP = -1000000000042, -7
HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0)


class Storage:
    """A table of peers, as the database keeps it."""

    def __init__(self) -> None:
        self.peers: dict[int, Known] = {}
        self.names: dict[str, tuple[Known, int]] = {}
        self.phones: dict[str, PhoneLookup] = {}
        self.writes = 0

    async def remember_peers(self, _session: str, known: Sequence[Known], *, now: int) -> None:
        self.writes += 1
        for one in known:
            self.peers[one.peer_id] = one
            if one.username:
                self.names[one.username.lower()] = (one, now)

    async def peer(self, _session: str, peer_id: int) -> Known | None:
        return self.peers.get(peer_id)

    async def peer_named(self, _session: str, username: str, *, since: int) -> Known | None:
        found = self.names.get(username)
        return found[0] if found is not None and found[1] >= since else None

    async def phone_lookup(self, _session: str, phone: str) -> PhoneLookup | None:
        return self.phones.get(phone)

    async def put_phone_lookup(self, _session: str, phone: str, known: Known | None, *, now: int) -> None:
        self.phones[phone] = PhoneLookup(known, now)


class Scene:
    def __init__(self) -> None:
        self.clock, self.storage = Clock(), Storage()
        self.asked: list[Any] = []
        self.answers: dict[type[Any], Any] = {}
        self.pages: list[Acquaintances] = []
        self.directory = self.restarted()

    def restarted(self) -> Directory:
        self.directory = Directory(self.storage, self.call, self.clock, imports_per_hour=2)
        return self.directory

    async def call(self, _session_id: str, operation: Any, *, within: float) -> Any:
        self.asked.append(operation)
        await asyncio.sleep(0)
        if isinstance(operation, WalkDialogs):
            return self.pages.pop(0)
        answer = self.answers[type(operation)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find(self, written: str | int) -> Peer:
        return await self.directory.find("ses_1", parse_ref(written), within=5)

    async def missing(self, written: str | int) -> object:
        with pytest.raises(NotFound) as raised:
            await self.find(written)
        assert raised.value.code == "PEER_NOT_FOUND"
        return raised.value.details["missing"]

    async def written(self) -> None:
        while self.directory._memory._writing:
            await asyncio.sleep(0)

    def methods(self) -> list[str]:
        return [type(one).__name__ for one in self.asked]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_username_is_asked_once_even_by_many_at_once_and_survives_a_restart(scene: Scene) -> None:
    scene.answers[ResolveUsername] = Resolved(5, (Known(5, 55, None, "Fox", "Ann"), Known(6, 66)))
    found = await asyncio.gather(*(scene.find("@fox") for _ in range(20)))
    assert set(found) == {Peer(PeerKind.USER, 5, 55)}
    assert scene.asked == [ResolveUsername("fox")]
    assert await scene.find(6) == Peer(PeerKind.USER, 6, 66), "whoever else the answer told of is known too"
    await scene.written()
    scene.restarted()
    assert await scene.find("t.me/FOX") == Peer(PeerKind.USER, 5, 55)
    assert len(scene.asked) == 1


async def test_a_username_is_asked_again_after_a_day_since_it_may_have_another_owner(scene: Scene) -> None:
    scene.answers[ResolveUsername] = Resolved(5, (Known(5, 55, None, "fox"),))
    await scene.find("@fox")
    await scene.written()
    scene.answers[ResolveUsername] = Resolved(6, (Known(6, 66, None, "fox"),))
    scene.clock.now += 25 * HOUR
    assert await scene.find("@fox") == Peer(PeerKind.USER, 6, 66)


async def test_a_further_username_of_a_peer_is_remembered_too(scene: Scene) -> None:
    scene.answers[ResolveUsername] = Resolved(5, (Known(5, 55, None, "shown"),))
    await scene.find("@other")
    await scene.find("@other")
    assert len(scene.asked) == 1


async def test_a_failure_says_what_is_missing(scene: Scene) -> None:
    scene.answers |= {
        ResolveUsername: Resolved(None),
        CheckInvite: Resolved(None),
        LookAtGroup: Resolved(None),
        ListContacts: Acquaintances((), None),
        ResolvePhone: None,
        ImportContact: None,
    }
    scene.pages = [Acquaintances((), None)]
    assert await scene.missing("@nobody") == "username"
    assert await scene.missing("t.me/+abcdefgh12") == "membership"
    assert await scene.missing(-12) == "membership"
    assert await scene.missing(99) == "access hash"
    assert await scene.missing("+15550009") == "phone"


async def test_an_unknown_id_is_looked_for_in_contacts_and_five_pages_of_dialogs(scene: Scene) -> None:
    scene.answers[ListContacts] = Acquaintances((), None)
    place = Place(1, 1, Peer(PeerKind.USER, 1, 1))
    scene.pages = [Acquaintances((Known(100 + page, page),), place) for page in range(9)]
    assert await scene.missing(99) == "access hash"
    assert scene.methods() == ["ListContacts"] + ["WalkDialogs"] * 5
    assert [one.after for one in scene.asked[1:]] == [None, *[place] * 4]
    assert await scene.find(104) == Peer(PeerKind.USER, 104, 4), "all that was met on the way is known"
    assert await scene.missing(98) == "access hash"
    assert len(scene.asked) == 6, "the next walk has to wait"
    scene.clock.now += 61
    scene.pages = [Acquaintances((Known(98, 3),), None)]
    assert await scene.find(98) == Peer(PeerKind.USER, 98, 3)


async def test_a_channel_is_looked_for_in_dialogs_only(scene: Scene) -> None:
    scene.pages = [Acquaintances((Known(SUPERGROUP, 9),), None)]
    assert await scene.find(SUPERGROUP) == Peer(PeerKind.CHANNEL, 42, 9)
    assert scene.methods() == ["WalkDialogs"]


async def test_a_group_that_has_moved_is_followed_also_after_a_restart(scene: Scene) -> None:
    moved = Known(GROUP, 0, name="Old", migrated_to=SUPERGROUP)
    scene.answers[LookAtGroup] = Resolved(GROUP, (moved, Known(SUPERGROUP, 9)))
    assert await scene.find(GROUP) == Peer(PeerKind.CHANNEL, 42, 9)
    await scene.written()
    scene.restarted()
    assert await scene.find(GROUP) == Peer(PeerKind.CHANNEL, 42, 9)
    assert len(scene.asked) == 1


async def test_a_group_that_moves_later_is_followed_when_asked_again(scene: Scene) -> None:
    scene.answers[LookAtGroup] = Resolved(GROUP, (Known(GROUP, 0, name="Old"),))
    assert await scene.find(GROUP) == Peer(PeerKind.CHAT, 7)
    moved = Known(GROUP, 0, name="Old", migrated_to=SUPERGROUP)
    scene.answers[LookAtGroup] = Resolved(GROUP, (moved, Known(SUPERGROUP, 9)))
    assert await scene.directory.find_again("ses_1", parse_ref(GROUP), within=5) == Peer(PeerKind.CHANNEL, 42, 9)


async def test_me_is_asked_once(scene: Scene) -> None:
    scene.answers[GetMe] = Found(3, 33, "+1555", None, "Me")
    assert await scene.find("me") == Peer(PeerKind.USER, 3, 33, is_self=True)
    assert await scene.find("ME") == Peer(PeerKind.USER, 3, 33, is_self=True)
    assert len(scene.asked) == 1


async def test_nobody_has_a_number_for_an_hour_and_imports_are_few(scene: Scene) -> None:
    scene.answers |= {ResolvePhone: None, ImportContact: None}
    assert await scene.missing("+15550001") == "phone"
    assert await scene.missing("+15550001") == "phone"
    assert scene.methods() == ["ResolvePhone", "ImportContact"]
    assert await scene.missing("+15550002") == "phone"
    with pytest.raises(Limited) as raised:
        await scene.find("+15550003")
    assert raised.value.code == "CONTACT_BUDGET"
    scene.clock.now += HOUR + 1
    scene.answers[ImportContact] = Found(5, 55, None, "fox", "Ann")
    assert await scene.find("+15550001") == Peer(PeerKind.USER, 5, 55)
    scene.restarted()
    assert await scene.find("+15550001") == Peer(PeerKind.USER, 5, 55)


async def test_a_data_centre_that_can_t_resolve_numbers_is_asked_the_older_way(scene: Scene) -> None:
    scene.answers |= {
        ResolvePhone: Upstream("Telegram answers METHOD_INVALID"),
        ImportContact: Found(5, 5, None, None, "A"),
    }
    assert (await scene.find("+15550001")).id == 5


async def test_what_is_no_news_is_not_written_again(scene: Scene) -> None:
    known = [Known(number, number, None, None, "x") for number in range(1, 200)]
    for _ in range(3):
        scene.directory.learn("ses_1", known)
        await scene.written()
    assert scene.storage.writes == 1
    assert len(scene.storage.peers) == 199


async def test_the_end_of_a_login_ends_what_was_known_through_it(scene: Scene) -> None:
    scene.directory.learn("ses_1", [Known(5, 55)])
    scene.directory.learn("ses_2", [Known(5, 77)])
    await scene.written()
    scene.storage.peers.clear()
    scene.directory.forget_session("ses_1")
    scene.answers[ListContacts] = Acquaintances((), None)
    scene.pages = [Acquaintances((), None)]
    assert await scene.missing(5) == "access hash"
    assert await scene.directory.find("ses_2", PeerRef(parse_ref(5).form, 5), within=5) == Peer(PeerKind.USER, 5, 77)
