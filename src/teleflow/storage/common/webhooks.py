"""Webhooks as rows. Secrets and headers are sealed, each bound to its row and place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from teleflow.kit.seal import Seal
from teleflow.model.events import EventFilter
from teleflow.model.webhooks import Ordering, RetryPolicy, Webhook
from teleflow.storage import bindings

# Whether an attempt at a delivery is under way, and whether another one was asked for meanwhile: that one is begun
# when this one has ended, however it ended.
IDLE, UNDER_WAY, ONCE_MORE = 0, 1, 2


def row_of(seal: Seal, webhook: Webhook) -> dict[str, Any]:
    def sealed(place: str, text: str | None) -> bytes | None:
        return None if text is None else seal.seal(text.encode(), *bindings.webhook(webhook.id, place))

    wanted = webhook.wanted
    return {
        "id": webhook.id,
        "user_id": webhook.user_id,
        "url": webhook.url,
        "types": json.dumps(sorted(wanted.types)),
        "session_ids": None if wanted.session_ids is None else json.dumps(sorted(wanted.session_ids)),
        "headers": sealed("headers", json.dumps(dict(webhook.headers)) if webhook.headers else None),
        "secret": sealed("secret", webhook.secret),
        "old_secret": sealed("old_secret", webhook.old_secret),
        "old_secret_until": webhook.old_secret_until,
        "policy": webhook.policy.value,
        "ordering": webhook.ordering.value,
        "description": webhook.description,
        "active": int(webhook.active),
        "failing_since": webhook.failing_since,
        "disabled_because": webhook.disabled_because,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


def webhook_of(row: Mapping[str, Any], seal: Seal) -> Webhook:
    """Raises SealBroken."""
    values = dict(row)
    wanted = filter_of(values.pop("types"), values.pop("session_ids"))
    for place in ("headers", "secret", "old_secret"):
        held = values[place]
        values[place] = None if held is None else seal.open(held, *bindings.webhook(values["id"], place)).decode()
    values["headers"] = json.loads(values["headers"]) if values["headers"] else {}
    values["policy"] = RetryPolicy(values["policy"])
    values["ordering"] = Ordering(values["ordering"])
    values["active"] = bool(values["active"])
    return Webhook(wanted=wanted, **values)


@lru_cache(maxsize=4096)
def filter_of(types: str, session_ids: str | None) -> EventFilter:
    return EventFilter(
        frozenset(json.loads(types)), None if session_ids is None else frozenset(json.loads(session_ids))
    )


def order_key(ordering: Ordering, event: Mapping[str, Any]) -> str | None:
    """What of two deliveries must be alike for the later to wait for the earlier; None: they need not."""
    if ordering is Ordering.NONE:
        return None
    if ordering is Ordering.SESSION or event["chat_id"] is None:
        return f"{event['session_id'] or ''}"
    return f"{event['session_id'] or ''}:{event['chat_id']}"
