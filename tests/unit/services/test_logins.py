from __future__ import annotations

import asyncio
from typing import Any

import pytest

from teleflow.errors import StorageUnavailable
from teleflow.model.users import Role, User
from teleflow.services.logins import LiveLogins
from tests.unit.services.clocks import ManualClock

JOHN = User("usr_1", "john", Role.USER, "", None, None, None, None, 0)


class Rows:
    """The one read that is needed, held up by the test when it wants."""

    def __init__(self) -> None:
        self.user: User | None = JOHN
        self.reads = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def login_user(self, login_id: str, *, now: int) -> User | None:
        self.reads += 1
        user = self.user
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return user


def make() -> tuple[LiveLogins, Rows, ManualClock]:
    rows, clock = Rows(), ManualClock()
    storage: Any = rows
    return LiveLogins(storage, clock), rows, clock


async def test_a_login_is_read_once_a_second_at_most() -> None:
    logins, rows, clock = make()
    assert logins.fresh("l") is None
    for _ in range(3):
        login = await logins.get("l")
        assert login is not None
        assert login.principal.username == "john"
    assert rows.reads == 1
    clock.now += 0.99
    assert logins.fresh("l") is not None
    clock.now += 0.01
    assert logins.fresh("l") is None
    await logins.get("l")
    assert rows.reads == 2


async def test_many_callers_share_one_read() -> None:
    logins, rows, _ = make()
    rows.gate = asyncio.Event()
    callers = [asyncio.create_task(logins.get("l")) for _ in range(50)]
    await asyncio.sleep(0)
    rows.gate.set()
    assert all(login is not None for login in await asyncio.gather(*callers))
    assert rows.reads == 1


async def test_what_ended_here_is_not_believed_from_a_read_that_began_before() -> None:
    logins, rows, _ = make()
    rows.gate = asyncio.Event()
    early = asyncio.create_task(logins.get("l"))
    await asyncio.sleep(0)
    rows.user = None  # it ends while the first read is under way
    logins.forget("l")
    late = asyncio.create_task(logins.get("l"))
    await asyncio.sleep(0)
    rows.gate.set()
    await early
    assert await late is None
    assert logins.fresh("l") is None


async def test_the_logins_of_a_user_are_forgotten_together() -> None:
    logins, _, _ = make()
    await logins.get("a")
    await logins.get("b")
    logins.forget_user("usr_2")
    assert logins.fresh("a") is not None
    logins.forget_user("usr_1")
    assert logins.fresh("a") is logins.fresh("b") is None


async def test_a_failed_read_is_told_and_the_next_caller_reads() -> None:
    logins, rows, _ = make()
    rows.error = StorageUnavailable("gone")
    rows.gate = asyncio.Event()
    first, second = asyncio.create_task(logins.get("l")), asyncio.create_task(logins.get("l"))
    await asyncio.sleep(0)
    rows.gate.set()
    for caller in (first, second):
        with pytest.raises(StorageUnavailable):
            await caller
    rows.error = None
    assert await logins.get("l") is not None


async def test_a_reader_who_hangs_up_leaves_the_others_their_answer() -> None:
    logins, rows, _ = make()
    rows.gate = asyncio.Event()
    first, second = asyncio.create_task(logins.get("l")), asyncio.create_task(logins.get("l"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    rows.gate.set()
    assert await second is not None
