"""Deliveries of events to webhooks: planned in the batch that logs the event, taken, settled.

A delivery that waits behind another one of its order is not due until that one has ended (`BEHIND`), so that what is
due can be read from one index however much waits. While an attempt is under way, `due_at` says when to believe that
whoever makes it has died, and `taken` that it is so: who asks for another one meanwhile gets it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from teleflow.kit.ids import new_id
from teleflow.model.webhooks import BEHIND, Attempt, DeliveryState, Due, Ordering
from teleflow.storage.common.webhooks import IDLE, ONCE_MORE, UNDER_WAY, filter_of, order_key
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import key
from teleflow.storage.mongo.tx import Reads, Tx

CANCELLED_AT_ONCE = 1_000
FORGOTTEN_AT_ONCE = 1_000
_DELIVERIES = "webhook_deliveries"
_ATTEMPTS = "webhook_attempts"
_WEBHOOKS_AT_ONCE = 1_000
_IDS: frozenset[str] = frozenset({"_id"})
_NUMBER = frozenset({"event_number"})
_DUE_AT = frozenset({"due_at"})


async def plan(tx: Tx, user_id: str, added: Sequence[tuple[int, Mapping[str, Any]]], now: int) -> None:
    """One open delivery for each of these events (number, row) and each active webhook that wants it."""
    for webhook in await tx.find("webhooks", {"user_id": user_id, "active": 1}):
        wanted = filter_of(webhook["types"], webhook["session_ids"])
        of_it = [(number, event) for number, event in added if wanted.wants(event["type"], event["session_id"])]
        if of_it:
            await plan_for(tx, user_id, webhook["_id"], Ordering(webhook["ordering"]), of_it, now)
            tx.ring([webhook["_id"]])


async def plan_for(
    tx: Tx,
    user_id: str,
    webhook_id: str,
    ordering: Ordering,
    events: Sequence[tuple[int, Mapping[str, Any]]],
    now: int,
) -> None:
    """One open delivery for each; an event has id, type, session_id and chat_id. None of them is planned already."""
    waited_for: dict[str, bool] = {}  # whether a delivery of this order is open
    for number, event in events:
        order = order_key(ordering, event)
        behind = False
        if order is not None:
            if order not in waited_for:
                waited_for[order] = await tx.one(_DELIVERIES, _of_order(webhook_id, order)) is not None
            behind, waited_for[order] = waited_for[order], True
        doc = {
            "_id": new_id("dlv"),
            "webhook_id": webhook_id,
            "user_id": user_id,
            "event_id": event["id"],
            "event_type": event["type"],
            "event_number": number,
            "session_id": event["session_id"],
            "order_key": order,
            "body": None,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "earlier": 0,
            "due_at": BEHIND if behind else now,
            "is_open": 1,
            "taken": IDLE,
            "created_at": now,
            "ended_at": None,
            "status": None,
            "error": None,
            "duration_ms": None,
        }
        tx.add(_DELIVERIES, doc)


async def first_carried(reads: Reads, user_id: str) -> int | None:
    """The number of the oldest event that a delivery still waits to carry."""
    where = {"user_id": user_id, "is_open": 1, "event_number": {"$gt": 0}}
    found = await reads.find(_DELIVERIES, where, sort=[("event_number", 1)], limit=1, fields=_NUMBER)
    return int(found[0]["event_number"]) if found else None


async def take(tx: Tx, webhook: Doc, now: int, until: int, limit: int) -> tuple[list[Due], int | None]:
    """What is due, and when there will be more."""
    due = []
    docs = await some_due(tx, webhook["_id"], now, limit) if limit > 0 else []
    bodies = await _bodies(tx, webhook["user_id"], [doc["event_number"] for doc in docs if doc["body"] is None])
    for doc in docs:
        await tx.change(_DELIVERIES, doc["_id"], {"due_at": until, "taken": _taken(doc) or UNDER_WAY})
        own = doc["body"]
        body = own if own is not None else bodies.get(doc["event_number"], b"")
        due.append(
            Due(
                doc["_id"],
                doc["event_type"],
                doc["session_id"],
                doc["attempts"],
                doc["earlier"],
                bytes(body),
                own is not None,
                doc["created_at"],
            )
        )
    return due, await next_due(tx, webhook["_id"])


async def some_due(reads: Reads, webhook_id: str, now: int, limit: int) -> list[Doc]:
    where = {"webhook_id": webhook_id, "is_open": 1, "due_at": {"$lte": now}}
    return await reads.find(_DELIVERIES, where, sort=[("due_at", 1), ("_id", 1)], limit=limit)


async def next_due(reads: Reads, webhook_id: str) -> int | None:
    where = {"webhook_id": webhook_id, "is_open": 1, "due_at": {"$lt": BEHIND}}
    found = await reads.find(_DELIVERIES, where, sort=[("due_at", 1)], limit=1, fields=_DUE_AT)
    return int(found[0]["due_at"]) if found else None


async def _bodies(reads: Reads, user_id: str, numbers: list[int]) -> dict[int, bytes]:
    if not numbers:
        return {}
    found = await reads.find("events", {"user_id": user_id, "number": {"$in": numbers}})
    return {doc["number"]: doc["body"] for doc in found}


async def settle(
    tx: Tx, delivery_id: str, attempt: Attempt, *, success: bool, again_at: int | None, now: int
) -> str | None:
    """Write an attempt and what it makes of its delivery. The webhook's id; None when the delivery is gone."""
    doc = await tx.get(_DELIVERIES, delivery_id)
    if doc is None:
        return None
    number, is_open, state = doc["attempts"] + 1, bool(doc["is_open"]), doc["state"]
    tx.put(_ATTEMPTS, _attempt_document(doc, number, attempt))
    once_more = is_open and _taken(doc) == ONCE_MORE
    goes_on = once_more or (is_open and not success and again_at is not None)
    if once_more:
        again_at = now  # what was asked for meanwhile is this one's end
    elif success:
        state = DeliveryState.DELIVERED.value
    elif is_open and not goes_on:
        state = DeliveryState.FAILED.value
    fields = {
        "state": state,
        "attempts": number,
        "earlier": number if once_more else doc["earlier"],
        "due_at": again_at if goes_on else now,
        "is_open": int(goes_on),
        "taken": IDLE,
        "ended_at": None if goes_on else now,
        "status": attempt.status,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
    }
    await tx.change(_DELIVERIES, delivery_id, fields)
    if doc["order_key"] is not None and not goes_on:
        await _let_next(tx, doc["webhook_id"], doc["order_key"], now)
    return str(doc["webhook_id"])


