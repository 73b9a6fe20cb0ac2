"""Operations on chats, and on who is in them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.chats import Chat, ChatFolder, Member, Person
from teleflow.model.operations.base import Operation
from teleflow.model.operations.peers import Place
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Chats:
    """A page, pinned ones first, then by their last message. `after`: where the next page begins, None at the end."""

    chats: tuple[Chat, ...]
    known: tuple[Known, ...] = ()
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Described:
    chat: Chat
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class People:
    people: tuple[Person, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """`total` counts all that the filter lets through, not the page."""

    members: tuple[Member, ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """`requested`: an admin has to let us in first. `chat_id` is marked, None while it is not told."""

    chat_id: int | None
    requested: bool = False
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ListChats(Operation[Chats]):
    """messages.getDialogs of one folder: 0 the main list, 1 the archive, None both.

    `now` (Unix seconds) decides what is muted still.
    """

    me: int
    now: int
    limit: int
    after: Place | None = None
    folder: int | None = None
    method: ClassVar[str] = "messages.getDialogs"


@dataclass(frozen=True, slots=True)
class DescribeChat(Operation[Described]):
    """The full description (users.getFullUser, messages.getFullChat, channels.getFullChannel) and the dialog."""

    peer: Peer
    me: int
    now: int
    method: ClassVar[str] = "channels.getFullChannel"


@dataclass(frozen=True, slots=True)
class JoinChat(Operation[Joined]):
    """channels.joinChannel; for a basic group that was left, messages.addChatUser of oneself."""

    peer: Peer
    method: ClassVar[str] = "channels.joinChannel"


@dataclass(frozen=True, slots=True)
class JoinByInvite(Operation[Joined]):
    """messages.importChatInvite."""

    hash: str
    method: ClassVar[str] = "messages.importChatInvite"


@dataclass(frozen=True, slots=True)
class LeaveChat(Operation[Joined]):
    """channels.leaveChannel, or messages.deleteChatUser of oneself."""

    peer: Peer
    method: ClassVar[str] = "channels.leaveChannel"


class MemberFilter(enum.StrEnum):
    ALL = "all"
    ADMINS = "admins"
    BOTS = "bots"
    RESTRICTED = "restricted"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class ListMembers(Operation[Members]):
    """channels.getParticipants, or the list in messages.getFullChat; of a private chat, both people."""

    peer: Peer
    limit: int
    offset: int = 0
    filter: MemberFilter = MemberFilter.ALL
    query: str = ""
    method: ClassVar[str] = "channels.getParticipants"


@dataclass(frozen=True, slots=True)
class Folders:
    """In the account's own order."""

    folders: tuple[ChatFolder, ...]


@dataclass(frozen=True, slots=True)
class ListFolders(Operation[Folders]):
    """messages.getDialogFilters."""

    me: int
    method: ClassVar[str] = "messages.getDialogFilters"


@dataclass(frozen=True, slots=True)
class GetContacts(Operation[People]):
    """contacts.getContacts."""

    method: ClassVar[str] = "contacts.getContacts"


@dataclass(frozen=True, slots=True)
class DescribeMe(Operation[People]):
    """users.getUsers of oneself: one person."""

    method: ClassVar[str] = "users.getUsers"
