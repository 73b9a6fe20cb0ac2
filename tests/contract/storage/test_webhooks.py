"""Webhooks and their deliveries as every database keeps them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from teleflow.errors import Conflict, NotFound
from teleflow.kit.ids import new_id
from teleflow.model.events import EventFilter
from teleflow.model.webhooks import (
    Delivery,
    DeliveryState,
    Disabled,
    Ordering,
    Recovery,
    RecoveryState,
)
from teleflow.storage.base import Storage

from .hooks import DAYS_5, SECRET, claimed, happen, owner, settle, stored
from .rig import NOW


def held_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_webhook_is_told_as_it_was_stored_and_its_secrets_are_sealed(storage: Storage, tmp_path: Path) -> None:
    user, session = await owner(storage)
    made = await stored(
        storage,
        user,
        wanted=EventFilter(frozenset({"*"}), frozenset({session})),
        headers={"X-Api-Key": "another secret that no dump may hold"},
        old_secret=SECRET + " old",
        old_secret_until=NOW + 5,
        ordering=Ordering.CHAT,
        description="mine",
    )
    assert await storage.webhook(user.id, made.id) == made
    assert await storage.webhooks(user.id, limit=10) == [made]
    stranger, _ = await owner(storage)
    assert await storage.webhook(stranger.id, made.id) is None
    await storage.stop()
    assert b"that no dump may hold" not in held_in(tmp_path)
    await storage.start()


async def test_there_are_so_many_and_no_more(storage: Storage) -> None:
    user, _ = await owner(storage)
    made = await stored(storage, user)
    again = dataclasses.replace(made, url="https://example.com/2")
    await storage.add_webhook(again, most=1)
    assert await storage.webhooks(user.id, limit=10) == [again]
    with pytest.raises(Conflict) as refused:
        await storage.add_webhook(dataclasses.replace(made, id=new_id("whk")), most=1)
    assert refused.value.code == "TOO_MANY_WEBHOOKS"
    with pytest.raises(NotFound):
        await storage.add_webhook(dataclasses.replace(made, user_id="usr_nobody"), most=1)


async def test_a_change_and_a_removal_are_the_owner_s(storage: Storage) -> None:
    user, _ = await owner(storage)
    stranger, _ = await owner(storage)
    made = await stored(storage, user)
    changed = dataclasses.replace(made, url="https://example.org/", active=False, updated_at=NOW + 1)
    assert not await storage.update_webhook(dataclasses.replace(changed, user_id=stranger.id), now=NOW)
    assert await storage.update_webhook(changed, now=NOW)
    assert await storage.webhook(user.id, made.id) == changed
    assert await storage.webhooks_to_serve(limit=10) == []
    assert not await storage.remove_webhook(stranger.id, made.id)
    assert await storage.remove_webhook(user.id, made.id)
    assert not await storage.remove_webhook(user.id, made.id)


async def test_an_event_is_planned_once_for_each_that_wants_it(storage: Storage) -> None:
    user, session = await owner(storage)
    other, theirs = await owner(storage)
    wants = await stored(storage, user)
    silent = await stored(storage, user, wanted=EventFilter(frozenset({"user.typing"})))
    asleep = await stored(storage, user, active=False)
    foreign = await stored(storage, other)
    rung: set[str] = set()
    storage.on_append(rung.update)
    await happen(storage, user, session, 1, 2)
    await happen(storage, user, session, 2, 3)
    due = await claimed(storage, wants)
    assert len(due) == 3
    assert b'"n":1' in due[0].body
    assert [await claimed(storage, one) for one in (silent, asleep, foreign)] == [[], [], []]
    assert {user.id, wants.id} <= rung
    assert silent.id not in rung
    await happen(storage, other, theirs, 1)
    assert len(await claimed(storage, foreign)) == 1


async def test_what_is_taken_is_nobody_else_s_until_whoever_took_it_has_died(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, *range(5))
    first = await claimed(storage, webhook, limit=2)
    rest = await claimed(storage, webhook)
    assert (len(first), len(rest)) == (2, 3)
    assert not {one.id for one in first} & {one.id for one in rest}
    claim = await storage.claim_deliveries(webhook.id, now=NOW, until=NOW + 15_000, limit=10)
    assert (claim.due, claim.next_due) == ([], NOW + 15_000)
    assert len(await claimed(storage, webhook, now=NOW + 15_000)) == 5


async def test_what_became_of_an_attempt_is_kept_with_it(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1)
    (due,) = await claimed(storage, webhook)
    await settle(storage, due, success=False, again_at=NOW + 1000)
    (delivery,) = await storage.deliveries(user.id, webhook.id, limit=10)
    assert (delivery.state, delivery.attempts, delivery.status, delivery.due_at) == (
        DeliveryState.PENDING,
        1,
        500,
        NOW + 1000,
    )
    (due,) = await claimed(storage, webhook, now=NOW + 1000)
    assert due.attempts == 1
    await settle(storage, due, success=True, now=NOW + 1000)
    told = await storage.delivery(user.id, webhook.id, due.id)
    assert told is not None
    delivery, body, attempts = told
    assert (delivery.state, delivery.attempts, delivery.ended_at) == (DeliveryState.DELIVERED, 2, NOW + 1000)
    assert body == due.body
    assert [(one.number, one.status, one.response) for one in attempts] == [(1, 500, "said"), (2, 200, "said")]
    assert attempts[0].request_headers == {"X-A": "b"}
    assert await claimed(storage, webhook, now=NOW + 10**9) == []


async def test_an_endpoint_that_fails_for_days_is_disabled_and_one_success_resets_that(
    storage: Storage, opening: Callable[[], Storage]
) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user, wanted=EventFilter(frozenset({"*"})))
    await happen(storage, user, session, *range(10))
    due = await claimed(storage, webhook)
    await settle(storage, due[0], success=False, now=NOW)
    assert (await storage.webhook(user.id, webhook.id)).failing_since == NOW  # type: ignore[union-attr]
    await settle(storage, due[1], success=True, now=NOW + DAYS_5)
    assert (await storage.webhook(user.id, webhook.id)).failing_since is None  # type: ignore[union-attr]
    await settle(storage, due[2], success=False, now=NOW)
    early = await settle(storage, due[3], success=False, now=NOW + DAYS_5 - 1)
    assert not early.disabled
    await storage.stop()  # a restart in between changes nothing
    await storage.start()
    late = await settle(storage, due[4], success=False, now=NOW + DAYS_5)
    assert late.disabled == {webhook.id: Disabled.FAILING}
    found = await storage.webhook(user.id, webhook.id)
    assert found is not None
    assert (found.active, found.disabled_because) == (False, "FAILING")
    states = [one.state for one in await storage.deliveries(user.id, webhook.id, limit=100)]
    assert DeliveryState.PENDING not in states
    events, _ = await storage.events_after(user.id, after=0, limit=100)
    assert [one.type for one in events].count("webhook.disabled") == 1
    assert (await storage.audit_entries(limit=1))[0].action == "webhook.disabled"


async def test_a_test_tells_nothing_of_an_endpoint_s_health(storage: Storage) -> None:
    user, _ = await owner(storage)
    webhook = await stored(storage, user)
    test = Delivery(
        new_id("dlv"), webhook.id, user.id, "evt_x", "webhook.test", None, DeliveryState.PENDING, 0, 0, NOW, NOW
    )
    await storage.add_test(test, b"{}")
    (due,) = await claimed(storage, webhook)
    assert (due.is_test, due.body) == (True, b"{}")
    await settle(storage, due, success=False, counts=False)
    assert (await storage.webhook(user.id, webhook.id)).failing_since is None  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        await storage.add_test(dataclasses.replace(test, id=new_id("dlv"), webhook_id="whk_none"), b"{}")


def number_in(body: bytes) -> int:
    return int(body.split(b'"n":')[1].split(b"}")[0])


@pytest.mark.parametrize(
    ("ordering", "rounds"),
    [
        (Ordering.SESSION, [[1], [1], [2], [2], [3], [3], [4], [4]]),
        (Ordering.CHAT, [[1, 3], [1, 3], [2, 4], [2, 4]]),
        (Ordering.NONE, [[1, 2, 3, 4], [1, 2, 3, 4]]),
    ],
)
async def test_in_order_each_waits_for_the_one_before_or_its_exhaustion(
    storage: Storage, ordering: Ordering, rounds: list[list[int]]
) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user, ordering=ordering)
    await happen(storage, user, session, 1, 2)
    await happen(storage, user, session, 3, 4, chat_id=-6)
    taken = []
    now = NOW
    while due := await claimed(storage, webhook, now=now):
        taken.append(sorted(number_in(one.body) for one in due))
        for one in due:
            if one.attempts == 0:
                await settle(storage, one, success=False, again_at=now, now=now)
            else:  # 2 is never delivered
                await settle(storage, one, success=number_in(one.body) != 2, now=now)
        now += 1
    assert taken == rounds


async def test_what_is_still_to_be_carried_stays_in_the_log(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1, 2, 3)
    due = await claimed(storage, webhook)
    await settle(storage, due[0], success=True)
    await storage.purge_events(before=NOW + 10**9, most=1)
    events, _ = await storage.events_after(user.id, after=0, limit=100)
    assert [one.type for one in events].count("message.received") == 2
    for one in due[1:]:
        await settle(storage, one, success=True)
    while await storage.purge_events(before=NOW + 10**9, most=1):
        pass
    assert (await storage.events_after(user.id, after=0, limit=100))[0] == []
    told = await storage.delivery(user.id, webhook.id, due[0].id)
    assert told is not None
    assert told[1] is None
    with pytest.raises(Conflict) as gone:
        await storage.begin_again(user.id, webhook.id, due[0].id, now=NOW)
    assert gone.value.code == "EVENT_GONE"


async def test_a_delivery_begins_again_under_its_id(storage: Storage) -> None:
    user, session = await owner(storage)
    stranger, _ = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1)
    (due,) = await claimed(storage, webhook)
    await settle(storage, due, success=False)
    assert await storage.begin_again(stranger.id, webhook.id, due.id, now=NOW) is None
    again = await storage.begin_again(user.id, webhook.id, due.id, now=NOW + 7)
    assert again is not None
    assert (again.state, again.attempts, again.earlier) == (DeliveryState.PENDING, 1, 1)
    (second,) = await claimed(storage, webhook, now=NOW + 7)
    assert (second.id, second.body, second.earlier) == (due.id, due.body, 1)


async def test_a_recovery_begins_what_failed_and_what_was_never_planned(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, *range(1, 11))
    due = await claimed(storage, webhook)
    for number, one in enumerate(due):
        await settle(storage, one, success=number % 2 == 0)
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    await happen(storage, user, session, *range(11, 21))
    await storage.update_webhook(webhook, now=NOW)
    job = Recovery(new_id("rcv"), webhook.id, user.id, NOW + 3, NOW + 16, 0, 0, RecoveryState.RUNNING, NOW)
    await storage.add_recovery(job)
    with pytest.raises(Conflict) as second:
        await storage.add_recovery(dataclasses.replace(job, id=new_id("rcv")))
    assert second.value.code == "RECOVERY_RUNNING"
    assert await storage.recoveries_to_run(limit=10) == [job.id]
    while await storage.recover_some(job.id, now=NOW, limit=3):
        pass
    done = await storage.recovery(user.id, webhook.id, job.id)
    assert done is not None
    # 4, 6, 8 and 10 had failed; 11 to 15 were never planned
    assert (done.state, done.found) == (RecoveryState.DONE, 9)
    again = await claimed(storage, webhook)
    told = sorted(number_in(one.body) for one in again)
    assert told == [4, 6, 8, 10, 11, 12, 13, 14, 15]
    assert await storage.recoveries_to_run(limit=10) == []


async def test_a_recovery_of_an_inactive_webhook_ends(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1)
    job = Recovery(new_id("rcv"), webhook.id, user.id, 0, NOW * 2, 0, 0, RecoveryState.RUNNING, NOW)
    await storage.add_recovery(job)
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    assert not await storage.recover_some(job.id, now=NOW, limit=10)
    (found,) = await storage.recoveries(user.id, webhook.id, limit=10)
    assert found.state is RecoveryState.CANCELLED


async def test_deliveries_are_paged_filtered_counted_and_forgotten(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, *range(1, 8))
    due = await claimed(storage, webhook, limit=5)
    for number, one in enumerate(due):
        await settle(storage, one, success=number < 3)
    seen: list[str] = []
    while page := await storage.deliveries(user.id, webhook.id, limit=3, before=seen[-1] if seen else None):
        seen += [one.id for one in page]
    assert len(seen) == len(set(seen)) == 7
    failed = await storage.deliveries(user.id, webhook.id, limit=10, states=frozenset({DeliveryState.FAILED}))
    assert {one.id for one in failed} == {one.id for one in due[3:]}
    assert await storage.deliveries(user.id, webhook.id, limit=10, session_id="ses_other") == []
    assert await storage.deliveries(user.id, webhook.id, limit=10, since=NOW + 1) == []
    stats = await storage.delivery_stats(user.id, webhook.id, since=0)
    assert (stats.delivered, stats.failed, stats.pending, stats.attempts, stats.mean_ms) == (3, 2, 2, 5, 12)
    assert await storage.purge_deliveries(before=NOW + 1, now=NOW) == 5
    assert len(await storage.deliveries(user.id, webhook.id, limit=10)) == 2


async def test_what_waits_for_an_inactive_endpoint_is_let_go(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    for start in range(0, 1200, 300):
        await happen(storage, user, session, *range(start, start + 300))
    await storage.update_webhook(dataclasses.replace(webhook, active=False), now=NOW)
    stats = await storage.delivery_stats(user.id, webhook.id, since=0)
    assert (stats.cancelled, stats.pending) == (1000, 200)
    await storage.purge_deliveries(before=0, now=NOW)
    assert (await storage.delivery_stats(user.id, webhook.id, since=0)).pending == 0


async def test_a_deleted_user_takes_webhooks_along(storage: Storage) -> None:
    user, session = await owner(storage)
    webhook = await stored(storage, user)
    await happen(storage, user, session, 1)
    (due,) = await claimed(storage, webhook)
    await storage.delete_user(user.id)
    assert (await settle(storage, due, success=True)).ready == frozenset()
    assert (await storage.claim_deliveries(webhook.id, now=NOW, until=NOW, limit=1)).webhook is None
