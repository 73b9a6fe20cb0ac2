"""What the dying program does to events, deliveries, broadcasts and requests, one unit of work each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from teleflow.model.broadcasts import Broadcast, BroadcastState, Outcome, Pace, Plan, Recipient, RecipientState
from teleflow.model.chats import ChatType
from teleflow.model.events import EventFilter, EventType, NewEvent, event_id
from teleflow.model.jobs import SendState
from teleflow.model.updates import BoxPosition, Face
from teleflow.model.users import User
from teleflow.model.webhooks import Attempt, Ordering, Recovery, RecoveryState, Tried, Webhook
from teleflow.storage.base import Storage, StoredAnswer
from tests.contract.storage import rig

OWNER = rig.a_user()
SESSION = rig.a_session(OWNER)
WANTED = EventFilter(frozenset({"message.*"}))
HOOK = Webhook("whk_1", OWNER.id, "https://x.example/", WANTED, "whsec_x", True, rig.NOW, rig.NOW)
IN_ORDER = rig.dataclasses.replace(HOOK, id="whk_2", ordering=Ordering.SESSION)
RECOVERY = Recovery("rec_1", HOOK.id, OWNER.id, 0, rig.NOW + rig.HOUR, 0, 0, RecoveryState.RUNNING, rig.NOW)
PLAN = Plan("Hi", "they asked for it", Pace(20, 0.2))
BROADCAST = Broadcast("bct_1", OWNER.id, SESSION.id, "a name", PLAN, BroadcastState.DRAFT, rig.NOW, rig.NOW)
DRAFT = rig.dataclasses.replace(BROADCAST, id="bct_2")
PLACED, NEXT = (rig.a_job(OWNER, SESSION.id, chat_id=100 + number) for number in range(2))
TO_SEND = [rig.a_job(OWNER, SESSION.id, created_at=rig.NOW + number) for number in range(4)]


def events(first: int, count: int) -> list[NewEvent]:
    type_ = EventType.MESSAGE_RECEIVED
    return [
        NewEvent(event_id(SESSION.id, type_, n), type_, SESSION.id, rig.NOW + n, {"n": n}, -5)
        for n in range(first, first + count)
    ]


def recipients(first: int, count: int) -> list[Recipient]:
    return [Recipient(number, f"@person_{number}", {"name": "P"}) for number in range(first, first + count)]


async def prepare(storage: Storage, *users: User) -> None:
    for user in (*users, OWNER):
        await storage.add_user(user)
    await storage.add_session(SESSION)
    for webhook in (HOOK, IN_ORDER):
        await storage.add_webhook(webhook, most=9)
    await storage.append_events(OWNER.id, events(0, 3), now=rig.NOW, session_id=SESSION.id)
    await storage.add_recovery(RECOVERY)
    for broadcast in (BROADCAST, DRAFT):
        await storage.add_broadcast(broadcast, recipients(1, 3))
    await storage.move_broadcast(OWNER.id, BROADCAST.id, BroadcastState.RUNNING, now=rig.NOW)
    await place(storage, 1, PLACED)
    for job in TO_SEND:
        await rig.accept(storage, job, lease_until=rig.NOW - 1)
    await storage.begin_request(OWNER.id, "begun", "print", node="node-a", lease_until=rig.NOW + 9, now=rig.NOW)


async def place(storage: Storage, number: int, job: Any) -> Any:
    return await storage.place_recipient(
        BROADCAST,
        number,
        job,
        username="ann",
        from_phone="+1",
        stranger=True,
        next_at=rig.NOW + 5,
        node="node-a",
        lease_until=rig.NOW + 30_000,
    )


async def tried(storage: Storage, webhook: Webhook, *, success: bool, gone: bool = False) -> Any:
    """An attempt at the oldest delivery."""
    oldest = (await storage.deliveries(OWNER.id, webhook.id, limit=9))[-1]
    attempt = Attempt(0, rig.NOW, 12, 200 if success else 410, None, {"X-A": "b"}, {}, "said")
    made = Tried(oldest.id, attempt, success=success, gone=gone)
    return await storage.settle_deliveries([made], now=rig.NOW, disable_after=rig.HOUR)


UNITS: dict[str, Callable[[Storage], Awaitable[Any]]] = {
    "append_events": lambda s: s.append_events(
        OWNER.id,
        events(2, 4),
        now=rig.NOW,
        session_id=SESSION.id,
        positions=[BoxPosition(0, 100, 3, 4, 5)],
        faces=[Face(-100123, ChatType.CHANNEL, "News", "news", 5)],
    ),
    "claim_sends": lambda s: s.claim_sends(node="node-b", now=rig.NOW, lease_until=rig.NOW + 50, limit=3),
    "cancel_send": lambda s: s.cancel_send(TO_SEND[0].id, detail="Too late", now=rig.NOW),
    "renew_leases": lambda s: s.renew_leases(
        [job.id for job in TO_SEND], node="node-a", lease_until=rig.NOW + rig.HOUR
    ),
    "begin_request": lambda s: s.begin_request(
        OWNER.id, "a key", "print", node="node-a", lease_until=rig.NOW + 9, now=rig.NOW
    ),
    "finish_request": lambda s: s.finish_request(
        OWNER.id, "begun", StoredAnswer(201, "application/json", b"{}"), node="node-a"
    ),
    "claim_deliveries": lambda s: s.claim_deliveries(HOOK.id, now=rig.NOW, until=rig.NOW + 15_000, limit=2),
    "settle_deliveries": lambda s: tried(s, IN_ORDER, success=True),
    "settle_deliveries-gone": lambda s: tried(s, HOOK, success=False, gone=True),
    "update_webhook": lambda s: s.update_webhook(rig.dataclasses.replace(HOOK, active=False), now=rig.NOW),
    "recover_some": lambda s: s.recover_some(RECOVERY.id, now=rig.NOW, limit=2),
    "add_broadcast": lambda s: s.add_broadcast(DRAFT, recipients(1, 2)),
    "add_recipients": lambda s: s.add_recipients(OWNER.id, DRAFT.id, recipients(1, 1), most=9),
    "place_recipient": lambda s: place(s, 2, NEXT),
    "withdraw_recipient": lambda s: s.withdraw_recipient(BROADCAST.id, 1, PLACED.id, detail="x", now=rig.NOW),
    "settle_recipients": lambda s: s.settle_recipients(
        BROADCAST, [Outcome(1, PLACED.id, RecipientState.FAILED, "A", stop="IT_STOPS")], now=rig.NOW
    ),
    "move_broadcast": lambda s: s.move_broadcast(OWNER.id, BROADCAST.id, BroadcastState.CANCELLED, now=rig.NOW),
    "settle_placed": lambda s: s.settle_send(
        PLACED.id, rig.dataclasses.replace(rig.SENT, state=SendState.FAILED), now=rig.NOW
    ),
}
