"""Operations on groups and channels as a whole: made, set up, ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.chats import ChatType
from teleflow.model.groups import Missing, Switch
from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.operations.files import Upload
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Created:
    """`chat_id` is marked. `missing` could not be taken along."""

    chat_id: int
    missing: tuple[Missing, ...] = ()
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateChat(Operation[Created]):
    """messages.createChat or channels.createChannel. Neither has an id of ours: what was lost must not go again.

    `members` are for basic groups only.
    """

    kind: ChatType
    title: str
    about: str = ""
    members: tuple[Peer, ...] = ()
    forum: bool = False
    method: ClassVar[str] = "channels.createChannel"
    repeatable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class FoundChats:
    """Marked ids."""

    chat_ids: tuple[int, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class FindCreated(Operation[FoundChats]):
    """Among the first chats of the list (messages.getDialogs): those of this kind and title that the account itself
    has made at `since` (Unix seconds) or later.
    """

    kind: ChatType
    title: str
    since: int
    method: ClassVar[str] = "messages.getDialogs"


@dataclass(frozen=True, slots=True)
class SetTitle(Operation[Done]):
    """channels.editTitle or messages.editChatTitle."""

    peer: Peer
    title: str
    method: ClassVar[str] = "channels.editTitle"


@dataclass(frozen=True, slots=True)
class SetAbout(Operation[Done]):
    """messages.editChatAbout."""

    peer: Peer
    about: str
    method: ClassVar[str] = "messages.editChatAbout"


@dataclass(frozen=True, slots=True)
class SetUsername(Operation[Done]):
    """channels.updateUsername; empty takes it away."""

    peer: Peer
    username: str
    method: ClassVar[str] = "channels.updateUsername"


@dataclass(frozen=True, slots=True)
class SetPermissions(Operation[Done]):
    """messages.editChatDefaultBannedRights: what members may do. Those that are not named stay as they are."""

    peer: Peer
    permissions: Mapping[str, bool]
    method: ClassVar[str] = "messages.editChatDefaultBannedRights"


@dataclass(frozen=True, slots=True)
class SetSlowMode(Operation[Done]):
    """channels.toggleSlowMode."""

    peer: Peer
    seconds: int
    method: ClassVar[str] = "channels.toggleSlowMode"


@dataclass(frozen=True, slots=True)
class SetSwitch(Operation[Done]):
    """messages.toggleNoForwards, channels.toggleForum and the like, by what is switched."""

    peer: Peer
    switch: Switch
    on: bool
    method: ClassVar[str] = "channels.toggle"


@dataclass(frozen=True, slots=True)
class LinkDiscussion(Operation[Done]):
    """channels.setDiscussionGroup: of a channel its group, of a group its channel; None takes the link away."""

    peer: Peer
    other: Peer | None
    method: ClassVar[str] = "channels.setDiscussionGroup"


@dataclass(frozen=True, slots=True)
class SetChatPhoto(Operation[Done]):
    """channels.editPhoto or messages.editChatPhoto; without an upload the photo is taken away.

    A photo that is set twice is told twice in the chat: it has no id of ours, so what was lost must not go again.
    """

    peer: Peer
    upload: Upload | None
    method: ClassVar[str] = "channels.editPhoto"

    @property
    def repeatable(self) -> bool:  # type: ignore[override]
        return self.upload is None


@dataclass(frozen=True, slots=True)
class PhotoNow:
    """`id` 0: there is none. `at`: Unix seconds, by Telegram's clock."""

    id: int = 0
    at: int = 0
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class GetChatPhoto(Operation[PhotoNow]):
    """Of channels.getFullChannel or messages.getFullChat."""

    peer: Peer
    method: ClassVar[str] = "channels.getFullChannel"


@dataclass(frozen=True, slots=True)
class Upgrade(Operation[Created]):
    """messages.migrateChat: a basic group goes on as a supergroup, which has another id. Asked again, the same one."""

    peer: Peer
    method: ClassVar[str] = "messages.migrateChat"


@dataclass(frozen=True, slots=True)
class DeleteChat(Operation[Done]):
    """channels.deleteChannel or messages.deleteChat: for everybody, for ever."""

    peer: Peer
    method: ClassVar[str] = "channels.deleteChannel"