def _attempt_document(delivery: Doc, number: int, attempt: Attempt) -> Doc:
    return {
        "_id": key(delivery["_id"], number),
        "delivery_id": delivery["_id"],
        "webhook_id": delivery["webhook_id"],
        "user_id": delivery["user_id"],
        "number": number,
        "at": attempt.at,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "request_headers": json.dumps(dict(attempt.request_headers)),
        "response_headers": json.dumps(dict(attempt.response_headers)),
        "response": attempt.response,
    }


async def _let_next(tx: Tx, webhook_id: str, order: str, now: int) -> None:
    """The next of this order has waited for one that has ended."""
    first = await tx.one(_DELIVERIES, _of_order(webhook_id, order), sort=[("event_number", 1)])
    if first is not None and first["due_at"] == BEHIND:
        await tx.change(_DELIVERIES, first["_id"], {"due_at": now})


def _of_order(webhook_id: str, order: str) -> Doc:
    return {"webhook_id": webhook_id, "order_key": order, "is_open": 1}


def _taken(delivery: Doc) -> int:
    """A program of before, which still runs, or what it was about to write, may have left it out."""
    return int(delivery.get("taken", IDLE))


async def begin_again(tx: Tx, delivery: Doc, now: int, *, however: bool) -> Doc:
    """Now, or when the attempt that is under way has ended: however it ended, or unless it delivered."""
    fields = {
        "state": DeliveryState.PENDING.value,
        "is_open": 1,
        "ended_at": None,
        "earlier": delivery["attempts"],
    }
    if _taken(delivery) == IDLE or (not delivery["is_open"] and delivery["due_at"] <= now):
        fields |= {"due_at": now, "taken": IDLE}  # who took it, and did not say how it ended, has died
    elif however:
        fields |= {"taken": ONCE_MORE}
    await tx.change(_DELIVERIES, delivery["_id"], fields)
    return delivery | fields


async def cancel_some(tx: Tx, webhook_id: str, now: int) -> int:
    """Let go of what an inactive endpoint waits for: a thousand of it; `left_open` finds what is left."""
    docs = await tx.find(_DELIVERIES, {"webhook_id": webhook_id, "is_open": 1}, limit=CANCELLED_AT_ONCE)
    fields = {"state": DeliveryState.CANCELLED.value, "is_open": 0, "ended_at": now}
    for doc in docs:
        await tx.change(_DELIVERIES, doc["_id"], fields)
    return len(docs)


async def forget_some(tx: Tx, webhook_id: str) -> int:
    """Some of an endpoint's deliveries, whatever they are, with their attempts."""
    return await forget(tx, {"webhook_id": webhook_id}, FORGOTTEN_AT_ONCE)


async def forget(tx: Tx, where: Mapping[str, Any], most: int, sort: Sequence[tuple[str, int]] = ()) -> int:
    ids = [doc["_id"] for doc in await tx.find(_DELIVERIES, where, sort=sort, limit=most, fields=_IDS)]
    if ids:
        tx.clear(_DELIVERIES, {"_id": {"$in": ids}})
        tx.clear(_ATTEMPTS, {"delivery_id": {"$in": ids}})
    return len(ids)


def forget_all(tx: Tx, webhook_id: str) -> None:
    for collection in (_DELIVERIES, _ATTEMPTS, "webhook_recoveries"):
        tx.clear(collection, {"webhook_id": webhook_id})


async def left_open(reads: Reads, most: int) -> list[str]:
    """Inactive endpoints that something still waits for."""
    left: list[str] = []
    after = ""
    while len(left) < most:
        where = {"active": 0, "_id": {"$gt": after}}
        some = await reads.find("webhooks", where, sort=[("_id", 1)], limit=_WEBHOOKS_AT_ONCE, fields=_IDS)
        left += [one["_id"] for one in some if await _has_open(reads, one["_id"])]
        if len(some) < _WEBHOOKS_AT_ONCE:
            break
        after = some[-1]["_id"]
    return left[:most]


async def _has_open(reads: Reads, webhook_id: str) -> bool:
    where = {"webhook_id": webhook_id, "is_open": 1}
    return bool(await reads.find(_DELIVERIES, where, limit=1, fields=_IDS))
