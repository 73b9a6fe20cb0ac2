"""Who asks what in the fuzz: most of it Ann, an admin's part the admin; what ends things has things made for it.

Every operation of the document is in one of the rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.api.fields import operations
from proofs.api.fuzz import Round
from proofs.api.stand import Owner, Stand
from proofs.people import PASSWORD, log_in

ENDS = frozenset(
    {
        "broadcasts.cancel",
        "chats.delete",
        "chats.deleteHistory",
        "chats.leave",
        "contacts.block",
        "contacts.delete",
        "chats.upgrade",
        "keys.revoke",
        "messages.delete",
        "optouts.delete",
        "sessions.cancel",
        "topics.delete",
        "sessions.delete",
        "sessions.disconnect",
        "sessions.logout",
        "webhooks.delete",
    }
)
"""What ends something of the caller's."""
ENDS_LOGINS = frozenset({"auth.changePassword", "auth.logOutProgram", "auth.signOut", "auth.logout", "auth.logoutAll"})
STREAMS = frozenset({"events.stream", "events.socket"})
"""What never ends by itself: a fuzzer would wait for each to its time's end. Their own tests ask them odd things."""
THROWN_AWAY = 4


async def rounds(stand: Stand, document: Mapping[str, Any], examples: int) -> list[Round]:
    ann, admin = stand.owners["ann"], stand.owners["admin"]
    known = list(operations(document))
    for_admins = [one.name for one in known if one.needs_admin]
    own = _ids(ann)
    spare = {**own, **await _spare(stand, ann)}
    users = [await stand.made_user(f"spare{number}") for number in range(THROWN_AWAY)]
    names = {"user_id": [user["id"] for user in users], "username": [user["name"] for user in users]}
    last = await log_in(stand.gateway.port, users[0]["name"], PASSWORD)
    return [
        Round("user", _by(ann.token), own, examples, without=[*for_admins, *ENDS, *ENDS_LOGINS, *STREAMS]),
        Round("admin", _by(admin.token), {**_ids(admin), **names}, examples, only=for_admins),
        Round("ends", _by(ann.token), spare, examples, only=sorted(ENDS)),
        Round("logins", _by(last), {}, examples, only=sorted(ENDS_LOGINS)),
    ]


def _by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _ids(owner: Owner) -> dict[str, list[Any]]:
    ids = owner.ids
    return {
        "sessionId": [ids["session"]],
        "session_id": [ids["session"]],
        "sessionIds": [ids["session"]],
        "chatId": [ids["person"], ids["chat"], ids["group"], "me"],
        "chat_id": [ids["chat"], ids["group"], ids["person"]],
        "discussionChatId": [ids["chat"]],
        "adminId": ["me"],
        "pinnedChatIds": [ids["chat"]],
        "includedChatIds": [ids["person"]],
        "excludedChatIds": [ids["group"]],
        "member_id": [ids["person"], "me"],
        "memberIds": [ids["person"]],
        "fromChatId": [ids["person"]],
        "toChatId": ["me"],
        "fromId": [ids["person"]],
        "messageId": [ids["message"]],
        "messageIds": [ids["message"]],
        "replyToMsgId": [ids["message"]],
        "fileId": [ids["file"]],
        "key_id": [ids["key"]],
        "webhook_id": [ids["webhook"]],
        "delivery_id": [ids["delivery"]],
        "recovery_id": [ids["recovery"]],
        "broadcast_id": [ids["broadcast"]],
        "opt_out_id": [ids["opt-out"]],
        "userId": [ids["user"]],
        "/api/v1/chats id": [ids["person"], ids["chat"], ids["group"]],
        "/api/v1/jobs id": [ids["job"]],
        "/api/v1/sessions id": [ids["session"]],
    }


async def _spare(stand: Stand, owner: Owner) -> dict[str, list[Any]]:
    """Sessions that nobody scans, keys that nobody uses, and a group to leave."""
    sessions = [await stand.waiting_session(owner, f"spare {number}") for number in range(THROWN_AWAY)]
    keys = [await stand.spare_key(owner) for _ in range(THROWN_AWAY)]
    hooks = [await stand.webhook(owner) for _ in range(THROWN_AWAY)]
    return {
        "session_id": sessions,
        "key_id": keys,
        "webhook_id": hooks,
        "broadcast_id": [await stand.broadcast(owner) for _ in range(THROWN_AWAY)],
        "opt_out_id": [await stand.opt_out(owner, f"@spare_{number}") for number in range(THROWN_AWAY)],
        "chatId": [owner.ids["spare group"]],
        "chat_id": [owner.ids["spare group"]],
    }
