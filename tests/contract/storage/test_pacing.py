"""Waits and first contacts outlive the process that learnt of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from teleflow.model.pacing import Hold
from teleflow.storage.base import Storage

from .rig import NOW, stored_session, stored_user

DAY = 86_400_000


def a_hold(session_id: str, scope: str = "7", **changes: object) -> Hold:
    hold = Hold(session_id, "messages.sendMessage", scope, NOW + 60_000, "limited", "TELEGRAM_FLOOD_WAIT", "wait")
    return replace(hold, **changes)  # type: ignore[arg-type]


async def test_a_hold_is_there_after_a_restart_until_it_is_over(
    storage: Storage, opening: Callable[[], Storage]
) -> None:
    session = await stored_session(storage, await stored_user(storage))
    hold = a_hold(session.id)
    await storage.put_hold(replace(hold, until=NOW + 1))
    await storage.put_hold(hold)
    await storage.put_hold(a_hold(session.id, "", until=NOW))
    await storage.put_hold(a_hold("ses_gone"))
    again = opening()
    await again.start()
    try:
        assert await again.holds(now=NOW, limit=10) == [hold]
        assert await again.holds(now=NOW + 60_000, limit=10) == []
    finally:
        await again.stop()


async def test_holds_come_in_pages_and_go_with_their_session(storage: Storage) -> None:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    holds = [a_hold(session.id, str(number)) for number in range(10, 15)]
    for hold in holds:
        await storage.put_hold(hold)
    first = await storage.holds(now=NOW, limit=3)
    assert first + await storage.holds(now=NOW, limit=3, after=first[-1]) == holds
    await storage.delete_session(user.id, session.id)
    assert await storage.holds(now=NOW, limit=10) == []


async def test_the_sweep_takes_holds_that_are_over(storage: Storage) -> None:
    session = await stored_session(storage, await stored_user(storage))
    await storage.put_hold(a_hold(session.id))
    assert await storage.sweep(now=NOW) == 0
    assert await storage.sweep(now=NOW + 60_000) == 1


async def test_first_contacts_are_counted_exactly_however_many_come_at_once(storage: Storage) -> None:
    session = await stored_session(storage, await stored_user(storage))
    other = await stored_session(storage, await stored_user(storage))
    spent = await asyncio.gather(
        *[
            storage.spend_first_contact(session.id, number, now=NOW + number, since=NOW - DAY, most=5)
            for number in range(1, 21)
        ]
    )
    assert spent.count(None) == 5
    assert await storage.count_first_contacts(session.id, since=NOW - DAY) == 5
    assert await storage.count_first_contacts(session.id, since=NOW + DAY) == 0
    assert await storage.count_first_contacts(other.id, since=0) == 0
    assert await storage.spend_first_contact(session.id, 1, now=NOW + 99, since=NOW - DAY, most=5) is None
    assert await storage.spend_first_contact(session.id, 99, now=NOW + 99, since=NOW - DAY, most=5) == NOW + 1
    assert await storage.spend_first_contact(other.id, 99, now=NOW, since=NOW - DAY, most=5) is None
    assert await storage.spend_first_contact(session.id, 99, now=NOW + DAY, since=NOW + 1, most=5) is None


async def test_people_one_has_talked_to_are_not_counted(storage: Storage) -> None:
    session = await stored_session(storage, await stored_user(storage))
    await storage.note_acquaintance(session.id, 7, now=NOW)
    await storage.note_acquaintance("ses_gone", 7, now=NOW)
    assert await storage.is_acquainted(session.id, 7)
    assert not await storage.is_acquainted(session.id, 8)
    assert await storage.spend_first_contact(session.id, 7, now=NOW, since=NOW - DAY, most=0) is None
    assert await storage.spend_first_contact(session.id, 8, now=NOW, since=NOW - DAY, most=0) == NOW
