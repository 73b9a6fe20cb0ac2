"""Operations on messages that are there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.entities import Entity
from teleflow.model.messages import Message
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Done:
    """It is as it was asked for. `changed` is False when it had been so before."""

    changed: bool = True
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    message: Message
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    """The ids that were there, and are not any more."""

    ids: tuple[int, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class EditText(Operation[Edited]):
    """messages.editMessage. `schedule`: of a scheduled message, which keeps or gets this time (Unix seconds).

    `mentioned`: those whom the entities mention by id.
    """

    peer: Peer
    me: int
    message_id: int
    text: str
    entities: tuple[Entity, ...] = ()
    link_preview: bool = True
    schedule: int | None = None
    mentioned: tuple[Peer, ...] = ()
    method: ClassVar[str] = "messages.editMessage"


@dataclass(frozen=True, slots=True)
class DeleteMessages(Operation[Deleted]):
    """messages.deleteMessages or channels.deleteMessages, of those that are in this chat.

    Outside of channels the ids of all chats are of one row, and Telegram takes no peer: looking first is what keeps a
    message of another chat.
    """

    peer: Peer
    ids: tuple[int, ...]
    for_everyone: bool = True
    method: ClassVar[str] = "messages.deleteMessages"


@dataclass(frozen=True, slots=True)
class React(Operation[Done]):
    """messages.sendReaction: an emoji or a custom one in place of what was there; neither takes it back."""

    peer: Peer
    message_id: int
    emoji: str | None = None
    custom_emoji_id: int | None = None
    big: bool = False
    method: ClassVar[str] = "messages.sendReaction"


@dataclass(frozen=True, slots=True)
class Pin(Operation[Done]):
    """messages.updatePinnedMessage. `one_side`: in a private chat, for this account only."""

    peer: Peer
    message_id: int
    unpin: bool = False
    silent: bool = True
    one_side: bool = False
    method: ClassVar[str] = "messages.updatePinnedMessage"


@dataclass(frozen=True, slots=True)
class MarkRead(Operation[Done]):
    """messages.readHistory or channels.readHistory up to `max_id`; 0 is everything."""

    peer: Peer
    max_id: int = 0
    method: ClassVar[str] = "messages.readHistory"


@dataclass(frozen=True, slots=True)
class ShowTyping(Operation[Done]):
    """messages.setTyping: shown for six seconds. `action` is one of TYPING_ACTIONS."""

    peer: Peer
    action: str = "typing"
    topic: int | None = None
    method: ClassVar[str] = "messages.setTyping"


TYPING_ACTIONS = (
    "typing",
    "cancel",
    "record_voice",
    "upload_voice",
    "record_video",
    "upload_video",
    "record_video_note",
    "upload_video_note",
    "upload_photo",
    "upload_document",
    "choose_sticker",
    "choose_contact",
    "choose_location",
    "play_game",
)


@dataclass(frozen=True, slots=True)
class CancelScheduled(Operation[Deleted]):
    """messages.deleteScheduledMessages, of those that there are."""

    peer: Peer
    ids: tuple[int, ...]
    method: ClassVar[str] = "messages.deleteScheduledMessages"


@dataclass(frozen=True, slots=True)
class SentNow:
    """What the scheduled messages have become, as far as Telegram tells."""

    messages: tuple[Message, ...]
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class SendScheduledNow(Operation[SentNow]):
    """messages.sendScheduledMessages."""

    peer: Peer
    me: int
    ids: tuple[int, ...]
    method: ClassVar[str] = "messages.sendScheduledMessages"
