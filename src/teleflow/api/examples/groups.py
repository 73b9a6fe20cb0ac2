"""Of groups and channels, and who is in them."""

from __future__ import annotations

from typing import Any

CHAT_ID = "-1002100000001"
MEMBER_ID = "6100000002"
_CHAT = {
    "id": CHAT_ID,
    "title": "Second Hall",
    "type": "supergroup",
    "username": "second_hall",
    "membersCount": 2,
    "about": "What is shown in it",
    "isCreator": True,
    "slowModeSeconds": 30,
}
_MISSING = [{"id": "6100000003", "reason": "USER_PRIVACY_RESTRICTED"}]
_DONE = {"changed": True}
_UNTIL = 1767409445

REQUESTS: dict[str, Any] = {
    "chats.create": {"type": "supergroup", "title": "Second Hall", "memberIds": ["@bob", "@eve"]},
    "chats.change": {"about": "What is shown in it", "slowModeSeconds": 30, "permissions": {"sendPolls": False}},
    "members.add": {"memberIds": ["@bob", "@eve"]},
    "admins.set": {"rights": {"banUsers": True, "pinMessages": True}, "title": "warden"},
    "restrictions.set": {"permissions": {"sendMessages": False}, "until": _UNTIL},
    "bans.set": {"until": _UNTIL},
}
ANSWERS: dict[str, Any] = {
    "chats.create": {"chat": _CHAT, "missing": _MISSING},
    "chats.change": _CHAT,
    "chats.upgrade": _CHAT,
    "chats.delete": _DONE,
    "members.add": {"added": [MEMBER_ID], "missing": _MISSING},
    "members.get": {
        "id": MEMBER_ID,
        "firstName": "Bob",
        "username": "bob",
        "role": "restricted",
        "until": _UNTIL,
        "permissions": {"sendMessages": False, "sendMedia": True},
    },
    "members.remove": _DONE,
    "admins.set": _DONE,
    "admins.remove": _DONE,
    "restrictions.set": _DONE,
    "restrictions.remove": _DONE,
    "bans.set": _DONE,
    "bans.remove": {"changed": False},
}
