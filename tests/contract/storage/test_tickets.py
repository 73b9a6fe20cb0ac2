"""One-time tickets as they are stored: taken once, gone with their time and with their user."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from teleflow.errors import NotFound
from teleflow.model.tickets import StreamTicket, new_ticket, ticket_hash
from teleflow.storage.base import Storage

from .rig import NOW, stored_user


def a_ticket(user_id: str, **changes: Any) -> StreamTicket:
    made = StreamTicket(
        ticket_hash(new_ticket()), user_id, "lgn_x", frozenset({"message.*", "*"}), None, None, NOW + 30_000
    )
    return dataclasses.replace(made, **changes)


async def test_a_ticket_comes_back_as_it_was_and_once(storage: Storage) -> None:
    user = await stored_user(storage)
    ticket = a_ticket(user.id, session_id="ses_x", until=NOW + 5)
    assert await storage.add_ticket(ticket, now=NOW, most=1)
    assert await storage.take_ticket("another", now=NOW) is None
    taken = await asyncio.gather(*(storage.take_ticket(ticket.hash, now=NOW) for _ in range(10)))
    assert [one for one in taken if one is not None] == [ticket]


async def test_a_ticket_ends_by_itself(storage: Storage) -> None:
    user = await stored_user(storage)
    ticket = a_ticket(user.id)
    assert await storage.add_ticket(ticket, now=NOW, most=1)
    assert await storage.take_ticket(ticket.hash, now=ticket.expires_at) is None
    await storage.sweep(now=ticket.expires_at)
    assert await storage.take_ticket(ticket.hash, now=NOW) is None


async def test_a_user_has_so_many_that_nobody_took_and_others_are_none_of_theirs(storage: Storage) -> None:
    user, other = await stored_user(storage), await stored_user(storage)
    first = a_ticket(user.id)
    assert await storage.add_ticket(first, now=NOW, most=2)
    assert await storage.add_ticket(a_ticket(user.id), now=NOW, most=2)
    assert not await storage.add_ticket(a_ticket(user.id), now=NOW, most=2)
    assert await storage.add_ticket(a_ticket(other.id), now=NOW, most=2)
    assert await storage.take_ticket(first.hash, now=NOW) == first
    assert await storage.add_ticket(a_ticket(user.id), now=NOW, most=2)
    assert await storage.add_ticket(a_ticket(user.id, expires_at=NOW + 90_000), now=NOW + 30_000, most=1)


async def test_tickets_go_with_their_user(storage: Storage) -> None:
    user = await stored_user(storage)
    ticket = a_ticket(user.id)
    assert await storage.add_ticket(ticket, now=NOW, most=5)
    await storage.delete_user(user.id)
    assert await storage.take_ticket(ticket.hash, now=NOW) is None
    with pytest.raises(NotFound):
        await storage.add_ticket(a_ticket(user.id), now=NOW, most=5)
