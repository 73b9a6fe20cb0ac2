"""Of broadcasts and opt-outs."""

from __future__ import annotations

from typing import Any

from teleflow.api.examples.messages import JOB_ID
from teleflow.api.examples.sessions import ID as SESSION_ID
from teleflow.api.examples.sessions import MOMENT

BROADCAST_ID = "bct_01kdx8zq5ge9mvs4tjq3c1w2ab"
OPT_OUT_ID = "out_01kdx8zq5ge9mvs4tjq3c1w2ab"
_TEXT = "Hello {{name}}, your order {{order}} is ready."
_CONSENT = 'Each of them ticked "tell me on Telegram" when ordering'
_TO = {"to": "@ann", "variables": {"name": "Ann", "order": "1207"}}
_PLAN = {"sessionId": SESSION_ID, "text": _TEXT, "consent": _CONSENT}
_BODY = {
    **_PLAN,
    "name": "orders of May",
    "pace": {"perMinute": 10, "jitter": 0.2},
    "quietHours": {"from": "21:00", "to": "08:00", "timeZone": "Europe/Berlin"},
    "strangersCap": 10,
    "recipients": [_TO],
}
_BROADCAST = {
    "id": BROADCAST_ID,
    "sessionId": SESSION_ID,
    "name": "orders of May",
    "state": "draft",
    "counts": {"pending": 1, "queued": 0, "sent": 0, "failed": 0, "skipped": 0, "cancelled": 0},
    "strangersMet": 0,
    "text": _TEXT,
    "silent": False,
    "linkPreview": True,
    "consent": _CONSENT,
    "pace": {"perMinute": 10, "jitter": 0.2},
    "quietHours": {"from": "21:00", "to": "08:00", "timeZone": "Europe/Berlin"},
    "strangersCap": 10,
    "stopAfterFailures": 20,
    "createdAt": MOMENT,
}
_RUNNING = {**_BROADCAST, "state": "running", "startedAt": MOMENT}
_LISTED = {name: value for name, value in _BROADCAST.items() if name != "counts"}
_OPT_OUT = {"id": OPT_OUT_ID, "peer": "@ann", "note": "asked by mail", "createdAt": MOMENT}
_SENT = {
    "number": 1,
    "to": "@ann",
    "state": "sent",
    "chatId": "1234567",
    "jobId": JOB_ID,
    "messageId": 1207,
    "stranger": False,
    "queuedAt": MOMENT,
    "endedAt": MOMENT,
}

REQUESTS: dict[str, Any] = {
    "broadcasts.create": _BODY,
    "broadcasts.preview": {**_PLAN, "recipients": [_TO]},
    "broadcasts.dryRun": {**_PLAN, "recipients": [_TO]},
    "broadcasts.addRecipients": {"recipients": [_TO]},
    "optouts.create": {"peer": "@ann", "note": "asked by mail"},
}
ANSWERS: dict[str, Any] = {
    "broadcasts.list": {"items": [_LISTED], "hasMore": False},
    "broadcasts.create": _BROADCAST,
    "broadcasts.preview": [{"number": 1, "to": "@ann", "text": "Hello Ann, your order 1207 is ready."}],
    "broadcasts.dryRun": {
        "recipients": 1,
        "wouldSend": 1,
        "unknown": 0,
        "strangers": 0,
        "skippedCount": 0,
        "skipped": [],
    },
    "broadcasts.get": _BROADCAST,
    "broadcasts.addRecipients": {"recipients": 2},
    "broadcasts.recipients": {"items": [_SENT], "hasMore": False},
    "broadcasts.start": _RUNNING,
    "broadcasts.pause": {**_RUNNING, "state": "paused"},
    "broadcasts.resume": _RUNNING,
    "broadcasts.cancel": {**_RUNNING, "state": "cancelled", "endedAt": MOMENT},
    "optouts.list": {"items": [_OPT_OUT], "hasMore": False},
    "optouts.create": _OPT_OUT,
    "optouts.delete": {"deleted": True, "id": OPT_OUT_ID},
}
