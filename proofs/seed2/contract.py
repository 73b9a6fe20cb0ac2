"""What a client of the older gateway knows of its wire: routes, and the JSON type of every field it reads.

It is written down here a second time on purpose, from the contract and from no code of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PRIVATE, GROUP, SUPERGROUP, CHANNEL = "private", "group", "supergroup", "channel"
KINDS = (PRIVATE, GROUP, SUPERGROUP, CHANNEL)
ONCE = ("",)
ROOMS = (GROUP, SUPERGROUP, CHANNEL)

ROUTES: Mapping[str, tuple[str, ...]] = {
    "GET /health": ONCE,
    "GET /version": ONCE,
    "POST /auth/login": ONCE,
    "POST /auth/logout": ONCE,
    "GET /auth/me": ONCE,
    "GET /sessions": ONCE,
    "POST /sessions": ONCE,
    "POST /sessions/verify-code": ONCE,
    "POST /sessions/verify-password": ONCE,
    "POST /sessions/import": ONCE,
    "POST /sessions/:id/export": ONCE,
    "GET /sessions/:id": ONCE,
    "DELETE /sessions/:id": ONCE,
    "POST /sessions/:id/connect": ONCE,
    "POST /sessions/:id/disconnect": ONCE,
    "POST /messages/send": KINDS,
    "POST /messages/reply": KINDS,
    "POST /messages/edit": KINDS,
    "POST /messages/delete": KINDS,
    "POST /messages/forward": KINDS,
    "POST /messages/react": KINDS,
    "POST /messages/pin": KINDS,
    "POST /messages/unpin": KINDS,
    "POST /messages/read": KINDS,
    "GET /messages/history": KINDS,
    "GET /chats": ONCE,
    "GET /chats/:id": KINDS,
    "POST /chats/join": ROOMS,
    "POST /chats/leave": ROOMS,
    "GET /chats/:id/members": ROOMS,
    "POST /chats/search": KINDS,
    "GET /jobs/:id": ONCE,
}
"""Everything but webhooks and events; and the kinds of chat for which a route means something."""


class WrongError(Exception):
    """An answer that a client of the older gateway would stumble over."""


@dataclass(frozen=True)
class Shape:
    """An object: fields that must be there, and fields that must have the type where they are there."""

    name: str
    must: Mapping[str, Any]
    may: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OrNull:
    kind: Any


MEDIA = Shape(
    "media",
    {"type": {"photo", "video", "voice", "audio", "document", "sticker", "gif"}},
    {"fileId": str, "fileName": str, "mimeType": str, "fileSize": int, "thumbnailUrl": str},
)
MESSAGE = Shape(
    "Message",
    {"id": int, "chatId": str, "senderId": str, "text": str, "date": int},
    {"editDate": int, "replyToMsgId": int, "forwardFrom": str, "media": MEDIA},
)
CHAT = Shape(
    "Chat",
    {"id": str, "title": str, "type": {"user", "group", "supergroup", "channel"}},
    {"username": str, "membersCount": int},
)
MEMBER = Shape("member", {"id": str, "firstName": str}, {"lastName": str, "username": str})
FOUND = Shape("found message", {"id": int, "text": str, "date": int, "senderId": str})
SESSION = Shape(
    "session",
    {
        "id": str,
        "name": str,
        "phoneNumber": str,
        "isActive": bool,
        "isAuthorized": bool,
        "createdAt": str,
        "lastConnected": OrNull(str),
    },
)
STATES = {"queued", "sending", "sent", "failed", "uncertain", "cancelled"}
JOB = Shape(
    "job",
    {"id": str, "state": STATES, "sessionId": str, "chatId": str, "attempts": int, "createdAt": str},
    {"message": MESSAGE, "dueAt": str, "error": Shape("error", {"code": str, "message": str})},
)
HEALTH = Shape(
    "health",
    {"status": {"ok"}, "uptime": float, "timestamp": str, "sessions": Shape("sessions", {"active": int})},
)
VERSION = Shape("version", {"name": str, "version": str, "runtime": str})
LOGIN = Shape("login", {"apiKey": str, "jwt": str, "role": {"admin", "user"}})
ME = Shape("me", {"id": str, "name": str, "role": {"admin", "user"}, "isActive": bool, "createdAt": str})
TOLD = Shape("message", {"message": str})
CODE = Shape("step", {"sessionId": str, "step": {"CODE_REQUIRED"}, "phoneCodeHash": str})
STEP = Shape("step", {"sessionId": str, "step": {"LOGGED_IN", "PASSWORD_REQUIRED"}})
IMPORTED = Shape("imported", {"sessionId": str})
EXPORTED = Shape("exported", {"sessionString": str})
DELETED = Shape("deleted", {"deletedIds": [int]})
REACTED = Shape("reacted", {"reacted": bool, "messageId": int, "emoji": str})
PINNED = Shape("pinned", {"pinned": bool, "messageId": int})
UNPINNED = Shape("unpinned", {"unpinned": bool, "messageId": int})
READ = Shape("read", {"read": bool, "chatId": str})
JOINED = Shape("joined", {"joined": bool, "chatId": str})
LEFT = Shape("left", {"left": bool, "chatId": str})
ERROR = Shape("error", {"code": str, "message": str})


def check(value: Any, kind: Any, where: str = "data") -> None:
    """Raises WrongError where `value` is not of this kind."""
    if isinstance(kind, Shape):
        _check_object(value, kind, where)
    elif isinstance(kind, OrNull):
        if value is not None:
            check(value, kind.kind, where)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise WrongError(f"{where} is no list but {_named(value)}")
        for number, one in enumerate(value):
            check(one, kind[0], f"{where}[{number}]")
    elif isinstance(kind, set):
        if not isinstance(value, str) or value not in kind:
            raise WrongError(f"{where} is {value!r}, not one of {', '.join(sorted(kind))}")
    elif kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise WrongError(f"{where} is no number but {_named(value)}")
    elif type(value) is not kind:
        raise WrongError(f"{where} is no {kind.__name__} but {_named(value)}")


def _check_object(value: Any, shape: Shape, where: str) -> None:
    if not isinstance(value, dict):
        raise WrongError(f"{where} is no {shape.name} but {_named(value)}")
    for name, kind in shape.must.items():
        if name not in value:
            raise WrongError(f"{where}.{name} is missing")
        check(value[name], kind, f"{where}.{name}")
    for name, kind in shape.may.items():
        if name in value:
            check(value[name], kind, f"{where}.{name}")


def _named(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
