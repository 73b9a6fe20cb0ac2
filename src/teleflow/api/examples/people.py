"""Of contacts, and the account behind a session."""

from __future__ import annotations

from typing import Any

from teleflow.api.examples.sessions import ID, MOMENT

_BOB = {"id": "6100000002", "firstName": "Bob", "lastName": "Example", "username": "bob", "isContact": True}
_ME = {"id": "6100000001", "firstName": "Ann", "username": "ann_example"}
_CHAT = {"id": "6100000002", "title": "Bob Example", "type": "user", "username": "bob"}
_LOGIN = {
    "id": "8213450917",
    "device": "Pixel 9",
    "platform": "Android",
    "system": "16",
    "app": "Telegram Android",
    "appVersion": "12.2",
    "createdAt": MOMENT,
    "activeAt": MOMENT,
    "ip": "203.0.113.7",
    "country": "Austria",
    "region": "Vienna",
    "isOfficial": True,
}
_ON_BOB = {"sessionId": ID, "chatId": "@bob"}
_RULES = [{"rule": "allow_contacts"}, {"rule": "disallow_users", "userIds": ["6100000002"]}, {"rule": "disallow_all"}]
_DONE = {"done": True}
_STORY = {
    "id": 12,
    "chatId": "6100000002",
    "date": 1767323045,
    "expiresAt": 1767409445,
    "text": "Good morning",
    "media": {"type": "photo", "fileId": "AbCdEf0123456789", "mimeType": "image/jpeg", "width": 720, "height": 1280},
    "audience": "public",
}

REQUESTS: dict[str, Any] = {
    "contacts.import": {"sessionId": ID, "contacts": [{"phone": "+15550100002", "firstName": "Bob"}]},
    "contacts.add": {**_ON_BOB, "firstName": "Bob"},
    "contacts.delete": {"sessionId": ID, "chatIds": ["@bob"]},
    "contacts.block": _ON_BOB,
    "contacts.unblock": _ON_BOB,
    "account.update": {"firstName": "Ann", "about": "At your service"},
    "account.setUsername": {"username": "ann_example"},
    "account.setPhoto": {"fileId": "AbCdEf0123456789"},
    "account.setPrivacy": {
        "rules": [
            {"rule": "allow_contacts"},
            {"rule": "disallow_users", "chatIds": ["@bob"]},
            {"rule": "disallow_all"},
        ]
    },
}
ANSWERS: dict[str, Any] = {
    "contacts.import": [{"phone": "+15550100002", "person": _BOB}],
    "contacts.add": _BOB,
    "contacts.delete": _DONE,
    "contacts.block": _DONE,
    "contacts.unblock": _DONE,
    "contacts.blocked": [{**_CHAT, "blockedAt": MOMENT}],
    "contacts.search": {"known": [_CHAT], "others": []},
    "contacts.resolve": {"chatId": "6100000002", "type": "user"},
    "account.update": _ME,
    "account.setUsername": _ME,
    "account.setPhoto": {"photoFileId": "AbCdEf0123456789"},
    "account.deletePhoto": _DONE,
    "account.privacy": _RULES,
    "account.setPrivacy": _RULES,
    "account.authorizations": [_LOGIN],
    "account.endAuthorization": _DONE,
    "account.endOtherAuthorizations": _DONE,
    "stories.list": [{"chatId": "6100000002", "stories": [_STORY], "readUpTo": 11}],
    "stories.ofChat": {"chatId": "6100000002", "stories": [_STORY]},
    "stories.pinned": [{**_STORY, "pinned": True}],
    "stories.get": _STORY,
}
