"""Many callers at once, and odd texts: what a transaction of many units promises on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from teleflow.errors import Conflict
from teleflow.storage.base import Storage

from .rig import a_job, a_user, accept, stored_user


async def test_a_unit_that_is_refused_is_undone_alone(storage: Storage) -> None:
    user = await stored_user(storage)
    jobs = [a_job(user) for _ in range(20)]
    outcomes = await asyncio.gather(
        *[accept(storage, job) for job in jobs[:10]],
        storage.add_user(a_user(username=user.username)),
        *[accept(storage, job) for job in jobs[10:]],
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [Conflict]
    assert await storage.open_jobs() == 20


async def test_cancelled_callers_do_not_disturb_their_batch(storage: Storage) -> None:
    user = await stored_user(storage)
    jobs = [a_job(user) for _ in range(30)]
    tasks = [asyncio.ensure_future(accept(storage, job)) for job in jobs]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, asyncio.CancelledError):
            continue
        assert await storage.send_job(user.id, job.id) == job
    await accept(storage, a_job(user))


async def test_stopping_finishes_what_was_taken(storage: Storage, opening: Callable[[], Storage]) -> None:
    user = await stored_user(storage)
    tasks = [asyncio.ensure_future(accept(storage, a_job(user))) for _ in range(500)]
    await asyncio.sleep(0)
    await storage.stop()
    accepted = [outcome for outcome in await asyncio.gather(*tasks) if not outcome.replayed]
    again = opening()
    await again.start()
    assert await again.open_jobs() == len(accepted) == 500
    await again.stop()


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "\x00",
        "\ufdd0",
        "\ufdd00\x00\ufdd0m",
        "\U0001f469\u200d\U0001f692",
        "'; DROP TABLE users; --",
        "\u202e\ufeff",
    ],
)
async def test_odd_texts_come_back_whole(storage: Storage, text: str) -> None:
    user = await stored_user(storage, description=text)
    job = a_job(user, text=text)
    await accept(storage, job, key=text)
    assert await storage.user(user.id) == user
    assert await storage.send_job(user.id, job.id) == job
    assert (await accept(storage, a_job(user), key=text)).job.id == job.id


async def test_large_values_come_back_whole(storage: Storage) -> None:
    user = await stored_user(storage)
    job = a_job(user, text="ü" * 1_000_000)
    await accept(storage, job)
    assert await storage.send_job(user.id, job.id) == job
