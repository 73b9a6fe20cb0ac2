"""How chats, people and members are told: the contract's fields, and more beside them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from teleflow.api.v1.envelope import Shape
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.model.chats import Chat, ChatFolder, Member, Person
from teleflow.wire.messages import FileId, told_message
from teleflow.wire.telling import Telling


class ChatShape(Shape):
    """What is not set, or is told only in a full description, is left out. Flags are told when they are true."""

    id: str
    title: str
    type: Literal["user", "group", "supergroup", "channel"]
    username: str | None = None
    members_count: int | None = None
    is_pinned: bool | None = None
    is_archived: bool | None = None
    folder_id: Literal[0, 1] | None = Field(None, description="As `folder` of the list: 1 is the archive.")
    is_muted: bool | None = None
    mute_until: int | None = None
    unread_count: int | None = None
    unread_mentions: int | None = None
    unread_reactions: int | None = None
    is_marked_unread: bool | None = None
    read_inbox_max_id: int | None = None
    read_outbox_max_id: int | None = None
    draft: str | None = None
    last_message: MessageShape | None = None
    photo_file_id: str | None = Field(None, description="As `fileId` of media: the photo beside the name.")
    about: str | None = None
    phone: str | None = None
    is_self: bool | None = None
    is_bot: bool | None = None
    is_verified: bool | None = None
    is_forum: bool | None = None
    is_protected: bool | None = None
    is_left: bool | None = None
    is_creator: bool | None = None
    is_deactivated: bool | None = None
    is_blocked: bool | None = None
    migrated_to: str | None = None
    migrated_from: str | None = None
    linked_chat_id: str | None = None
    permissions: dict[str, bool] | None = Field(None, description="What members may do.")
    admin_rights: dict[str, bool] | None = Field(None, description="What this account may do as an admin.")
    admins_count: int | None = None
    banned_count: int | None = None
    online_count: int | None = None
    slow_mode_seconds: int | None = None
    pinned_msg_id: int | None = None
    invite_link: str | None = None
    ttl_seconds: int | None = None
    pending_requests: int | None = None


class FolderShape(Shape):
    """One of the account's own folders. `type` all: the list without any filter; shared: one that came by a link.

    A chat is in it if it is pinned or included there, or of one of its `kinds`; but not if it is excluded, or of a sort
    in `without`, which counts for `kinds` only.
    """

    id: int
    type: Literal["all", "custom", "shared"]
    title: str
    emoticon: str | None = None
    color: int | None = None
    kinds: list[Literal["contacts", "nonContacts", "groups", "channels", "bots"]]
    without: list[Literal["muted", "read", "archived"]]
    pinned_chat_ids: list[str]
    included_chat_ids: list[str]
    excluded_chat_ids: list[str]


class PersonShape(Shape):
    id: str
    first_name: str
    last_name: str | None = None
    username: str | None = None
    usernames: list[str] | None = None
    phone: str | None = None
    is_bot: bool | None = None
    is_premium: bool | None = None
    is_verified: bool | None = None
    is_deleted: bool | None = None
    is_contact: bool | None = None
    is_mutual_contact: bool | None = None
    presence: str | None = None
    last_seen: int | None = None
    photo_file_id: str | None = None


class MemberShape(PersonShape):
    role: Literal["creator", "admin", "member", "restricted", "banned", "left"]
    title: str | None = None
    joined_at: int | None = None
    by_id: str | None = None
    until: int | None = None
    admin_rights: dict[str, bool] | None = None
    permissions: dict[str, bool] | None = None


_CHAT_SAME = (
    ("username", "username"),
    ("members_count", "membersCount"),
    ("about", "about"),
    ("phone", "phone"),
    ("admins_count", "adminsCount"),
    ("banned_count", "bannedCount"),
    ("online_count", "onlineCount"),
    ("slow_mode_seconds", "slowModeSeconds"),
    ("pinned_msg_id", "pinnedMsgId"),
    ("invite_link", "inviteLink"),
    ("ttl_seconds", "ttlSeconds"),
    ("pending_requests", "pendingRequests"),
)
_CHAT_IDS = (
    ("migrated_to", "migratedTo"),
    ("migrated_from", "migratedFrom"),
    ("linked_chat_id", "linkedChatId"),
)
_CHAT_FLAGS = (
    ("is_self", "isSelf"),
    ("bot", "isBot"),
    ("verified", "isVerified"),
    ("forum", "isForum"),
    ("protected", "isProtected"),
    ("left", "isLeft"),
    ("creator", "isCreator"),
    ("deactivated", "isDeactivated"),
    ("blocked", "isBlocked"),
)
_CHAT_TELLING = Telling(plain=(*_CHAT_SAME, *_CHAT_FLAGS), ids=_CHAT_IDS)


def chat(one: Chat, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(one.id), "title": one.title, "type": one.type.value}
    _CHAT_TELLING.add(told, one)
    if one.permissions is not None:
        told["permissions"] = one.permissions
    if one.admin_rights is not None:
        told["adminRights"] = one.admin_rights
    if one.photo is not None:
        told["photoFileId"] = file_id(one.photo)
    dialog = one.dialog
    if dialog is not None:
        told["isPinned"] = dialog.pinned
        told["isArchived"] = dialog.archived
        told["folderId"] = 1 if dialog.archived else 0
        told["isMuted"] = dialog.muted
        told["unreadCount"] = dialog.unread_count
        told["unreadMentions"] = dialog.unread_mentions
        told["unreadReactions"] = dialog.unread_reactions
        told["isMarkedUnread"] = dialog.marked_unread
        told["readInboxMaxId"] = dialog.read_inbox_max_id
        told["readOutboxMaxId"] = dialog.read_outbox_max_id
        if dialog.mute_until is not None:
            told["muteUntil"] = dialog.mute_until
        if dialog.draft is not None:
            told["draft"] = dialog.draft
        if dialog.last_message is not None:
            told["lastMessage"] = told_message(dialog.last_message, file_id)
    return told


def told_folder(one: ChatFolder) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.id,
        "type": one.kind.value,
        "title": one.title,
        "kinds": one.kinds,
        "without": one.without,
        "pinnedChatIds": [str(id_) for id_ in one.pinned],
        "includedChatIds": [str(id_) for id_ in one.included],
        "excludedChatIds": [str(id_) for id_ in one.excluded],
    }
    if one.emoticon is not None:
        told["emoticon"] = one.emoticon
    if one.color is not None:
        told["color"] = one.color
    return told


_PERSON_FLAGS = (
    ("bot", "isBot"),
    ("premium", "isPremium"),
    ("verified", "isVerified"),
    ("deleted", "isDeleted"),
    ("contact", "isContact"),
    ("mutual_contact", "isMutualContact"),
)


def person(one: Person, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(one.id), "firstName": one.first_name}
    for name, key in (
        ("last_name", "lastName"),
        ("username", "username"),
        ("phone", "phone"),
        ("presence", "presence"),
        ("last_seen", "lastSeen"),
    ):
        held = getattr(one, name)
        if held is not None:
            told[key] = held
    if one.usernames:
        told["usernames"] = list(one.usernames)
    for name, key in _PERSON_FLAGS:
        if getattr(one, name):
            told[key] = True
    if one.photo is not None:
        told["photoFileId"] = file_id(one.photo)
    return told


def member(one: Member, file_id: FileId) -> dict[str, Any]:
    told = person(one.person, file_id)
    told["role"] = one.role.value
    for key, held in (
        ("title", one.title),
        ("joinedAt", one.joined_at),
        ("byId", str(one.by_id) if one.by_id is not None else None),
        ("until", one.until),
        ("adminRights", dict(one.admin_rights) if one.admin_rights is not None else None),
        ("permissions", dict(one.permissions) if one.permissions is not None else None),
    ):
        if held is not None:
            told[key] = held
    return told
