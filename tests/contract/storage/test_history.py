"""Deliveries of an older service become history: told as any other, and not twice."""

from __future__ import annotations

from dataclasses import replace

from teleflow.model.events import EventFilter
from teleflow.model.webhooks import Attempt, Delivery, DeliveryState, Webhook
from teleflow.storage.base import Storage
from teleflow.storage.base.adoption import History, HistoryStore

from .rig import NOW, stored_user


def history(id_: str, user_id: str, *, status: int | None, at: int) -> History:
    state = DeliveryState.DELIVERED if status == 200 else DeliveryState.FAILED
    error = None if status else "no answer"
    delivery = Delivery(
        id_, "wh1", user_id, f"event of {id_}", "message.received", "ses_1", state, 3, 0, at, at, at, status, error, 12
    )
    return delivery, Attempt(3, at, 12, status, error, {}, {}, "thanks" if status else ""), b'{"id":"x"}'


async def test_how_long_history_is_kept_counts_from_its_coming(storage: Storage) -> None:
    assert isinstance(storage, HistoryStore)
    user = await stored_user(storage)
    webhook = Webhook("wh1", user.id, "https://x.example", EventFilter(frozenset({"*"}), None), "s", True, NOW, NOW)
    await storage.add_webhook(webhook, most=5)
    delivery, *rest = history("d1", user.id, status=200, at=NOW - 1_000_000)
    await storage.adopt_deliveries([(replace(delivery, ended_at=NOW), *rest)])
    assert await storage.purge_deliveries(before=NOW, now=NOW) == 0
    assert await storage.purge_deliveries(before=NOW + 1, now=NOW) == 1


async def test_history_comes_once_and_is_told(storage: Storage) -> None:
    assert isinstance(storage, HistoryStore)
    user = await stored_user(storage)
    webhook = Webhook("wh1", user.id, "https://x.example", EventFilter(frozenset({"*"}), None), "s", True, NOW, NOW)
    await storage.add_webhook(webhook, most=5)
    came = [history("d1", user.id, status=200, at=NOW - 2), history("d2", user.id, status=None, at=NOW - 1)]
    assert await storage.adopt_deliveries(came, dry=True) == 2
    assert await storage.adopt_deliveries(came) == 2
    more = [*came, history("d3", user.id, status=500, at=NOW)]
    assert await storage.adopt_deliveries(more, dry=True) == 1
    assert await storage.adopt_deliveries(more) == 1
    assert await storage.adopt_deliveries(more, dry=True) == 0
    listed = await storage.deliveries(user.id, "wh1", limit=10)
    assert [(one.id, one.state, one.status, one.response) for one in listed] == [
        ("d3", DeliveryState.FAILED, 500, "thanks"),
        ("d2", DeliveryState.FAILED, None, ""),
        ("d1", DeliveryState.DELIVERED, 200, "thanks"),
    ]
    found = await storage.delivery(user.id, "wh1", "d2")
    assert found is not None
    delivery, body, attempts = found
    assert (delivery.attempts, body) == (3, b'{"id":"x"}')
    assert [(one.number, one.error) for one in attempts] == [(3, "no answer")]
    again = await storage.begin_again(user.id, "wh1", "d2", now=NOW)
    assert again is not None
    assert again.state is DeliveryState.PENDING
