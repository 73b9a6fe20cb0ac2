"""A delivery that is asked for again."""

from __future__ import annotations

import dataclasses

import pytest

from teleflow.kit.ids import new_id
from teleflow.model.users import User
from teleflow.model.webhooks import DeliveryState, Due, Recovery, RecoveryState, Webhook
from teleflow.storage.base import Storage

from .hooks import claimed, happen, owner, settle, stored
from .rig import NOW


async def under_way(storage: Storage) -> tuple[User, Webhook, Due]:
    """A delivery whose attempt has begun."""
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1)
    (due,) = await claimed(storage, webhook)
    return user, webhook, due


@pytest.mark.parametrize("success", [True, False])
async def test_what_is_asked_for_during_an_attempt_is_begun_after_it(storage: Storage, success: bool) -> None:
    user, webhook, due = await under_way(storage)
    again = await storage.begin_again(user.id, webhook.id, due.id, now=NOW)
    assert again is not None
    assert again.state is DeliveryState.PENDING
    assert await claimed(storage, webhook, now=NOW + 1) == []  # an attempt is under way
    await settle(storage, due, success=success, now=NOW + 2)
    told = await storage.delivery(user.id, webhook.id, due.id)
    assert told is not None
    assert (told[0].state, told[0].attempts, told[0].earlier) == (DeliveryState.PENDING, 1, 1)
    (second,) = await claimed(storage, webhook, now=NOW + 2)
    assert (second.id, second.body, second.earlier) == (due.id, due.body, 1)
    await settle(storage, second, success=True, now=NOW + 3)
    assert await claimed(storage, webhook, now=NOW + 10**6) == []
    told = await storage.delivery(user.id, webhook.id, due.id)
    assert told is not None
    assert (told[0].state, told[0].attempts) == (DeliveryState.DELIVERED, 2)


async def test_what_is_asked_for_outlives_who_made_the_attempt(storage: Storage) -> None:
    user, webhook, due = await under_way(storage)
    await storage.begin_again(user.id, webhook.id, due.id, now=NOW)
    (second,) = await claimed(storage, webhook, now=NOW + 15_000)  # who took it is believed to have died
    assert second.id == due.id


async def test_what_was_cancelled_during_an_attempt_stays_so(storage: Storage) -> None:
    user, webhook, due = await under_way(storage)
    await storage.begin_again(user.id, webhook.id, due.id, now=NOW)
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    await settle(storage, due, success=False)
    await storage.update_webhook(webhook, now=NOW)
    assert await claimed(storage, webhook, now=NOW + 10**6) == []


async def test_what_was_closed_when_who_made_the_attempt_died_is_sent_once(storage: Storage) -> None:
    user, webhook, due = await under_way(storage)
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    await storage.update_webhook(webhook, now=NOW)
    await storage.begin_again(user.id, webhook.id, due.id, now=NOW + 15_000)
    (second,) = await claimed(storage, webhook, now=NOW + 15_000)
    await settle(storage, second, success=True, now=NOW + 15_001)
    assert await claimed(storage, webhook, now=NOW + 10**6) == []


@pytest.mark.parametrize("success", [True, False])
async def test_what_a_recovery_finds_under_way_it_sends_unless_that_delivers(storage: Storage, success: bool) -> None:
    user, webhook, due = await under_way(storage)
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    await storage.update_webhook(webhook, now=NOW)
    await storage.add_recovery(
        Recovery(new_id("rcv"), webhook.id, user.id, NOW, NOW + 9, 0, 0, RecoveryState.RUNNING, NOW)
    )
    for one in await storage.recoveries_to_run(limit=10):
        await storage.recover_some(one, now=NOW, limit=9)
    assert await claimed(storage, webhook) == []
    await settle(storage, due, success=success, again_at=None if success else NOW + 50)
    again = await claimed(storage, webhook, now=NOW + 50)
    assert [one.id for one in again] == ([] if success else [due.id])
