"""Operations that find out how to address a peer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Resolved:
    """`peer_id` is whom the name belongs to; None: nobody, or nobody that this session may address."""

    peer_id: int | None
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of dialogs ends: the date (Unix seconds) and id of its last chat's top message, and that chat."""

    date: int
    message_id: int
    peer: Peer


@dataclass(frozen=True, slots=True)
class Acquaintances:
    """`after`: where the next page begins, None at the end."""

    known: tuple[Known, ...]
    after: Place | None


@dataclass(frozen=True, slots=True)
class ResolveUsername(Operation[Resolved]):
    """contacts.resolveUsername."""

    username: str
    method: ClassVar[str] = "contacts.resolveUsername"


@dataclass(frozen=True, slots=True)
class CheckInvite(Operation[Resolved]):
    """messages.checkChatInvite: only a chat that the account may see already has a peer."""

    hash: str
    method: ClassVar[str] = "messages.checkChatInvite"


@dataclass(frozen=True, slots=True)
class LookAtGroup(Operation[Resolved]):
    """messages.getChats of one basic group. `peer_id` is None when the account has nothing to do with it."""

    chat_id: int
    method: ClassVar[str] = "messages.getChats"


@dataclass(frozen=True, slots=True)
class ListContacts(Operation[Acquaintances]):
    """contacts.getContacts, only for whom they let the session address."""

    method: ClassVar[str] = "contacts.getContacts"


@dataclass(frozen=True, slots=True)
class WalkDialogs(Operation[Acquaintances]):
    """A page of messages.getDialogs, only for whom it lets the session address."""

    after: Place | None = None
    limit: int = 100
    method: ClassVar[str] = "messages.getDialogs"
