"""Of messages, chats and jobs."""

from __future__ import annotations

from typing import Any

from teleflow.api.examples.sessions import ID, MOMENT

JOB_ID = "job_01kdx8zq5ge9mvs4tjq3c1w2ab"
_MESSAGE = {
    "id": 1207,
    "chatId": "6100000002",
    "senderId": "6100000001",
    "text": "Your parcel is on its way",
    "date": 1767323045,
    "isOutgoing": True,
}
_PHOTO = {"fileId": "AbCdEf0123456789", "mimeType": "image/jpeg", "fileSize": 82944, "width": 800, "height": 600}
_POLL = {"type": "poll", "details": {"question": "When shall we come?"}}


def _with(media: dict[str, Any], text: str = "") -> dict[str, Any]:
    return {**_MESSAGE, "text": text, "media": media}


_EDITED = {**_MESSAGE, "text": "Your parcel is there", "editDate": 1767326645}
_CHAT = {"id": "6100000002", "title": "Bob Example", "type": "user", "username": "bob", "unreadCount": 0}
_GROUP = {"id": "-1002100000001", "title": "Support", "type": "supergroup", "membersCount": 3}
_PERSON = {"id": "6100000002", "firstName": "Bob", "lastName": "Example", "username": "bob"}
_JOB = {
    "id": JOB_ID,
    "state": "sent",
    "sessionId": ID,
    "chatId": "6100000002",
    "message": _MESSAGE,
    "attempts": 1,
    "createdAt": MOMENT,
}
QUEUED = {
    "id": JOB_ID,
    "state": "queued",
    "sessionId": ID,
    "chatId": "6100000002",
    "attempts": 0,
    "createdAt": MOMENT,
}
_EVENT = {
    "id": "evt_0110408040a0607080910a0b0c0d9e",
    "type": "message.read",
    "sessionId": ID,
    "timestamp": MOMENT,
    "data": {"chatId": "6100000002", "maxId": 1207, "direction": "outbox"},
}
_ON_CHAT = {"sessionId": ID, "chatId": "@bob"}
_ON_MESSAGE = {**_ON_CHAT, "messageId": 1207}

