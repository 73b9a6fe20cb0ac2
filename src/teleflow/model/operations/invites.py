"""Operations on invite links and on requests to be let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.invites import NO_TERMS, Comer, Invite, InviteTerms
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class OneInvite:
    """`successor`: the new permanent link, where the permanent one was revoked."""

    invite: Invite
    successor: Invite | None = None
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Invites:
    invites: tuple[Invite, ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Comers:
    comers: tuple[Comer, ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateInvite(Operation[OneInvite]):
    """messages.exportChatInvite. It has no id of ours: what was lost must not go again."""

    peer: Peer
    terms: InviteTerms
    method: ClassVar[str] = "messages.exportChatInvite"
    repeatable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class ListInvites(Operation[Invites]):
    """messages.getExportedChatInvites of one admin, newest first. `after`: the last page's last link and its date."""

    peer: Peer
    admin: Peer
    limit: int
    revoked: bool = False
    after: tuple[int, str] | None = None
    method: ClassVar[str] = "messages.getExportedChatInvites"


@dataclass(frozen=True, slots=True)
class GetInvite(Operation[OneInvite]):
    """messages.getExportedChatInvite."""

    peer: Peer
    link: str
    method: ClassVar[str] = "messages.getExportedChatInvite"


@dataclass(frozen=True, slots=True)
class EditInvite(Operation[OneInvite]):
    """messages.editExportedChatInvite: other terms, or revoked."""

    peer: Peer
    link: str
    terms: InviteTerms = NO_TERMS
    revoke: bool = False
    method: ClassVar[str] = "messages.editExportedChatInvite"


@dataclass(frozen=True, slots=True)
class DeleteInvite(Operation[Done]):
    """messages.deleteExportedChatInvite, of a revoked one."""

    peer: Peer
    link: str
    method: ClassVar[str] = "messages.deleteExportedChatInvite"


@dataclass(frozen=True, slots=True)
class ListComers(Operation[Comers]):
    """messages.getChatInviteImporters: who came by this link; or, `waiting`, who asks to be let in (by any link)."""

    peer: Peer
    limit: int
    link: str | None = None
    waiting: bool = False
    query: str = ""
    after: tuple[int, Peer] | None = None
    method: ClassVar[str] = "messages.getChatInviteImporters"


@dataclass(frozen=True, slots=True)
class DecideJoin(Operation[Done]):
    """messages.hideChatJoinRequest."""

    peer: Peer
    person: Peer
    approve: bool
    method: ClassVar[str] = "messages.hideChatJoinRequest"


@dataclass(frozen=True, slots=True)
class DecideAll(Operation[Done]):
    """messages.hideAllChatJoinRequests, of one link or of all."""

    peer: Peer
    approve: bool
    link: str | None = None
    method: ClassVar[str] = "messages.hideAllChatJoinRequests"
