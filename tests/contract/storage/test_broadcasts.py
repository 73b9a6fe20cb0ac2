"""Broadcasts in the store: a recipient moves on together with whatever that means elsewhere, or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from teleflow.errors import Conflict, NotFound
from teleflow.kit.ids import new_id
from teleflow.model.broadcasts import (
    Broadcast,
    BroadcastState,
    OptOut,
    Outcome,
    Pace,
    Plan,
    QuietHours,
    Recipient,
    RecipientState,
    outcome_of,
)
from teleflow.model.formatting import ParseMode
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.peers import Known
from teleflow.model.users import User
from teleflow.storage.base import Placed, Settlement, Storage

from .rig import NOW, a_job, stored_session, stored_user

B, R = BroadcastState, RecipientState


def a_plan(**changes: Any) -> Plan:
    return dataclasses.replace(Plan("Hi {{name}}", "they asked for it", Pace(20, 0.2)), **changes)


def a_broadcast(user: User, session_id: str = "ses_x", **changes: Any) -> Broadcast:
    made = Broadcast(new_id("bct"), user.id, session_id, "a name", a_plan(), B.DRAFT, NOW, NOW)
    return dataclasses.replace(made, **changes)


def some(count: int) -> list[Recipient]:
    return [Recipient(number, f"@person_{number}", {"name": f"P{number}"}) for number in range(1, count + 1)]


async def running(storage: Storage, count: int = 3, **plan: Any) -> tuple[User, Broadcast]:
    user = await stored_user(storage)
    session = await stored_session(storage, user)
    broadcast = a_broadcast(user, session.id, plan=a_plan(**plan))
    await storage.add_broadcast(broadcast, some(count))
    assert await storage.move_broadcast(user.id, broadcast.id, B.RUNNING, now=NOW)
    return user, broadcast


async def place(
    storage: Storage, user: User, broadcast: Broadcast, number: int, chat_id: int, *, stranger: bool = False
) -> tuple[Placed, SendJob]:
    job = a_job(user, broadcast.session_id, chat_id=chat_id)
    placed = await storage.place_recipient(
        broadcast,
        number,
        job,
        username=user.username,
        from_phone="+1",
        stranger=stranger,
        next_at=NOW + 3000,
        node="node_a",
        lease_until=NOW + 1,
    )
    return placed, job


async def states(storage: Storage, broadcast: Broadcast) -> list[str]:
    found = await storage.broadcast_recipients(broadcast.id, limit=100)
    return [one.code or one.state.value for one in found]


async def stands(storage: Storage, user: User, broadcast: Broadcast) -> Broadcast:
    found = await storage.broadcast(user.id, broadcast.id)
    assert found is not None
    return found


async def test_what_was_planned_is_kept(storage: Storage, opening: Callable[[], Storage]) -> None:
    user = await stored_user(storage)
    plan = a_plan(
        parse_mode=ParseMode.HTML, quiet=QuietHours(1320, 480, "Europe/Berlin"), start_at=NOW + 5, strangers=3
    )
    broadcast = a_broadcast(user, plan=plan)
    await storage.add_broadcast(broadcast, some(2))
    again = opening()
    await again.start()
    assert await again.broadcast(user.id, broadcast.id) == broadcast
    assert await again.broadcast_recipients(broadcast.id, limit=10) == some(2)
    assert await again.broadcast((await stored_user(again)).id, broadcast.id) is None
    await again.stop()


async def test_recipients_are_added_to_a_draft_up_to_a_bound(storage: Storage) -> None:
    user = await stored_user(storage)
    broadcast = a_broadcast(user)
    await storage.add_broadcast(broadcast, some(2))
    assert await storage.add_recipients(user.id, broadcast.id, some(3), most=5) == 5
    assert [one.number for one in await storage.broadcast_recipients(broadcast.id, limit=9, after=2)] == [3, 4, 5]
    with pytest.raises(Conflict) as full:
        await storage.add_recipients(user.id, broadcast.id, some(1), most=5)
    await storage.move_broadcast(user.id, broadcast.id, B.RUNNING, now=NOW)
    with pytest.raises(Conflict) as late:
        await storage.add_recipients(user.id, broadcast.id, some(1), most=50)
    assert (full.value.code, late.value.code) == ("TOO_MANY_RECIPIENTS", "BROADCAST_NOT_DRAFT")
    with pytest.raises(NotFound):
        await storage.add_recipients("usr_x", broadcast.id, some(1), most=50)


async def test_a_turn_makes_one_job_and_moves_the_pace_on(storage: Storage) -> None:
    user, broadcast = await running(storage)
    placed, job = await place(storage, user, broadcast, 1, 111)
    assert placed is Placed.QUEUED
    assert await storage.send_job(user.id, job.id) == job
    assert await storage.queued_recipients(broadcast.id, limit=9) == [(1, job)]
    assert (await stands(storage, user, broadcast)).next_at == NOW + 3000
    placed, second = await place(storage, user, broadcast, 1, 111)
    assert placed is Placed.NOT_NOW
    assert await storage.send_job(user.id, second.id) is None
    assert [one.id for one in await storage.broadcasts_at_work(limit=9)] == [broadcast.id]


async def test_doubles_opt_outs_and_strangers_beyond_the_cap_get_no_job(storage: Storage) -> None:
    user, broadcast = await running(storage, 6, strangers=1)
    known = [Known(444, 1, phone="+15550444", username="somebody")]
    await storage.remember_peers(broadcast.session_id, known, now=NOW)
    for peer in ("333", "@somebody", "@person_5"):
        await storage.add_opt_out(OptOut(new_id("out"), user.id, peer, "", NOW), most=10)
    chats = [111, 111, 333, 444, 555, 666]
    got = [(await place(storage, user, broadcast, n, chat, stranger=True))[0] for n, chat in enumerate(chats, 1)]
    out = Placed.OPTED_OUT
    assert got == [Placed.QUEUED, Placed.DUPLICATE, out, out, out, Placed.STRANGERS_CAP]
    assert (await storage.recipient_counts(broadcast.id)) == {R.QUEUED: 1, R.SKIPPED: 5}
    assert (await stands(storage, user, broadcast)).strangers_met == 1


async def test_a_spam_signal_stops_it_and_its_recipient_waits_again(storage: Storage) -> None:
    user, broadcast = await running(storage)
    _, first = await place(storage, user, broadcast, 1, 111)
    _, second = await place(storage, user, broadcast, 2, 222)
    await storage.settle_send(first.id, Settlement(SendState.SENT, "Sent", 1, message_id=7, chat_id=111), now=NOW)
    failed = Settlement(SendState.FAILED, "no", 1, error_code="TELEGRAM_RESTRICTED", error_message="no")
    await storage.settle_send(second.id, failed, now=NOW)
    out = await storage.queued_recipients(broadcast.id, limit=9)
    outcomes = [one for number, job in out if (one := outcome_of(number, job, may_have_left=False)) is not None]
    await storage.settle_recipients(broadcast, outcomes, now=NOW)
    await storage.settle_recipients(broadcast, outcomes, now=NOW)
    assert await states(storage, broadcast) == ["sent", "pending", "pending"]
    found = await stands(storage, user, broadcast)
    assert (found.state, found.cause) == (B.STOPPED, "TELEGRAM_RESTRICTED")
    assert (await place(storage, user, broadcast, 3, 333))[0] is Placed.NOT_NOW
    assert not await storage.broadcasts_at_work(limit=9)
    assert await storage.move_broadcast(user.id, broadcast.id, B.RUNNING, now=NOW)
    assert (await place(storage, user, broadcast, 2, 222))[0] is Placed.QUEUED
    report = await storage.broadcast_recipients(broadcast.id, limit=1, state=R.SENT)
    assert (report[0].message_id, report[0].job_id) == (7, first.id)


async def test_failures_in_a_row_stop_it_and_a_success_between_begins_anew(storage: Storage) -> None:
    user, broadcast = await running(storage, 5, failures=2)

    async def ends(number: int, state: RecipientState) -> BroadcastState:
        _, job = await place(storage, user, broadcast, number, number)
        await storage.settle_recipients(broadcast, [Outcome(number, job.id, state, code="X", reason="x")], now=NOW)
        return (await stands(storage, user, broadcast)).state

    assert [await ends(n, s) for n, s in ((1, R.FAILED), (2, R.SENT), (3, R.FAILED))] == [B.RUNNING] * 3
    await storage.end_recipient(broadcast.id, 4, R.FAILED, code="PEER_NOT_FOUND", reason="nobody", now=NOW)
    found = await stands(storage, user, broadcast)
    assert (found.state, found.cause) == (B.STOPPED, "TOO_MANY_FAILURES")


async def test_what_has_not_left_is_withdrawn_and_what_has_is_not(storage: Storage) -> None:
    user, broadcast = await running(storage)
    _, first = await place(storage, user, broadcast, 1, 111)
    _, second = await place(storage, user, broadcast, 2, 222)
    await storage.mark_sending(second.id, attempts=1, node="node_a", lease_until=NOW)
    assert await storage.withdraw_recipient(broadcast.id, 1, first.id, detail="rests", now=NOW)
    assert not await storage.withdraw_recipient(broadcast.id, 2, second.id, detail="rests", now=NOW)
    assert await states(storage, broadcast) == ["pending", "queued", "pending"]
    job = await storage.send_job(user.id, first.id)
    assert job is not None
    assert job.state is SendState.CANCELLED


async def test_a_cancelled_one_ends_all_who_wait(storage: Storage) -> None:
    user, broadcast = await running(storage)
    _, job = await place(storage, user, broadcast, 1, 111)
    assert await storage.move_broadcast(user.id, broadcast.id, B.CANCELLED, now=NOW)
    assert await states(storage, broadcast) == ["queued", "cancelled", "cancelled"]
    assert [one.id for one in await storage.broadcasts_at_work(limit=9)] == [broadcast.id]
    assert await storage.withdraw_recipient(broadcast.id, 1, job.id, detail="cancelled", now=NOW)
    assert await states(storage, broadcast) == ["cancelled"] * 3
    assert not await storage.move_broadcast(user.id, broadcast.id, B.RUNNING, now=NOW)
    assert not await storage.broadcasts_at_work(limit=9)


async def test_lists_are_newest_first_and_of_the_sessions_that_are_asked_for(storage: Storage) -> None:
    user = await stored_user(storage)
    made = [a_broadcast(user, f"ses_{number % 2}") for number in range(4)]
    for one in made:
        await storage.add_broadcast(one, [])
    newest = [one.id for one in sorted(made, key=lambda one: one.id, reverse=True)]
    assert [one.id for one in await storage.broadcasts(user.id, limit=9)] == newest
    assert [one.id for one in await storage.broadcasts(user.id, limit=2, before=newest[0])] == newest[1:3]
    of_one = await storage.broadcasts(user.id, limit=9, session_ids=frozenset({"ses_1"}))
    assert {one.session_id for one in of_one} == {"ses_1"}
    assert await storage.broadcasts(user.id, limit=9, state=B.RUNNING) == []


async def test_of_each_peer_there_is_one_opt_out(storage: Storage) -> None:
    user, other = await stored_user(storage), await stored_user(storage)
    first = await storage.add_opt_out(OptOut(new_id("out"), user.id, "@ann", "a", NOW), most=1)
    assert await storage.add_opt_out(OptOut(new_id("out"), user.id, "@ann", "b", NOW), most=1) == first
    with pytest.raises(Conflict):
        await storage.add_opt_out(OptOut(new_id("out"), user.id, "@bob", "", NOW), most=1)
    assert await storage.opted_out(user.id, ["@ann", "@bob"]) == {"@ann"}
    assert await storage.opted_out(other.id, ["@ann"]) == frozenset()
    assert not await storage.remove_opt_out(other.id, first.id)
    assert await storage.opt_outs(user.id, limit=9) == [first]
    assert await storage.remove_opt_out(user.id, first.id)


async def test_all_goes_with_its_user(storage: Storage) -> None:
    user, broadcast = await running(storage)
    await place(storage, user, broadcast, 1, 111)
    await storage.add_opt_out(OptOut(new_id("out"), user.id, "@ann", "", NOW), most=9)
    await storage.delete_user(user.id)
    assert await storage.broadcast_recipients(broadcast.id, limit=9) == []
    assert not await storage.broadcasts_at_work(limit=9)


async def test_each_change_of_its_state_is_told(storage: Storage) -> None:
    user, broadcast = await running(storage)
    for state, cause in ((B.PAUSED, None), (B.PAUSED, None), (B.RUNNING, None), (B.STOPPED, "ACCOUNT_FROZEN")):
        await storage.move_broadcast(user.id, broadcast.id, state, now=NOW, cause=cause)
    events, _ = await storage.events_after(user.id, after=0, limit=100)
    bodies = [json.loads(event.body) for event in events if event.type == "broadcast.state_changed"]
    assert {body["sessionId"] for body in bodies} == {broadcast.session_id}
    assert [(body["data"]["previous"], body["data"]["state"], body["data"]["cause"]) for body in bodies] == [
        ("draft", "running", None),
        ("running", "paused", None),
        ("paused", "running", None),
        ("running", "stopped", "ACCOUNT_FROZEN"),
    ]