REQUESTS: dict[str, Any] = {
    "events.createTicket": {"events": ["message.*"]},
    "files.createLink": {"expiresIn": 600},
    "messages.send": {**_ON_CHAT, "text": "Your parcel is on its way"},
    "messages.reply": {**_ON_CHAT, "text": "Your parcel is on its way", "replyToMsgId": 1206},
    "messages.forward": {"sessionId": ID, "fromChatId": "@bob", "toChatId": "me", "messageIds": [1207]},
    "messages.sendMedia": {
        **_ON_CHAT,
        "type": "photo",
        "url": "https://example.com/parcel.jpg",
        "caption": "Your parcel",
    },
    "messages.sendAlbum": {
        **_ON_CHAT,
        "items": [
            {"type": "photo", "url": "https://example.com/1.jpg", "caption": "Before"},
            {"type": "photo", "url": "https://example.com/2.jpg"},
        ],
    },
    "messages.sendPoll": {**_ON_CHAT, "question": "When shall we come?", "options": ["Morning", "Evening"]},
    "messages.sendLocation": {**_ON_CHAT, "latitude": 48.2082, "longitude": 16.3738},
    "messages.sendVenue": {
        **_ON_CHAT,
        "latitude": 48.2082,
        "longitude": 16.3738,
        "title": "Post office",
        "address": "Main Street 1",
    },
    "messages.sendContact": {**_ON_CHAT, "phone": "+15550100003", "firstName": "Eve"},
    "messages.sendDice": {**_ON_CHAT, "emoji": "🎲"},
    "messages.edit": {**_ON_MESSAGE, "text": "Your parcel is there"},
    "messages.delete": {**_ON_CHAT, "messageIds": [1207]},
    "messages.react": {**_ON_MESSAGE, "emoji": "👍"},
    "messages.pin": _ON_MESSAGE,
    "messages.unpin": _ON_MESSAGE,
    "messages.read": _ON_CHAT,
    "messages.typing": {**_ON_CHAT, "action": "typing"},
    "messages.sendScheduled": {**_ON_CHAT, "messageIds": [3]},
    "chats.join": {"sessionId": ID, "chatId": "https://t.me/+AbCdEfGhIjKlMnOp"},
    "chats.leave": {"sessionId": ID, "chatId": "-1002100000001"},
    "chats.search": {**_ON_CHAT, "query": "parcel", "limit": 20},
}
ANSWERS: dict[str, Any] = {
    "messages.send": _MESSAGE,
    "messages.reply": {**_MESSAGE, "replyToMsgId": 1206},
    "messages.forward": [{**_MESSAGE, "forwardFrom": "6100000002"}],
    "messages.sendMedia": _with({"type": "photo", **_PHOTO}, "Your parcel"),
    "messages.sendAlbum": [
        {**_with({"type": "photo", **_PHOTO}, text), "id": number, "groupedId": "13902001"}
        for number, text in ((1207, "Before"), (1208, ""))
    ],
    "messages.sendPoll": _with(_POLL),
    "messages.sendLocation": _with({"type": "location", "details": {"latitude": 48.2082, "longitude": 16.3738}}),
    "messages.sendVenue": _with(
        {"type": "venue", "details": {"latitude": 48.2082, "longitude": 16.3738, "title": "Post office"}}
    ),
    "messages.sendContact": _with({"type": "contact", "details": {"phone": "+15550100003", "firstName": "Eve"}}),
    "messages.sendDice": _with({"type": "dice", "details": {"emoji": "🎲", "value": 4}}),
    "messages.history": [_MESSAGE],
    "messages.edit": _EDITED,
    "messages.delete": {"deletedIds": [1207]},
    "messages.react": {"reacted": True, "messageId": 1207, "emoji": "👍"},
    "messages.unreact": {"reacted": False, "messageId": 1207, "emoji": ""},
    "messages.pin": {"pinned": True, "messageId": 1207},
    "messages.unpin": {"unpinned": True, "messageId": 1207},
    "messages.read": {"read": True, "chatId": "6100000002"},
    "messages.typing": {"typing": True, "chatId": "6100000002"},
    "messages.scheduled": [{**_MESSAGE, "id": 3, "scheduled": True}],
    "messages.unschedule": {"deletedIds": [3]},
    "messages.sendScheduled": [_MESSAGE],
    "chats.list": [_CHAT, _GROUP],
    "chats.folders": [
        {
            "id": 2,
            "type": "custom",
            "title": "Customers",
            "kinds": ["nonContacts"],
            "without": ["archived"],
            "pinnedChatIds": [],
            "includedChatIds": ["6100000002"],
            "excludedChatIds": [],
        }
    ],
    "chats.get": _GROUP,
    "chats.join": {"joined": True, "chatId": "-1002100000001"},
    "chats.leave": {"left": True, "chatId": "-1002100000001"},
    "chats.search": [_MESSAGE],
    "chats.members": [{**_PERSON, "role": "member"}],
    "contacts.list": [{**_PERSON, "isContact": True}],
    "jobs.list": {"items": [_JOB], "hasMore": False},
    "events.createTicket": {"ticket": "tkt_" + "Zk3" * 14 + "w", "expiresAt": "2026-01-02T03:04:35.678Z"},
    "files.createLink": {"url": "/api/v1/files/AQ" + "x7Qk" * 20, "expiresAt": "2026-01-02T04:04:05.678Z"},
    "events.list": {
        "items": [_EVENT],
        "nextCursor": "c1207",
        "oldestCursor": "c0",
        "hasMore": False,
    },
    "jobs.get": _JOB,
    "jobs.cancel": {**QUEUED, "state": "cancelled"},
}
