"""The event log as every database keeps it: numbers without gaps, each thing once, and the position with its events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection
from typing import Any

import pytest

from teleflow.errors import StorageUnavailable
from teleflow.model.chats import ChatType
from teleflow.model.events import EventFilter, EventType, NewEvent, event_id
from teleflow.model.updates import BoxPosition, Face
from teleflow.storage.base import LogEnds, Storage

from .rig import NOW, stored_session, stored_user

CREATED = 1  # the number of the event that an owner's log begins with: its session was created


def an_event(session_id: str | None, number: int, type_: EventType = EventType.MESSAGE_RECEIVED) -> NewEvent:
    return NewEvent(event_id(str(session_id), type_, number), type_, session_id, NOW + number, {"n": number}, -5)


async def numbers(storage: Storage, user_id: str) -> list[int]:
    found, _ = await storage.events_after(user_id, after=0, limit=1000)
    return [event.number for event in found]


async def test_an_event_is_told_as_it_was_stored(storage: Storage) -> None:
    user, session = await owner(storage)
    assert await storage.append_events(user, [an_event(session, 1)], now=NOW, session_id=session) == 1
    (found,), looked = await storage.events_after(user, after=CREATED, limit=10)
    assert (found.number, looked, found.type, found.chat_id) == (2, 2, "message.received", -5)
    told = json.loads(found.body)
    assert told == {
        "id": found.id,
        "type": "message.received",
        "sessionId": session,
        "timestamp": told["timestamp"],
        "data": {"n": 1},
    }
    assert await storage.event_number(user, found.id) == 2
    assert await storage.event_number(user, "evt_other") is None


async def owner(storage: Storage) -> tuple[str, str]:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    return user.id, session.id


async def test_the_same_event_twice_is_one(storage: Storage) -> None:
    user, session = await owner(storage)
    batch = [an_event(session, n) for n in range(5)]
    assert await storage.append_events(user, batch, now=NOW, session_id=session) == 5
    assert await storage.append_events(user, [*batch, an_event(session, 9)], now=NOW, session_id=session) == 1
    assert await numbers(storage, user) == [1, 2, 3, 4, 5, 6, 7]


async def test_numbers_have_no_gaps_however_many_append_at_once(storage: Storage) -> None:
    user, session = await owner(storage)
    other, theirs = await owner(storage)
    await asyncio.gather(
        *[storage.append_events(user, [an_event(session, n % 90)], now=NOW, session_id=session) for n in range(180)],
        *[storage.append_events(other, [an_event(theirs, n)], now=NOW, session_id=theirs) for n in range(50)],
    )
    assert await numbers(storage, user) == list(range(1, 92))
    assert await numbers(storage, other) == list(range(1, 52))
    assert await storage.log_ends(user) == LogEnds(1, 91)
    assert await storage.count_events() == 91 + 51


async def test_nothing_is_kept_for_a_session_of_somebody_else_or_nobody(storage: Storage) -> None:
    user, session = await owner(storage)
    other, theirs = await owner(storage)
    for owner_, of in ((user, theirs), (user, "ses_none"), ("usr_none", session)):
        assert await storage.append_events(owner_, [an_event(of, 1)], now=NOW, session_id=of) is None
    assert await storage.log_ends(user) == LogEnds(CREATED, CREATED) == await storage.log_ends(other)
    assert await storage.log_ends((await stored_user(storage)).id) == LogEnds(0, 0)
    assert await storage.append_events("usr_none", [an_event(None, 1)], now=NOW) is None


async def test_a_position_comes_with_its_events_and_never_goes_back(
    storage: Storage, opening: Callable[[], Storage]
) -> None:
    user, session = await owner(storage)
    place = BoxPosition(0, 100, 3, 1_700_000_000, 7, top_message=50)
    face = Face(-100123, ChatType.CHANNEL, "News", "news", 5, admin=True)
    await storage.append_events(
        user, [an_event(session, 1)], now=NOW, session_id=session, positions=[place, BoxPosition(9, 4)], faces=[face]
    )
    older = BoxPosition(0, 99, 3, 1, 1, top_message=60)
    await storage.append_events(user, [], now=NOW, session_id=session, positions=[older])
    again = opening()
    await again.start()
    assert sorted(await again.positions(session), key=lambda one: one.box) == [place, BoxPosition(9, 4)]
    assert await again.faces(session) == [face]
    await again.stop()
    await storage.forget_positions(session)
    assert await storage.positions(session) == []


async def test_the_bell_rings_after_the_commit_and_only_then(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    user, session = await owner(storage)
    rung: list[list[int]] = []

    def ring(user_ids: Collection[str]) -> None:
        assert set(user_ids) == {user}
        rung.append([])

    storage.on_append(ring)
    await storage.append_events(user, [an_event(session, 1)], now=NOW, session_id=session)
    assert len(rung) == 1
    await storage.append_events(user, [an_event(session, 1)], now=NOW, session_id=session)
    assert len(rung) == 1, "nothing was new"


async def test_a_filter_looks_past_what_it_does_not_want(storage: Storage) -> None:
    user, session = await owner(storage)
    batch = [an_event(session, n, EventType.USER_TYPING if n % 10 else EventType.MESSAGE_READ) for n in range(100)]
    await storage.append_events(user, batch, now=NOW, session_id=session)
    wanted = EventFilter(frozenset({"message.*"}))
    found, looked = await storage.events_after(user, after=0, limit=5, wanted=wanted)
    assert ([event.number for event in found], looked) == ([2, 12, 22, 32, 42], 42)
    found, looked = await storage.events_after(user, after=looked, limit=50, wanted=wanted)
    assert ([event.number for event in found], looked) == ([52, 62, 72, 82, 92], 101), "the end of the log"
    mine = EventFilter(frozenset({"*"}), frozenset({session, "ses_other", "ses_third"}))
    assert (await storage.events_after(user, after=90, limit=500, wanted=mine))[1] == 101
    none = EventFilter(frozenset({"*"}), frozenset({"ses_other"}))
    assert await storage.events_after(user, after=0, limit=500, wanted=none) == ([], 101)


async def test_what_is_too_old_or_too_much_goes_and_numbers_stay(storage: Storage) -> None:
    user, session = await owner(storage)
    old = [an_event(session, n) for n in range(100, 110)]  # whatever their own dates are
    await storage.append_events(user, old, now=NOW, session_id=session)
    await storage.append_events(user, [an_event(session, n) for n in range(20)], now=NOW + 10, session_id=session)
    assert await storage.purge_events(before=NOW + 10, most=1000) == 11
    assert await storage.log_ends(user) == LogEnds(12, 31)
    assert await storage.purge_events(before=0, most=5) == 15
    assert await numbers(storage, user) == [27, 28, 29, 30, 31]
    assert await storage.purge_events(before=0, most=5) == 0
    assert await storage.purge_events(before=NOW + 1000, most=5) == 5
    assert await storage.log_ends(user) == LogEnds(32, 31)
    await storage.append_events(user, [an_event(session, 99)], now=NOW, session_id=session)
    assert await numbers(storage, user) == [32]


async def test_a_batch_that_fails_leaves_nothing(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    user, session = await owner(storage)
    bad: Any = BoxPosition(0, "no number", top_message=None)  # type: ignore[arg-type]
    with pytest.raises((StorageUnavailable, Exception)):
        await storage.append_events(user, [an_event(session, 1)], now=NOW, session_id=session, positions=[bad])
    assert await numbers(storage, user) == [CREATED]
    assert await storage.positions(session) == []
