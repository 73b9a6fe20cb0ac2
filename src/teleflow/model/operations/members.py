"""Operations on who is in a chat, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.chats import Member
from teleflow.model.groups import Missing
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Added:
    """`added` are in the chat now, or had been before."""

    added: tuple[int, ...]
    missing: tuple[Missing, ...] = ()
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class AddMembers(Operation[Added]):
    """channels.inviteToChannel, or messages.addChatUser for each."""

    peer: Peer
    people: tuple[Peer, ...]
    method: ClassVar[str] = "channels.inviteToChannel"


@dataclass(frozen=True, slots=True)
class OneMember:
    member: Member
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class GetMember(Operation[OneMember]):
    """channels.getParticipant, or a look into the list of a basic group."""

    peer: Peer
    person: Peer
    method: ClassVar[str] = "channels.getParticipant"


@dataclass(frozen=True, slots=True)
class RemoveMember(Operation[Done]):
    """Out of the chat, and free to come again: messages.deleteChatUser, or a ban that is taken back at once.

    Whoever is not in it stays as they are; restrictions stay. `until` (Unix seconds): when the ban ends of
    itself, should nobody take it back.
    """

    peer: Peer
    person: Peer
    until: int
    method: ClassVar[str] = "channels.editBanned"


@dataclass(frozen=True, slots=True)
class SetRights(Operation[Done]):
    """channels.editAdmin, or in a basic group messages.editChatAdmin, whose admins have the rights that those have.

    `rights` are those that are had; none at all: no admin any more. None is for basic groups.
    """

    peer: Peer
    person: Peer
    rights: frozenset[str] | None
    title: str = ""
    method: ClassVar[str] = "channels.editAdmin"


@dataclass(frozen=True, slots=True)
class SetRestriction(Operation[Done]):
    """channels.editBanned: what this person may do; what is not named they may. All of it: no restriction any more.

    `until` in Unix seconds, 0 for ever.
    """

    peer: Peer
    person: Peer
    permissions: Mapping[str, bool]
    until: int = 0
    method: ClassVar[str] = "channels.editBanned"


@dataclass(frozen=True, slots=True)
class SetBan(Operation[Done]):
    """channels.editBanned: out, and not in again before `until` (Unix seconds, 0 for ever); or the ban taken back."""

    peer: Peer
    person: Peer
    banned: bool
    until: int = 0
    method: ClassVar[str] = "channels.editBanned"
