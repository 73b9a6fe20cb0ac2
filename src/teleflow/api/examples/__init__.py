"""What a request and a success of each operation look like, for the OpenAPI document, by operation id.

Every operation has its examples, and each is as its schema says: a test holds both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.api.examples import access, broadcasts, groups, messages, methods, people, sessions, simple, webhooks

_NOUNS = (simple, access, sessions, messages, webhooks, broadcasts, methods, people, groups)
_OPEN = frozenset({"auth.logInProgram", "auth.signIn"})
REQUESTS: Mapping[str, Any] = {name: body for noun in _NOUNS for name, body in noun.REQUESTS.items()}
"""JSON bodies and the fields of forms."""
ANSWERS: Mapping[str, Any] = {name: body for noun in _NOUNS for name, body in noun.ANSWERS.items()}
"""Whole bodies of the routes at the root; under `/api/v1` what stands in the envelope."""
PARAMETERS: Mapping[str, Any] = {
    "sessionId": sessions.ID,
    "session_id": sessions.ID,
    "chatId": "@ann",
    "messageId": 1207,
    "chat_id": groups.CHAT_ID,
    "member_id": groups.MEMBER_ID,
    "invite_hash": groups.HASH,
    "topic_id": 7,
    "folder_id": 2,
    "key_id": access.KEY_ID,
    "user_id": access.USER_ID,
    "webhook_id": webhooks.WEBHOOK_ID,
    "delivery_id": webhooks.DELIVERY_ID,
    "recovery_id": webhooks.RECOVERY_ID,
    "broadcast_id": broadcasts.BROADCAST_ID,
    "opt_out_id": broadcasts.OPT_OUT_ID,
    "userId": access.USER_ID,
    "phone": "+15550100001",
    "fileId": "AQ" + "k3Zb" * 30,
    "token": "AQ" + "x7Qk" * 20,
    "username": "john",
    "name": "messages.readMentions",
    "key": "phone_number",
    "query": "bob",
    "storyId": 12,
    "authorizationId": "8213450917",
    "action": "session.exported",
    "since": "2026-01-01T00:00:00.000Z",
    "Idempotency-Key": "order-1207-shipped",
}
"""Of parameters, by name."""
PATH_IDS: Mapping[str, Any] = {
    "jobs": messages.JOB_ID,
    "chats": "@ann",
    "account": sessions.ID,
    "stories": "6100000002",
    "files": sessions.ID,
    "sessions": sessions.ID,
}
"""Of `id` in a path, by what the operation's id begins with."""


def add(name: str, declared: dict[str, Any]) -> None:
    """Put the examples of operation `name` where the document has room for them."""
    of_path = sessions.ID if name == "stories.list" else PATH_IDS.get(name.partition(".")[0])
    for parameter in declared.get("parameters", ()):
        known = of_path if parameter["name"] == "id" else PARAMETERS.get(parameter["name"])
        if known is not None:
            parameter["example"] = [known] if parameter["schema"].get("type") == "array" else known
    for media, content in declared.get("requestBody", {}).get("content", {}).items():
        if name in REQUESTS and media != "multipart/form-data":
            content["example"] = REQUESTS[name]
    for status, response in declared["responses"].items():
        if status.startswith("2") and name in ANSWERS:
            for media, content in response.get("content", {}).items():
                if media == "application/json":
                    content["example"] = _answer(name, status, declared)


def _answer(name: str, status: str, declared: Mapping[str, Any]) -> Any:
    queued = status == "202" and name not in webhooks.ANSWERS
    data = messages.QUEUED if queued else ANSWERS[name]
    return {"success": True, "data": data} if "x-scope" in declared or name in _OPEN else data
