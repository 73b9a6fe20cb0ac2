"""Of who may: logins, keys, users, the audit log."""

from __future__ import annotations

from typing import Any

from teleflow.api.examples.sessions import ID as SESSION_ID
from teleflow.api.examples.sessions import MOMENT

KEY_ID = "key_01kdx8zq5ge9mvs4tjq3c1w2ab"
USER_ID = "usr_01kdx8zq5ge9mvs4tjq3c1w2ab"
_KEY = {
    "id": KEY_ID,
    "name": "shop",
    "prefix": "tfb_0a1b2c3d",
    "scopes": ["read", "write"],
    "sessionIds": [SESSION_ID],
    "rateLimit": None,
    "byLogin": False,
    "isActive": True,
    "createdAt": MOMENT,
    "expiresAt": "2027-01-01T00:00:00.000Z",
    "lastUsedAt": None,
}
_SECRET = "tfb_" + "0123456789abcdef" * 4
_USER = {"id": USER_ID, "name": "john", "role": "user", "isActive": True, "createdAt": MOMENT}
_ENTRY = {
    "id": "1207",
    "action": "session.exported",
    "userId": USER_ID,
    "actorId": USER_ID,
    "actor": "john",
    "target": SESSION_ID,
    "details": {"format": "telethon"},
    "address": "203.0.113.7",
    "requestId": "4f1c0a9be2d37c55",
    "createdAt": MOMENT,
}

REQUESTS: dict[str, Any] = {
    "auth.logInProgram": {"name": "john", "password": "a long and secret sentence"},
    "auth.signIn": {"name": "john", "password": "a long and secret sentence"},
    "auth.changePassword": {"currentPassword": "a long and secret sentence", "newPassword": "a new and longer one"},
    "keys.create": {
        "name": "shop",
        "scopes": ["write"],
        "sessionIds": [SESSION_ID],
        "expiresAt": "2027-01-01T00:00:00Z",
    },
    "users.add": {"name": "john", "password": "a long and secret sentence"},
    "users.setRole": {"role": "admin"},
    "users.resetPassword": {"password": "a new and longer one"},
    "sandbox.write": {"to": "+15550100001", "text": "Hello"},
    "sandbox.scan": {"link": "tg://login?token=AAAA"},
    "sandbox.trouble": {"trouble": "flood", "seconds": 20},
}
ANSWERS: dict[str, Any] = {
    "auth.logInProgram": {
        "apiKey": _SECRET,
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIn0.c2lnbmF0dXJl",
        "role": "user",
    },
    "auth.logOutProgram": {"message": "Logged out"},
    "auth.whoami": _USER,
    "auth.signIn": {"id": "usr_01k8x4m3v2n7q6w5e4r3t2y1u0", "name": "john", "role": "user", "csrfToken": "9f0c2b"},
    "auth.browser": {"id": "usr_01k8x4m3v2n7q6w5e4r3t2y1u0", "name": "john", "role": "user", "csrfToken": "9f0c2b"},
    "auth.signOut": {"message": "Signed out"},
    "auth.changePassword": {"message": "The password is changed"},
    "keys.create": {**_KEY, "key": _SECRET},
    "keys.list": [_KEY],
    "keys.get": _KEY,
    "keys.revoke": {"message": "The key is revoked"},
    "users.add": _USER,
    "users.page": {"items": [_USER], "total": 1},
    "users.get": _USER,
    "users.setRole": {**_USER, "role": "admin"},
    "users.resetPassword": {"message": "The password is changed"},
    "users.remove": {"message": "The user is removed"},
    "audit.list": {"items": [_ENTRY], "nextCursor": "1207", "hasMore": True},
    "system.get": {
        "version": "0.1.0",
        "runtime": "python 3.12.1",
        "healthy": True,
        "uptime": 86400.5,
        "startedAt": MOMENT,
        "loopLag": 0.2,
        "sandbox": False,
        "sessions": {"online": 3, "disconnected": 1},
    },
    "system.history": [
        {
            "at": MOMENT,
            "sends": 12,
            "sendsFailed": 1,
            "floodWaits": 0,
            "requests": 240,
            "requestsFailed": 0,
            "events": 86,
            "delivered": 80,
            "deliveryFailed": 2,
            "deliveryLag": 41.5,
            "loopLag": 1.2,
            "sessions": {"online": 3, "disconnected": 1},
        }
    ],
    "system.settings": [
        {
            "name": "RATE_LIMIT_MAX",
            "value": "100",
            "isSet": False,
            "isSecret": False,
            "description": "Requests a window for a user or key; 0 is no limit",
        }
    ],
    "sandbox.get": {
        "phones": [
            {
                "phone": "+15550100001",
                "name": "Alice Adams",
                "username": "alice_sandbox",
                "scenario": None,
                "cloudPassword": None,
                "devices": 1,
                "online": True,
                "code": {"code": "12345", "type": "app", "sentAt": MOMENT, "expiresAt": MOMENT},
            }
        ],
        "troubles": 0,
    },
    "sandbox.messages": [{"number": 1, "at": MOMENT, "from": "+15550100002", "to": "+15550100001", "text": "Hello"}],
    "sandbox.write": {"message": "Written"},
    "sandbox.scan": {"passwordNeeded": False},
    "sandbox.trouble": {"message": "Begun"},
    "sandbox.endTroubles": {"message": "Ended"},
}
