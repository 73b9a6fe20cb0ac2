"""Webhooks, events and attempts, as the tests of deliveries have them."""

from __future__ import annotations

from typing import Any

from teleflow.kit.ids import new_id
from teleflow.model.events import EventFilter, EventType, NewEvent, event_id
from teleflow.model.users import User
from teleflow.model.webhooks import (
    Attempt,
    Due,
    Tried,
    Webhook,
)
from teleflow.storage.base import Storage

from .rig import NOW, stored_session, stored_user

DAYS_5 = 5 * 86_400_000
SECRET = "whsec_a secret that no dump may hold"


async def owner(storage: Storage) -> tuple[User, str]:
    user = await stored_user(storage)
    return user, (await stored_session(storage, user)).id


async def stored(storage: Storage, user: User, **more: Any) -> Webhook:
    fields: dict[str, Any] = {
        "id": new_id("whk"),
        "user_id": user.id,
        "url": "https://example.com/",
        "wanted": EventFilter(frozenset({"message.*"})),
        "secret": SECRET,
        "active": True,
        "created_at": NOW,
        "updated_at": NOW,
    }
    webhook = Webhook(**{**fields, **more})
    await storage.add_webhook(webhook, most=50)
    return webhook


def an_event(session_id: str, number: int, chat_id: int = -5) -> NewEvent:
    type_ = EventType.MESSAGE_RECEIVED
    return NewEvent(event_id(session_id, type_, number), type_, session_id, NOW + number, {"n": number}, chat_id)


async def happen(storage: Storage, user: User, session_id: str, *numbers: int, chat_id: int = -5) -> None:
    events = [an_event(session_id, number, chat_id) for number in numbers]
    await storage.append_events(user.id, events, now=NOW, session_id=session_id)


async def claimed(storage: Storage, webhook: Webhook, now: int = NOW, limit: int = 100) -> list[Due]:
    return list((await storage.claim_deliveries(webhook.id, now=now, until=now + 15_000, limit=limit)).due)


def an_attempt(at: int = NOW, status: int | None = 200, error: str | None = None) -> Attempt:
    return Attempt(0, at, 12, status, error, {"X-A": "b"}, {"c": "d"}, "said")


async def settle(storage: Storage, due: Due, *, success: bool, now: int = NOW, **more: Any) -> Any:
    tried = Tried(due.id, an_attempt(now, 200 if success else 500), success=success, **more)
    return await storage.settle_deliveries([tried], now=now, disable_after=DAYS_5)
