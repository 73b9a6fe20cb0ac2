"""What each parameter and field of a request is: an id of somebody's thing, a place in a list, or a plain value.

Whoever adds a field to the API says here what it is: one that is not listed breaks the proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

IDS: Mapping[str, str] = {
    "sessionId": "session",
    "session_id": "session",
    "sessionIds": "session",
    "chatId": "chat",
    "chat_id": "chat",
    "discussionChatId": "chat",
    "pinnedChatIds": "chat",
    "includedChatIds": "chat",
    "excludedChatIds": "chat",
    "adminId": "person",
    "member_id": "person",
    "memberIds": "person",
    "fromChatId": "chat",
    "toChatId": "chat",
    "fromId": "person",
    "chatIds": "person",
    "messageId": "message",
    "messageIds": "message",
    "replyToMsgId": "message",
    "fileId": "file",
    "key_id": "key",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
    "recovery_id": "recovery",
    "broadcast_id": "broadcast",
    "opt_out_id": "opt-out",
    "user_id": "user",
    "userId": "user",
    "username": "username",
}
"""Name → the kind of thing."""
ID_OF_PATH: Mapping[str, str] = {"/api/v1/jobs": "job", "/api/v1/chats": "chat", "/api/v1/sessions": "session"}
"""What `id` is, by the beginning of the path."""
WORDS = frozenset(
    {
        ("/api/v1/sessions/{id}/me/username", "username"),
        ("/api/v1/sessions/{session_id}/chats/{chat_id}", "username"),
        # Any number is one of a message in that chat, or of none.
        ("/api/v1/sessions/{session_id}/chats/{chat_id}/draft", "replyToMsgId"),
    }
)
"""What is called as an id is elsewhere, and is none there."""
WORD = "of_the_matrix"
POSITIONS = frozenset(
    {"last-event-id", "after", "afterId", "cursor", "offset", "offsetId", "offsetDate", "upTo", "limit", "minutes"}
)
"""Where a list begins or ends, in the caller's own: whoever gives another's gets of their own, or is refused."""
PLAIN: Mapping[str, Any] = {
    "byRequest": None,
    "color": None,
    "emoticon": None,
    "folderIds": [0, 2],
    "folder_id": 2,
    "iconColor": None,
    "iconEmojiId": None,
    "invite": None,
    "invite_hash": "AbCdEfGhIjKlMnOp",
    "isArchived": None,
    "isClosed": None,
    "isHidden": None,
    "isMarkedUnread": None,
    "isPinned": None,
    "kinds": ["groups"],
    "muteUntil": None,
    "revoked": False,
    "topic_id": 5,
    "usageLimit": None,
    "without": None,
    "about": "words",
    "authorizationId": "12345",
    "historyHidden": None,
    "isForum": None,
    "isProtected": None,
    "joinByRequest": None,
    "joinToSend": None,
    "permissions": {"sendPolls": False},
    "rights": None,
    "signatures": None,
    "slowModeSeconds": None,
    "Idempotency-Key": None,
    "X-API-Key": None,
    "accuracy": None,
    "action": "typing",
    "address": "Street 1",
    "anonymous": True,
    "apiHash": None,
    "apiId": None,
    "archived": False,
    "async": False,
    "big": False,
    "caption": "",
    "code": "12345",
    "consent": "they asked for it themselves",
    "contacts": [{"phone": "+15550419998", "firstName": "Nobody"}],
    "correctOption": None,
    "currentPassword": "not the right one",
    "customEmojiId": None,
    "description": "words",
    "device": None,
    "dropAuthor": False,
    "duration": 0,
    "emoji": "👍",
    "entities": None,
    "event": "message.received",
    "events": ["message.*"],
    "expiresAt": None,
    "expiresIn": 60,
    "explanation": "",
    "file": None,
    "fileName": None,
    "filter": "all",
    "firstName": "Of the matrix",
    "folder": None,
    "forEveryone": True,
    "format": "gramjs",
    "headers": None,
    "height": 0,
    "isActive": None,
    "items": [{"type": "photo", "file": "a"}, {"type": "photo", "file": "b"}],
    "key": "about",
    "lastName": "",
    "latitude": 48.2,
    "grant_type": "password",
    "linkPreview": True,
    "livePeriod": None,
    "link": None,
    "longitude": 16.4,
    "message": "words",
    "method": "users.getUsers",
    "mimeType": None,
    "multiple": False,
    "name": "of the matrix",
    "note": "words",
    "newPassword": "a new and longer one",
    "notify": False,
    "oneSide": False,
    "openFor": None,
    "options": ["a", "b"],
    "ordering": "none",
    "overlapSeconds": 60,
    "parseMode": None,
    "pace": None,
    "params": {"id": ["me"]},
    "peer": "@nobody_of_the_matrix",
    "performer": "",
    "password": "a long enough one",
    "phone": "+15550419999",
    "phoneCode": "12345",
    "phoneCodeHash": "0123456789abcdef",
    "phoneNumber": "+15550419999",
    "proxy": None,
    "provider": "",
    "q": "",
    "query": "note",
    "question": "Which of the matrix?",
    "quietHours": None,
    "rateLimit": None,
    "recipients": [{"to": "me"}],
    "refresh_token": "no token",
    "retryPolicy": "none",
    "role": "user",
    "rules": [{"rule": "allow_all"}],
    "schedule": None,
    "secret": None,
    "seconds": 1,
    "scopes": ["read"],
    "sharePhone": False,
    "sessionString": "1AAAA",
    "silent": False,
    "since": "2026-01-01T00:00:00Z",
    "spoiler": False,
    "start": False,
    "startAt": None,
    "state": None,
    "stopAfterFailures": 20,
    "storyId": 12,
    "strangersCap": 10,
    "success": None,
    "supportsStreaming": False,
    "telegram_api_hash": None,
    "telegram_api_id": None,
    "telegram_phone": None,
    "text": "of the matrix",
    "to": "+15550419999",
    "trouble": "slow",
    "thumb": None,
    "thumbnail": None,
    "ticket": None,
    "title": "Of a matrix",
    "token": "no link",
    "topicId": None,
    "ttlSeconds": None,
    "type": "channel",
    "types": "message.*",
    "until": None,
    "url": "http://127.0.0.1:59999/nobody",
    "vcard": "",
    "venueId": "",
    "venueType": "",
    "waveform": None,
    "width": 0,
}
"""Name → a value that is right, None where it is left out."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a request. `place` is path, query or body; `kind` is set for ids."""

    place: str
    name: str
    kind: str | None
    required: bool
    many: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be asked, as the document says."""

    name: str
    method: str
    path: str
    scope: str | None
    fields: tuple[Field, ...]

    @property
    def needs_admin(self) -> bool:
        return self.scope == "admin"


class UnknownFieldError(Exception):
    """A field that is not listed above."""


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Raises UnknownFieldError."""
    for path, item in document["paths"].items():
        for method, declared in item.items():
            fields = [
                _field(path, one["in"], one["name"], one.get("required", False), one["schema"])
                for one in declared.get("parameters", ())
                if one["in"] != "header"
            ]
            for content in declared.get("requestBody", {}).get("content", {}).values():
                schema = _resolved(document, content["schema"])
                needed = schema.get("required", ())
                fields += [
                    _field(path, "body", name, name in needed, one) for name, one in schema["properties"].items()
                ]
                break
            name = declared["operationId"]
            yield Operation(name, method.upper(), path, _scope(path, declared), tuple(fields))


def _scope(path: str, declared: Mapping[str, Any]) -> str | None:
    if path.startswith("/users"):
        return "admin"
    scope: str | None = declared.get("x-scope")
    return scope if scope is not None or not declared.get("security") else "user"


def _field(path: str, place: str, name: str, required: bool, schema: Mapping[str, Any]) -> Field:
    kind = None if (path, name) in WORDS else IDS.get(name)
    if name == "id":
        kind = next((kind for start, kind in ID_OF_PATH.items() if path.startswith(start)), None)
    if kind is None and name not in POSITIONS and name not in PLAIN and (path, name) not in WORDS:
        raise UnknownFieldError(f"{path}: {place} field {name!r} is not listed in proofs/api/fields.py")
    return Field(place, name, kind, required, "array" in str(schema.get("type")) or "'array'" in str(schema))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema
    while "$ref" in found:
        found = document["components"]["schemas"][found["$ref"].rsplit("/", 1)[1]]
    return found
