"""Logins and refresh tokens: one winner, harmless losers, and no second life for a stolen token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from teleflow.errors import Conflict
from teleflow.model.users import User
from teleflow.storage.base import Rotation, Storage

from .rig import HOUR, NOW, SetClock, a_login, stored_user


async def logged_in(storage: Storage) -> tuple[User, str, str]:
    """A user, their login's id and their refresh token's hash."""
    user = await stored_user(storage)
    login, token = a_login(user)
    await storage.add_login(login, token)
    return user, login.id, token.hash


async def rotate(
    storage: Storage, old: str, new: str, *, arrived_at: int = NOW, now: int = NOW, until: int = NOW + 2 * HOUR
) -> Rotation:
    outcome, _, _ = await storage.rotate_refresh(old, new, arrived_at=arrived_at, now=now, expires_at=until)
    return outcome


async def test_a_login_names_its_user_while_it_lives(storage: Storage) -> None:
    user, login_id, _ = await logged_in(storage)
    assert await storage.login_user(login_id, now=NOW) == user
    assert await storage.login_user(login_id, now=NOW + HOUR) is None
    assert await storage.login_user("lgn_none", now=NOW) is None


async def test_a_rotation_replaces_the_token_and_prolongs_the_login(storage: Storage) -> None:
    user, login_id, token = await logged_in(storage)
    assert await storage.rotate_refresh(token, "next", arrived_at=NOW, now=NOW, expires_at=NOW + 5 * HOUR) == (
        Rotation.ROTATED,
        user,
        login_id,
    )
    assert await storage.login_user(login_id, now=NOW + 4 * HOUR) == user
    assert await rotate(storage, "next", "third", now=NOW + 4 * HOUR, until=NOW + 9 * HOUR) is Rotation.ROTATED


async def test_unknown_and_expired_tokens_are_unknown(storage: Storage) -> None:
    _, login_id, token = await logged_in(storage)
    assert await rotate(storage, "none", "next") is Rotation.UNKNOWN
    assert await rotate(storage, token, "next", now=NOW + HOUR) is Rotation.UNKNOWN
    assert await storage.login_user(login_id, now=NOW) is not None


async def test_a_used_token_that_comes_back_ends_its_login(storage: Storage, clock: SetClock) -> None:
    user, login_id, token = await logged_in(storage)
    other, others_token = a_login(user)
    await storage.add_login(other, others_token)
    await rotate(storage, token, "next")
    clock.now = NOW + 1
    outcome, told, ended = await storage.rotate_refresh(
        token, "thief", arrived_at=NOW + 1, now=NOW + 1, expires_at=NOW + HOUR
    )
    assert (outcome, told, ended) == (Rotation.REUSED, user, login_id)
    assert await storage.login_user(login_id, now=NOW) is None
    assert await rotate(storage, "next", "later") is Rotation.UNKNOWN
    assert await rotate(storage, "thief", "later") is Rotation.UNKNOWN
    assert await storage.login_user(other.id, now=NOW) == user, "another login of theirs lives on"


async def test_of_a_hundred_parallel_uses_exactly_one_wins_and_nobody_is_harmed(storage: Storage) -> None:
    _, login_id, token = await logged_in(storage)
    outcomes = await asyncio.gather(*[rotate(storage, token, f"next {number}") for number in range(100)])
    assert outcomes.count(Rotation.ROTATED) == 1
    assert outcomes.count(Rotation.LOST_RACE) == 99
    winner = outcomes.index(Rotation.ROTATED)
    assert await storage.login_user(login_id, now=NOW) is not None
    assert await rotate(storage, f"next {winner}", "after") is Rotation.ROTATED
    assert await rotate(storage, f"next {(winner + 1) % 100}", "after") is Rotation.UNKNOWN


async def test_a_use_that_arrived_before_the_winner_was_stored_is_harmless(storage: Storage, clock: SetClock) -> None:
    """The winner's `now` is older than the loser's arrival; the winner's commit is younger."""
    _, login_id, token = await logged_in(storage)
    clock.now = NOW + 20
    assert await rotate(storage, token, "next", arrived_at=NOW, now=NOW) is Rotation.ROTATED
    clock.now = NOW + 50
    assert await rotate(storage, token, "late", arrived_at=NOW + 15, now=NOW + 50) is Rotation.LOST_RACE
    assert await storage.login_user(login_id, now=NOW) is not None
    assert await rotate(storage, token, "later", arrived_at=NOW + 21, now=NOW + 50) is Rotation.REUSED


async def test_a_parallel_use_is_harmless_even_when_the_winner_hangs_up(storage: Storage, clock: SetClock) -> None:
    _, login_id, token = await logged_in(storage)
    winner = asyncio.ensure_future(rotate(storage, token, "next"))
    await asyncio.sleep(0)
    winner.cancel()
    outcome = await rotate(storage, token, "second", arrived_at=NOW + 5, now=NOW + 5)
    assert outcome is Rotation.LOST_RACE
    assert await storage.login_user(login_id, now=NOW) is not None


async def test_reuse_is_known_after_a_restart(storage: Storage, opening: Callable[[], Storage]) -> None:
    _, _, token = await logged_in(storage)
    await rotate(storage, token, "next")
    await storage.stop()
    again = opening()
    await again.start()
    try:
        assert await rotate(again, token, "thief", arrived_at=NOW + 1) is Rotation.REUSED
    finally:
        await again.stop()


async def test_a_successor_that_exists_already_changes_nothing(storage: Storage) -> None:
    _, _, token = await logged_in(storage)
    _, _, other = await logged_in(storage)
    with pytest.raises(Conflict):
        await rotate(storage, token, other)
    assert await rotate(storage, token, "next") is Rotation.ROTATED


async def test_logging_out_ends_the_login_of_a_live_and_of_a_used_token(storage: Storage) -> None:
    _, login_id, token = await logged_in(storage)
    await rotate(storage, token, "next")
    assert await storage.end_login(token) == login_id
    assert await storage.end_login(token) is None
    assert await storage.login_user(login_id, now=NOW) is None
    assert await rotate(storage, "next", "later") is Rotation.UNKNOWN


async def test_logins_end_by_id_and_all_at_once_for_their_user_only(storage: Storage) -> None:
    user, login_id, _ = await logged_in(storage)
    second, token = a_login(user)
    await storage.add_login(second, token)
    _, foreign, _ = await logged_in(storage)
    assert await storage.end_login_id(login_id)
    assert not await storage.end_login_id(login_id)
    assert await storage.end_logins(user.id) == [second.id]
    assert await storage.end_logins(user.id) == []
    assert await storage.login_user(foreign, now=NOW) is not None
