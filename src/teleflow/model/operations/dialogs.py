"""Operations on how a chat stands in the account's own list: its place, its marks, its draft, its history; folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.chats import ChatFolder
from teleflow.model.drafts import Draft
from teleflow.model.entities import Entity
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class SetArchived(Operation[Done]):
    """folders.editPeerFolders."""

    peer: Peer
    archived: bool
    method: ClassVar[str] = "folders.editPeerFolders"


@dataclass(frozen=True, slots=True)
class SetPinned(Operation[Done]):
    """messages.toggleDialogPin."""

    peer: Peer
    pinned: bool
    method: ClassVar[str] = "messages.toggleDialogPin"


@dataclass(frozen=True, slots=True)
class SetMuted(Operation[Done]):
    """account.updateNotifySettings. `until` in Unix seconds; 0: not muted."""

    peer: Peer
    until: int
    method: ClassVar[str] = "account.updateNotifySettings"


@dataclass(frozen=True, slots=True)
class SetMarkedUnread(Operation[Done]):
    """messages.markDialogUnread."""

    peer: Peer
    unread: bool
    method: ClassVar[str] = "messages.markDialogUnread"


@dataclass(frozen=True, slots=True)
class Drafts:
    """In no order that would mean anything."""

    drafts: tuple[Draft, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ListDrafts(Operation[Drafts]):
    """messages.getAllDrafts."""

    me: int
    method: ClassVar[str] = "messages.getAllDrafts"


@dataclass(frozen=True, slots=True)
class GetDraft(Operation[Drafts]):
    """messages.getPeerDialogs of one: its draft, if it has one."""

    peer: Peer
    method: ClassVar[str] = "messages.getPeerDialogs"


@dataclass(frozen=True, slots=True)
class SaveDraft(Operation[Done]):
    """messages.saveDraft; an empty text that replies to nothing takes it away."""

    peer: Peer
    text: str = ""
    entities: tuple[Entity, ...] = ()
    reply_to: int | None = None
    link_preview: bool = True
    mentioned: tuple[Peer, ...] = ()
    method: ClassVar[str] = "messages.saveDraft"


@dataclass(frozen=True, slots=True)
class DeleteHistory(Operation[Done]):
    """messages.deleteHistory, in as many parts as it takes, or channels.deleteHistory: all up to `up_to` (0: all).

    The chat stays in the list.
    """

    peer: Peer
    for_everyone: bool
    up_to: int = 0
    method: ClassVar[str] = "messages.deleteHistory"


@dataclass(frozen=True, slots=True)
class FolderPeers:
    """Whom a folder names."""

    pinned: tuple[Peer, ...] = ()
    included: tuple[Peer, ...] = ()
    excluded: tuple[Peer, ...] = ()


@dataclass(frozen=True, slots=True)
class SaveFolder(Operation[Done]):
    """messages.updateDialogFilter: the folder as it is to be, in place of what it was. Its id says which."""

    folder: ChatFolder
    peers: FolderPeers
    method: ClassVar[str] = "messages.updateDialogFilter"


@dataclass(frozen=True, slots=True)
class DropFolder(Operation[Done]):
    """messages.updateDialogFilter without one. The chats in it stay."""

    folder_id: int
    method: ClassVar[str] = "messages.updateDialogFilter"


@dataclass(frozen=True, slots=True)
class OrderFolders(Operation[Done]):
    """messages.updateDialogFiltersOrder."""

    folder_ids: tuple[int, ...]
    method: ClassVar[str] = "messages.updateDialogFiltersOrder"
