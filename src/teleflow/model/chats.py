"""Chats, people and members, as one session sees them. Ids are marked, instants Unix seconds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from teleflow.model.media import FileRef
from teleflow.model.messages import Message


class ChatType(enum.StrEnum):
    """`group` are basic groups."""

    USER = "user"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class Role(enum.StrEnum):
    """What somebody is in a chat. `restricted` may still read, `banned` may not; `left` was there once."""

    CREATOR = "creator"
    ADMIN = "admin"
    MEMBER = "member"
    RESTRICTED = "restricted"
    BANNED = "banned"
    LEFT = "left"


class Dialog(msgspec.Struct, frozen=True, gc=False):
    """How a chat stands in the session's list. `mute_until` None: not muted."""

    pinned: bool = False
    archived: bool = False
    muted: bool = False
    mute_until: int | None = None
    unread_count: int = 0
    unread_mentions: int = 0
    unread_reactions: int = 0
    marked_unread: bool = False
    read_inbox_max_id: int = 0
    read_outbox_max_id: int = 0
    draft: str | None = None
    last_message: Message | None = None


class Chat(msgspec.Struct, frozen=True, gc=False):
    """`permissions` are what members may do when nothing else is said of them, `admin_rights` this account's own.

    What only a full description tells (from `about` on) is None elsewhere.
    """

    id: int
    type: ChatType
    title: str
    username: str | None = None
    members_count: int | None = None
    bot: bool = False
    verified: bool = False
    forum: bool = False
    protected: bool = False
    is_self: bool = False
    left: bool = False
    creator: bool = False
    deactivated: bool = False
    migrated_to: int | None = None
    permissions: Mapping[str, bool] | None = None
    admin_rights: Mapping[str, bool] | None = None
    dialog: Dialog | None = None
    photo: FileRef | None = None
    about: str | None = None
    phone: str | None = None
    blocked: bool | None = None
    admins_count: int | None = None
    banned_count: int | None = None
    online_count: int | None = None
    linked_chat_id: int | None = None
    migrated_from: int | None = None
    slow_mode_seconds: int | None = None
    pinned_msg_id: int | None = None
    invite_link: str | None = None
    ttl_seconds: int | None = None
    pending_requests: int | None = None


class FolderKind(enum.StrEnum):
    """`all` is the list without any filter; `shared` came by a link, and has no filters but its chats."""

    ALL = "all"
    CUSTOM = "custom"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class ChatFolder:
    """One of the account's own folders (https://core.telegram.org/api/folders): a filter over the list.

    A chat is in it if it is in `pinned` or `included`, or of a kind in `kinds`; unless it is in `excluded`, or
    `without` holds for it (but for the pinned and included ones). Ids are marked.
    """

    id: int
    kind: FolderKind
    title: str = ""
    emoticon: str | None = None
    color: int | None = None
    kinds: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()
    included: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()


class Person(msgspec.Struct, frozen=True, gc=False):
    """A Telegram user. `presence`: online, offline, or what Telegram blurs it to; `last_seen` where it tells."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    usernames: tuple[str, ...] = ()
    phone: str | None = None
    bot: bool = False
    premium: bool = False
    verified: bool = False
    deleted: bool = False
    contact: bool = False
    mutual_contact: bool = False
    presence: str | None = None
    last_seen: int | None = None
    photo: FileRef | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """Somebody in a chat; `person.id` is negative where a chat is a member's face (a banned channel).

    `title` is what is shown beside the name, `by_id` who invited, promoted or restricted; `until` ends a restriction.
    """

    person: Person
    role: Role
    title: str | None = None
    joined_at: int | None = None
    by_id: int | None = None
    until: int | None = None
    admin_rights: Mapping[str, bool] | None = None
    permissions: Mapping[str, bool] | None = None
