"""Units that are handed in at once, and may go beside each other: it comes to the same as one after the other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from teleflow.kit.seal import Seal
from teleflow.model.events import EventFilter
from teleflow.model.webhooks import Due, Ordering
from teleflow.storage.base import Storage
from teleflow.storage.sql import open_storage

from .databases import Databases
from .hooks import claimed, settle, stored
from .rig import NOW, SENT, SetClock, a_job, accept, stored_session, stored_user
from .test_events import an_event, numbers


async def test_one_key_at_once_is_one_job_among_others(storage: Storage) -> None:
    user = await stored_user(storage)
    same = [a_job(user) for _ in range(5)]
    others = [a_job(user) for _ in range(20)]
    told = await asyncio.gather(
        *[accept(storage, job, key="once") for job in same], *[accept(storage, job) for job in others]
    )
    assert {one.job.id for one in told[:5]} == {same[0].id}
    assert [one.replayed for one in told] == [False, *[True] * 4, *[False] * 20]
    assert await storage.open_jobs() == 21
    logged = await storage.log_entries(user.id, limit=100)
    assert [entry.number for entry in logged] == sorted((entry.number for entry in logged), reverse=True)
    assert len(logged) == 21


async def test_outcomes_and_updates_at_once_leave_no_gap(storage: Storage) -> None:
    users = [await stored_user(storage) for _ in range(3)]
    sessions = [await stored_session(storage, user) for user in users]
    jobs = [a_job(user) for user in users for _ in range(10)]
    await asyncio.gather(*[accept(storage, job) for job in jobs])
    both = list(zip(users, sessions, strict=True))
    await asyncio.gather(
        *[storage.settle_send(job.id, SENT, now=NOW) for job in jobs[::2]],
        *[
            storage.append_events(user.id, [an_event(session.id, n), an_event(session.id, n + 1)], now=NOW,
                                  session_id=session.id)
            for user, session in both for n in range(5)
        ],
        *[storage.settle_send(job.id, SENT, now=NOW) for job in [*jobs[1::2], *jobs[::3], a_job(users[0])]],
    )  # fmt: skip
    for user in users:
        assert await numbers(storage, user.id) == list(range(1, 1 + 1 + 6 + 10)), "created, six updates, ten outcomes"
    assert await storage.open_jobs() == 0


async def test_outcomes_of_one_user_at_once_keep_the_order_of_their_webhook(storage: Storage) -> None:
    user = await stored_user(storage)
    some = await stored(storage, user, ordering=Ordering.SESSION, wanted=EventFilter(frozenset({"job.failed"})))
    every = await stored(storage, user, ordering=Ordering.SESSION, wanted=EventFilter(frozenset({"*"})))
    jobs = [a_job(user) for _ in range(20)]
    await asyncio.gather(*[accept(storage, job) for job in jobs])
    await asyncio.gather(*[storage.settle_send(job.id, SENT, now=NOW) for job in jobs])
    assert await claimed(storage, some) == []
    order = []
    while due := await claimed(storage, every):
        (one,) = due
        order.append(await storage.event_number(user.id, _event_of(one)))
        await settle(storage, one, success=True)
    assert order == list(range(1, 21))


def _event_of(due: Due) -> str:
    return str(json.loads(due.body)["id"])


@pytest.mark.parametrize("count", [2, 100])
async def test_journeys_do_not_grow_with_the_units(postgres: Databases, seal: Seal, count: int) -> None:
    storage: Any = open_storage(await asyncio.to_thread(postgres.new), seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    events = [an_event(None, n) for n in range(2)]
    await storage.append_events(user.id, events, now=NOW)  # a driver asks once for each connection what arrays are
    connection = storage._db._writer._connection
    journeys: list[Any] = []
    connection.add_query_logger(journeys.append)
    jobs = [a_job(user) for _ in range(count)]
    await asyncio.gather(*[accept(storage, job) for job in jobs])
    assert len(journeys) == 2 + 3, "begin and commit; the user, the log, the job"
    journeys.clear()
    await asyncio.gather(*[storage.settle_send(job.id, SENT, now=NOW) for job in jobs])
    assert len(journeys) == 2 + 4, "begin and commit; the job, the log; the log of events, the event"
    await storage.stop()
