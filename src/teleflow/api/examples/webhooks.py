"""Of webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from teleflow.api.examples.sessions import ID as SESSION_ID
from teleflow.api.examples.sessions import MOMENT

WEBHOOK_ID = "whk_01kdx8zq5ge9mvs4tjq3c1w2ab"
DELIVERY_ID = "dlv_01kdx8zq5ge9mvs4tjq3c1w2ab"
RECOVERY_ID = "rcv_01kdx8zq5ge9mvs4tjq3c1w2ab"
_EVENT_ID = "evt_5f2b9c0d41e7a8836b1f0c9d2e4a71"
_URL = "https://example.com/telegram"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - an example
_WEBHOOK = {
    "id": WEBHOOK_ID,
    "url": _URL,
    "secret": "***",
    "events": ["message.*"],
    "isActive": True,
    "sessionIds": None,
    "headers": {"X-Shop": "***"},
    "retryPolicy": "default",
    "ordering": "chat",
    "description": "the shop",
    "oldSecretUntil": None,
    "failingSince": None,
    "disabledBecause": None,
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
_DELIVERY = {
    "id": DELIVERY_ID,
    "eventId": _EVENT_ID,
    "event": "message.received",
    "sessionId": SESSION_ID,
    "state": "delivered",
    "success": True,
    "status": 200,
    "error": None,
    "response": "ok",
    "duration": 41,
    "attempts": 1,
    "nextAttemptAt": None,
    "createdAt": MOMENT,
    "endedAt": MOMENT,
}
_DETAIL = {
    **_DELIVERY,
    "payload": {
        "id": _EVENT_ID,
        "type": "message.received",
        "sessionId": SESSION_ID,
        "timestamp": MOMENT,
        "data": {"messageId": 1207, "chatId": "1234567", "senderId": "1234567", "text": "Hello", "isOutgoing": False},
    },
    "tries": [
        {
            "number": 1,
            "at": MOMENT,
            "duration": 41,
            "status": 200,
            "error": None,
            "requestHeaders": {"Content-Type": "application/json", "X-TeleFlow-Event": "message.received"},
            "responseHeaders": {"content-type": "text/plain"},
            "response": "ok",
        }
    ],
}
_RECOVERY = {
    "id": RECOVERY_ID,
    "state": "done",
    "since": "2026-01-01T00:00:00.000Z",
    "until": MOMENT,
    "found": 12,
    "createdAt": MOMENT,
    "endedAt": MOMENT,
}

REQUESTS: dict[str, Any] = {
    "webhooks.create": {"url": _URL, "events": ["message.*"], "ordering": "chat"},
    "webhooks.update": {"isActive": False},
    "webhooks.rotate": {"overlapSeconds": 3600},
    "recoveries.create": {"since": "2026-01-01T00:00:00Z"},
}
ANSWERS: dict[str, Any] = {
    "webhooks.list": [_WEBHOOK],
    "webhooks.create": {**_WEBHOOK, "secret": _SECRET},
    "webhooks.get": _WEBHOOK,
    "webhooks.update": {**_WEBHOOK, "isActive": False},
    "webhooks.delete": {"deleted": True, "id": WEBHOOK_ID},
    "webhooks.rotate": {**_WEBHOOK, "secret": _SECRET, "oldSecretUntil": MOMENT},
    "webhooks.enable": _WEBHOOK,
    "webhooks.test": {**_DETAIL, "event": "webhook.test", "sessionId": None},
    "deliveries.list": {"items": [_DELIVERY], "nextCursor": None, "hasMore": False},
    "deliveries.get": _DETAIL,
    "deliveries.resend": {**_DETAIL, "state": "pending", "success": False},
    "deliveries.stats": {
        "since": MOMENT,
        "pending": 0,
        "delivered": 1204,
        "failed": 3,
        "cancelled": 0,
        "attempts": 1215,
        "successRate": 0.9975,
        "meanDuration": 38,
        "slowestDuration": 2041,
        "lastSuccessAt": MOMENT,
        "lastFailureAt": MOMENT,
    },
    "recoveries.create": {**_RECOVERY, "state": "running", "endedAt": None},
    "recoveries.list": [_RECOVERY],
    "recoveries.get": _RECOVERY,
    "recoveries.cancel": {**_RECOVERY, "state": "cancelled"},
}
