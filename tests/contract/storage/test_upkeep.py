"""What the installation remembers, what is swept away, and that a key must be the right one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from teleflow.errors import StorageUnavailable
from teleflow.storage.base import Rotation, Storage

from .rig import HOUR, NOW, a_job, a_login, accept, an_attempt, stored_session, stored_user


async def test_a_fact_is_stored_once(storage: Storage) -> None:
    values = await asyncio.gather(*[storage.remember("first", str(number)) for number in range(20)])
    assert len(set(values)) == 1
    assert await storage.remembered("first") == values[0]
    assert await storage.remembered("second") is None


async def test_facts_survive_a_restart(storage: Storage, opening: Callable[[], Storage]) -> None:
    await storage.remember("first", "1 🙂")
    await storage.stop()
    again = opening()
    await again.start()
    try:
        assert await again.remembered("first") == "1 🙂"
    finally:
        await again.stop()


async def test_the_sweep_takes_what_has_expired_and_nothing_else(storage: Storage) -> None:
    user = await stored_user(storage)
    expired, living = a_login(user, expires_at=NOW), a_login(user, expires_at=NOW + 1)
    for login, token in (expired, living):
        await storage.add_login(login, token)
    done, open_ = await stored_session(storage, user), await stored_session(storage, user)
    await storage.put_attempt(an_attempt(done, expires_at=NOW))
    await storage.put_attempt(an_attempt(open_, expires_at=NOW + 1))
    await storage.note_code_request("+1", now=NOW - 24 * HOUR)
    await storage.note_code_request("+1", now=NOW - 23 * HOUR)
    old = a_job(user, created_at=NOW - 72 * HOUR)
    young = a_job(user, created_at=NOW - 71 * HOUR)
    await accept(storage, old, key="old")
    await accept(storage, young, key="young")

    assert await storage.sweep(now=NOW) >= 4
    assert await storage.sweep(now=NOW) == 0

    outcome, _, _ = await storage.rotate_refresh(
        expired[1].hash, "next", arrived_at=0, now=NOW - HOUR, expires_at=NOW + HOUR
    )
    assert outcome is Rotation.UNKNOWN
    assert await storage.login_user(living[0].id, now=NOW) == user
    assert await storage.attempt(done.id) is None
    assert await storage.attempt(open_.id) is not None
    assert await storage.codes_requested("+1", since=0) == 1
    assert (await accept(storage, a_job(user), key="young")).replayed
    assert not (await accept(storage, a_job(user), key="old")).replayed
    assert await storage.send_job(user.id, old.id) == old


async def test_a_sweep_is_bounded_and_gets_through(storage: Storage) -> None:
    await asyncio.gather(*[storage.note_code_request("+1", now=NOW - 24 * HOUR) for _ in range(1_200)])
    swept = []
    while count := await storage.sweep(now=NOW):
        swept.append(count)
    assert sum(swept) == 1_200
    assert max(swept) <= 500


async def test_it_answers_while_it_is_open(storage: Storage) -> None:
    await storage.ping()
    await storage.stop()
    with pytest.raises(StorageUnavailable):
        await storage.ping()
    with pytest.raises(StorageUnavailable):
        await storage.remember("a", "b")
    with pytest.raises(StorageUnavailable):
        await storage.open_jobs()
    await storage.stop()
