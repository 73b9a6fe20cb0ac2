"""What service messages tell of a chat, and small pieces that updates share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from telethon.tl import types as tl

from teleflow.model.peers import PeerKind, marked_id
from teleflow.telegram.convert.chats import allowed as allowed_by


def of(action: Any, actor: int | None) -> Iterator[tuple[str, dict[str, Any], object]]:
    """(suffix of chat.*, data, what tells it from others of the same message)."""
    match action:
        case tl.MessageActionChatCreate():
            yield "created", {"title": action.title, "userIds": [str(one) for one in action.users]}, 0
        case tl.MessageActionChannelCreate():
            yield "created", {"title": action.title}, 0
        case tl.MessageActionChannelMigrateFrom():
            yield "created", {"title": action.title, "migratedFrom": str(-action.chat_id)}, 0
        case tl.MessageActionChatMigrateTo():
            yield "updated", {"migratedTo": str(marked_id(PeerKind.CHANNEL, action.channel_id))}, 0
        case tl.MessageActionChatAddUser():
            for user in action.users:
                yield "member_joined", _joined(user, actor), user
        case tl.MessageActionChatJoinedByLink():
            yield "member_joined", {**_joined(actor, actor), "inviterId": str(action.inviter_id), "by": "link"}, actor
        case tl.MessageActionChatJoinedByRequest():
            yield "member_joined", {**_joined(actor, actor), "by": "request"}, actor
        case tl.MessageActionChatDeleteUser():
            yield "member_left", {"userId": str(action.user_id)}, action.user_id
        case tl.MessageActionChatEditTitle():
            yield "updated", {"title": action.title}, 0
        case tl.MessageActionChatEditPhoto():
            photo = {"photoId": str(action.photo.id)} if isinstance(action.photo, tl.Photo) else {}
            yield "updated", {"photo": True, **photo}, 0
        case tl.MessageActionChatDeletePhoto():
            yield "updated", {"photo": False}, 0
        case tl.MessageActionSetMessagesTTL():
            yield "updated", {"ttlSeconds": action.period}, 0


def _joined(user: int | None, actor: int | None) -> dict[str, Any]:
    told = {"userId": str(user)}
    if actor is not None and actor != user:
        told["inviterId"] = str(actor)
    return told


def reaction(one: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"count": one.count}
    if isinstance(one.reaction, tl.ReactionEmoji):
        told["emoji"] = one.reaction.emoticon
    elif isinstance(one.reaction, tl.ReactionCustomEmoji):
        told["customEmojiId"] = str(one.reaction.document_id)
    if one.chosen_order is not None:
        told["chosen"] = True
    return told


def is_admin(participant: Any) -> bool:
    return isinstance(
        participant,
        tl.ChannelParticipantAdmin | tl.ChannelParticipantCreator | tl.ChatParticipantAdmin | tl.ChatParticipantCreator,
    )


def allowed(update: Any) -> dict[str, bool]:
    return dict(allowed_by(update.default_banned_rights) or {})
