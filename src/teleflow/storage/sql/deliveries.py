"""Deliveries of events to webhooks: planned in the transaction that logs the event, taken, settled.

A delivery that waits behind another one of its order is not due until that one has ended (`BEHIND`), so that what is
due can be read from one index however much waits. While an attempt is under way, `due_at` says when to believe that
whoever makes it has died, and `taken` that it is so: who asks for another one meanwhile gets it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from teleflow.kit.ids import new_id
from teleflow.model.webhooks import BEHIND, Attempt, DeliveryState, Due, Ordering
from teleflow.storage.common.webhooks import IDLE, ONCE_MORE, UNDER_WAY, filter_of
from teleflow.storage.common.webhooks import order_key as order_key_of
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.statement import NO, YES, Statement, Tx, given

CANCELLED_AT_ONCE = 1_000
FORGOTTEN_AT_ONCE = 1_000
_w = t.webhooks.c
_d = t.webhook_deliveries.c
_a = t.webhook_attempts.c
_e = t.events.c

_WANTING = Statement(
    select(_w.id, _w.types, _w.session_ids, _w.ordering).where(_w.user_id == given("of_user"), _w.active == YES)
)
_ADD = Statement(insert(t.webhook_deliveries).values({c.name: given(c.name) for c in _d}).on_conflict_do_nothing())
_AHEAD = Statement(
    select(_d.id)
    .where(_d.webhook_id == given("of_webhook"), _d.order_key == given("of_order"), _d.is_open == YES)
    .where(_d.order_key.is_not(None))
    .limit(1)
)
_FIRST_CARRIED = Statement(select(func.min(_d.event_number)).where(_d.user_id == given("of_user"), _d.is_open == YES))
_DUE = Statement(
    select(_d.id, _d.event_type, _d.session_id, _d.attempts, _d.earlier, _e.body, _d.body, _d.created_at)
    .join_from(
        t.webhook_deliveries, t.events, and_(_e.user_id == _d.user_id, _e.number == _d.event_number), isouter=True
    )
    .where(_d.webhook_id == given("of_webhook"), _d.is_open == YES, _d.due_at <= given("now"))
    .order_by(_d.due_at, _d.id)
    .limit(given("most"))
    .with_for_update(of=t.webhook_deliveries, skip_locked=True)
)
_TAKE = Statement(
    update(t.webhook_deliveries)
    .values(due_at=given("until"), taken=case((_d.taken == IDLE, UNDER_WAY), else_=_d.taken))
    .where(_d.id == given("this"))
)
# Who took one, and had not said how it ended when it was closed and its time was over, has died.
_nobodys = or_(_d.taken == IDLE, and_(_d.is_open == NO, _d.due_at <= given("now")))


def _begins(taken: Any) -> Statement:
    """Now, or when the attempt that is under way has ended; what `taken` is then meanwhile."""
    return Statement(
        update(t.webhook_deliveries)
        .values(state=DeliveryState.PENDING.value, is_open=1, ended_at=None, earlier=_d.attempts)
        .values(due_at=case((_nobodys, given("now")), else_=_d.due_at), taken=case((_nobodys, IDLE), else_=taken))
        .where(_d.id == given("this"))
    )


BEGIN_AGAIN = _begins(ONCE_MORE)
BEGIN_UNLESS_DELIVERED = _begins(_d.taken)
_NEXT_DUE = Statement(
    select(_d.due_at)
    .where(_d.webhook_id == given("of_webhook"), _d.is_open == YES, _d.due_at < BEHIND)
    .order_by(_d.due_at)
    .limit(1)
)
_STANDING = Statement(
    select(_d.webhook_id, _d.user_id, _d.attempts, _d.earlier, _d.is_open, _d.taken, _d.order_key, _d.state)
    .where(_d.id == given("this"))
    .with_for_update()
)
_ADD_ATTEMPT = Statement(insert(t.webhook_attempts).values({c.name: given(c.name) for c in _a}))
_SETTLE = Statement(
    update(t.webhook_deliveries)
    .values(
        {
            name: given(f"new_{name}")
            for name in (
                *("state", "attempts", "earlier", "due_at", "is_open", "ended_at", "status", "error", "duration_ms"),
            )
        }
    )
    .values(taken=IDLE)
    .where(_d.id == given("this"))
)
_LOCK_LOG = Statement(select(t.event_logs.c.newest).where(t.event_logs.c.user_id == given("of_user")).with_for_update())
_next_of_order = (
    select(_d.id)
    .where(_d.webhook_id == given("of_webhook"), _d.order_key == given("of_order"), _d.is_open == YES)
    .where(_d.order_key.is_not(None))
    .order_by(_d.event_number)
    .limit(1)
)
_LET_NEXT = Statement(
    update(t.webhook_deliveries)
    .values(due_at=given("now"))
    .where(_d.id == _next_of_order.scalar_subquery(), _d.due_at == BEHIND)
)
_some_open = select(_d.id).where(_d.webhook_id == given("of_webhook"), _d.is_open == YES).limit(CANCELLED_AT_ONCE)
_CANCEL = Statement(
    update(t.webhook_deliveries)
    .values(state=DeliveryState.CANCELLED.value, is_open=0, ended_at=given("now"))
    .where(_d.id.in_(_some_open))
)
_some = select(_d.id).where(_d.webhook_id == given("of_webhook")).limit(FORGOTTEN_AT_ONCE)
_FORGET = Statement(delete(t.webhook_deliveries).where(_d.id.in_(_some)))
_LEFT_OPEN = Statement(
    select(_w.id)
    .where(_w.active == NO, select(_d.id).where(_d.webhook_id == _w.id, _d.is_open == YES).exists())
    .limit(given("most"))
)
_BLANK: dict[str, Any] = {
    "body": None,
    "state": DeliveryState.PENDING.value,
    "attempts": 0,
    "earlier": 0,
    "is_open": 1,
    "taken": IDLE,
    "ended_at": None,
    "status": None,
    "error": None,
    "duration_ms": None,
}


async def plan(tx: Tx, user_id: str, added: Sequence[tuple[int, Mapping[str, Any]]], now: int) -> None:
    """One open delivery for each of these events (number, row) and each active webhook that wants it."""
    for webhook_id, types, session_ids, ordering in await tx.all(_WANTING, of_user=user_id):
        wanted = filter_of(types, session_ids)
        planned = False
        for number, event in added:
            if wanted.wants(event["type"], event["session_id"]):
                await plan_one(tx, user_id, webhook_id, Ordering(ordering), number, event, now)
                planned = True
        if planned:
            tx.ring(webhook_id)


async def plan_one(
    tx: Tx, user_id: str, webhook_id: str, ordering: Ordering, number: int, event: Mapping[str, Any], now: int
) -> None:
    """`event` has id, type, session_id and chat_id. Planned already is planned once."""
    order_key = order_key_of(ordering, event)
    behind = order_key is not None and await tx.one(_AHEAD, of_webhook=webhook_id, of_order=order_key) is not None
    await tx.run(
        _ADD,
        id=new_id("dlv"),
        webhook_id=webhook_id,
        user_id=user_id,
        event_id=event["id"],
        event_type=event["type"],
        event_number=number,
        session_id=event["session_id"],
        order_key=order_key,
        due_at=BEHIND if behind else now,
        created_at=now,
        **_BLANK,
    )


async def first_carried(tx: Tx, user_id: str) -> int | None:
    """The number of the oldest event that a delivery still waits to carry."""
    row = await tx.one(_FIRST_CARRIED, of_user=user_id)
    return None if row is None or row[0] is None else int(row[0])


async def take(tx: Tx, webhook_id: str, now: int, until: int, limit: int) -> tuple[list[Due], int | None]:
    """What is due, and when there will be more."""
    due = []
    rows = await tx.all(_DUE, of_webhook=webhook_id, now=now, most=limit) if limit > 0 else []
    for id_, type_, session_id, attempts, earlier, logged, own, planned in rows:
        await tx.run(_TAKE, this=id_, until=until)
        body = own if own is not None else logged
        due.append(Due(id_, type_, session_id, attempts, earlier, bytes(body or b""), own is not None, planned))
    row = await tx.one(_NEXT_DUE, of_webhook=webhook_id)
    return due, None if row is None else int(row[0])


async def settle(
    tx: Tx, delivery_id: str, attempt: Attempt, *, success: bool, again_at: int | None, now: int
) -> str | None:
    """Write an attempt and what it makes of its delivery. The webhook's id; None when the delivery is gone."""
    row = await tx.one(_STANDING, this=delivery_id)
    if row is None:
        return None
    webhook_id, user_id, attempts, earlier, is_open, taken, order_key, state = row
    await tx.run(
        _ADD_ATTEMPT,
        delivery_id=delivery_id,
        number=attempts + 1,
        at=attempt.at,
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        error=attempt.error,
        request_headers=json.dumps(dict(attempt.request_headers)),
        response_headers=json.dumps(dict(attempt.response_headers)),
        response=attempt.response,
    )
    once_more = bool(is_open) and taken == ONCE_MORE
    goes_on = once_more or (bool(is_open) and not success and again_at is not None)
    if once_more:
        again_at, earlier = now, attempts + 1  # what was asked for meanwhile is this one's end
    elif success:
        state = DeliveryState.DELIVERED.value
    elif is_open and not goes_on:
        state = DeliveryState.FAILED.value
    await tx.run(
        _SETTLE,
        this=delivery_id,
        new_state=state,
        new_attempts=attempts + 1,
        new_earlier=earlier,
        new_due_at=again_at if goes_on else now,
        new_is_open=int(goes_on),
        new_ended_at=None if goes_on else now,
        new_status=attempt.status,
        new_error=attempt.error,
        new_duration_ms=attempt.duration_ms,
    )
    if order_key is not None and not goes_on:
        await let_next(tx, user_id, webhook_id, order_key, now)
    return str(webhook_id)


async def let_next(tx: Tx, user_id: str, webhook_id: str, order_key: str, now: int) -> None:
    """The next of this order has waited for one that has ended."""
    await tx.one(_LOCK_LOG, of_user=user_id)  # nobody plans behind what ends here
    await tx.run(_LET_NEXT, of_webhook=webhook_id, of_order=order_key, now=now)


async def cancel_some(tx: Tx, webhook_id: str, now: int) -> int:
    """Let go of what an inactive endpoint waits for: a thousand of it; `left_open` finds what is left."""
    return await tx.run(_CANCEL, of_webhook=webhook_id, now=now)


async def forget_some(tx: Tx, webhook_id: str) -> int:
    """Some of an endpoint's deliveries, whatever they are, with their attempts."""
    return await tx.run(_FORGET, of_webhook=webhook_id)


async def left_open(tx: Tx, most: int) -> list[str]:
    """Inactive endpoints that something still waits for."""
    return [str(row[0]) for row in await tx.all(_LEFT_OPEN, most=most)]
