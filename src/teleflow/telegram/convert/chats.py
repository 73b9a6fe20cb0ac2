"""Chats, people and members: from TL to the model, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from telethon.tl import types as tl

from teleflow.model.chats import Chat, ChatType, Dialog, Member, Person, Role
from teleflow.model.media import FileKind, FileRef
from teleflow.model.messages import Message
from teleflow.model.peers import PeerKind, marked_id
from teleflow.telegram.convert.peers import marked, username_of
from teleflow.telegram.convert.plain import camel, seconds
from teleflow.telegram.convert.users import display_name

_ARCHIVE = 1
_NO_RIGHTS = frozenset({"until_date", "view_messages"})
_FOR_EVER = 2**31 - 1
_BANNED_FLAGS = tuple(vars(tl.ChatBannedRights(until_date=None)))
_ADMIN_FLAGS = tuple(vars(tl.ChatAdminRights()))


def by_id(users: Iterable[Any], chats: Iterable[Any]) -> dict[int, Any]:
    """Everybody of an answer by marked id."""
    found: dict[int, Any] = {user.id: user for user in users}
    for chat in chats:
        found[chat_id_of(chat)] = chat
    return found


def chat_id_of(chat: Any) -> int:
    if isinstance(chat, tl.Channel | tl.ChannelForbidden):
        return marked_id(PeerKind.CHANNEL, chat.id)
    return -int(chat.id)


def chat_from(entity: Any, *, dialog: Dialog | None = None, **full: Any) -> Chat:
    """From a TL user, chat or channel; `full` has what only a full description tells."""
    match entity:
        case tl.User():
            return _private(entity, dialog, full)
        case tl.UserEmpty():
            return Chat(entity.id, ChatType.USER, "", deactivated=True, dialog=dialog, **full)
        case tl.Channel() | tl.ChannelForbidden():
            return _channel(entity, dialog, full)
    return _group(entity, dialog, full)


def _private(user: Any, dialog: Dialog | None, full: Mapping[str, Any]) -> Chat:
    return Chat(
        user.id,
        ChatType.USER,
        "" if user.deleted else display_name(user),
        username_of(user),
        bot=bool(user.bot),
        verified=bool(user.verified),
        is_self=bool(user.is_self),
        deactivated=bool(user.deleted),
        phone=f"+{user.phone.removeprefix('+')}" if user.phone else None,
        dialog=dialog,
        photo=photo_of(user.photo, user.id),
        **full,
    )


def _group(chat: Any, dialog: Dialog | None, full: Mapping[str, Any]) -> Chat:
    if not isinstance(chat, tl.Chat):
        title = getattr(chat, "title", "")
        return Chat(-chat.id, ChatType.GROUP, title, left=True, dialog=dialog, **full)
    moved = chat.migrated_to
    facts: dict[str, Any] = {"members_count": chat.participants_count, **full}
    return Chat(
        -chat.id,
        ChatType.GROUP,
        chat.title,
        protected=bool(chat.noforwards),
        left=bool(chat.left),
        creator=bool(chat.creator),
        deactivated=bool(chat.deactivated),
        migrated_to=marked_id(PeerKind.CHANNEL, moved.channel_id) if isinstance(moved, tl.InputChannel) else None,
        permissions=allowed(chat.default_banned_rights),
        admin_rights=rights(chat.admin_rights),
        dialog=dialog,
        photo=photo_of(chat.photo, -chat.id),
        **facts,
    )


def _channel(channel: Any, dialog: Dialog | None, full: Mapping[str, Any]) -> Chat:
    kind = ChatType.CHANNEL if channel.broadcast and not channel.megagroup else ChatType.SUPERGROUP
    id_ = marked_id(PeerKind.CHANNEL, channel.id)
    if isinstance(channel, tl.ChannelForbidden):
        return Chat(id_, kind, channel.title, left=True, dialog=dialog, **full)
    facts: dict[str, Any] = {"members_count": channel.participants_count, **full}
    return Chat(
        id_,
        kind,
        channel.title,
        username_of(channel),
        verified=bool(channel.verified),
        forum=bool(channel.forum),
        protected=bool(channel.noforwards),
        left=bool(channel.left),
        creator=bool(channel.creator),
        permissions=allowed(channel.default_banned_rights),
        admin_rights=rights(channel.admin_rights),
        dialog=dialog,
        photo=photo_of(channel.photo, id_),
        **facts,
    )


def photo_of(photo: Any, marked: int) -> FileRef | None:
    """The photo beside the name of the peer of this marked id; None where none is shown."""
    if not isinstance(photo, tl.UserProfilePhoto | tl.ChatPhoto):
        return None
    return FileRef(FileKind.PEER_PHOTO, photo.photo_id, 0, b"", photo.dc_id, chat_id=marked, mime_type="image/jpeg")


def allowed(banned: Any) -> Mapping[str, bool] | None:
    """ChatBannedRights, turned round: what may be done."""
    return None if banned is None else _allowed(tuple(vars(banned).values()))


def rights(admin: Any) -> Mapping[str, bool] | None:
    return None if admin is None else _rights(tuple(vars(admin).values()))


# Chats are many, and the sets of rights in them few: equal ones are one object, which nobody changes.
# TL objects have their fields in order.
@lru_cache(4096)
def _allowed(flags: tuple[Any, ...]) -> Mapping[str, bool]:
    named = zip(_BANNED_FLAGS, flags, strict=True)
    return {camel(name): not held for name, held in named if name not in _NO_RIGHTS}


@lru_cache(4096)
def _rights(flags: tuple[Any, ...]) -> Mapping[str, bool]:
    return {camel(name): bool(held) for name, held in zip(_ADMIN_FLAGS, flags, strict=True)}


def dialog_from(dialog: Any, last: Message | None, now: float) -> Dialog:
    """From a TL `dialog`; `now` decides whether it is muted still."""
    until = seconds(dialog.notify_settings.mute_until)
    muted = until is not None and until > now
    draft = dialog.draft
    return Dialog(
        pinned=bool(dialog.pinned),
        archived=dialog.folder_id == _ARCHIVE,
        muted=muted,
        mute_until=until if muted and until is not None and until < _FOR_EVER else None,
        unread_count=dialog.unread_count,
        unread_mentions=dialog.unread_mentions_count,
        unread_reactions=dialog.unread_reactions_count,
        marked_unread=bool(dialog.unread_mark),
        read_inbox_max_id=dialog.read_inbox_max_id,
        read_outbox_max_id=dialog.read_outbox_max_id,
        draft=draft.message if isinstance(draft, tl.DraftMessage) else None,
        last_message=last,
    )


# -- people -----------------------------------------------------------------------------------------------

_PRESENCE = {
    tl.UserStatusOnline: "online",
    tl.UserStatusOffline: "offline",
    tl.UserStatusRecently: "recently",
    tl.UserStatusLastWeek: "last_week",
    tl.UserStatusLastMonth: "last_month",
}


def person_from(user: Any) -> Person:
    if not isinstance(user, tl.User):
        return Person(user.id, "", deleted=True)
    others = tuple(one.username for one in user.usernames or () if one.active)
    return Person(
        user.id,
        user.first_name or "",
        user.last_name or None,
        username_of(user),
        others,
        f"+{user.phone.removeprefix('+')}" if user.phone else None,
        bot=bool(user.bot),
        premium=bool(user.premium),
        verified=bool(user.verified),
        deleted=bool(user.deleted),
        contact=bool(user.contact),
        mutual_contact=bool(user.mutual_contact),
        presence=_PRESENCE.get(type(user.status)),
        last_seen=seconds(getattr(user.status, "was_online", None)),
        photo=photo_of(user.photo, user.id),
    )


def member_from(participant: Any, everybody: Mapping[int, Any]) -> Member:
    """From a participant of a channel or of a basic group."""
    peer = getattr(participant, "peer", None)
    id_ = marked(peer) if peer is not None else participant.user_id
    role = _role(participant)
    by = getattr(participant, "inviter_id", None)
    facts: dict[str, Any] = {}
    if isinstance(participant, tl.ChannelParticipantBanned):
        by = participant.kicked_by
        until = seconds(participant.banned_rights.until_date)
        facts = {
            "permissions": allowed(participant.banned_rights),
            "until": until if until and until < _FOR_EVER else None,
        }
    elif isinstance(participant, tl.ChannelParticipantAdmin):
        by = participant.promoted_by
        facts = {"admin_rights": rights(participant.admin_rights)}
    elif isinstance(participant, tl.ChannelParticipantCreator):
        facts = {"admin_rights": rights(participant.admin_rights)}
    return Member(
        _face(id_, everybody),
        role,
        title=getattr(participant, "rank", None) or None,
        joined_at=seconds(getattr(participant, "date", None)) or None,
        by_id=by or None,
        **facts,
    )


def _role(participant: Any) -> Role:
    match participant:
        case tl.ChannelParticipantCreator() | tl.ChatParticipantCreator():
            return Role.CREATOR
        case tl.ChannelParticipantAdmin() | tl.ChatParticipantAdmin():
            return Role.ADMIN
        case tl.ChannelParticipantBanned():
            return Role.BANNED if participant.banned_rights.view_messages else Role.RESTRICTED
        case tl.ChannelParticipantLeft():
            return Role.LEFT
    return Role.MEMBER


def _face(id_: int, everybody: Mapping[int, Any]) -> Person:
    found = everybody.get(id_)
    if found is None:
        return Person(id_, "")
    if id_ > 0:
        return person_from(found)
    return Person(id_, found.title, username=username_of(found) if isinstance(found, tl.Channel) else None)
