"""A send's life as a job: what is to go out, where, and how that stands."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from teleflow.model.entities import Entity
from teleflow.model.messages import Message
from teleflow.model.parcels import Attachment, Part


class SendState(enum.StrEnum):
    """queued → sending → sent | failed; uncertain: it left, and no answer came yet; cancelled: it never left."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {SendState.SENT, SendState.FAILED, SendState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Text:
    """A text message (messages.sendMessage).

    `schedule`: Unix seconds at which Telegram itself sends it. `topic`: the forum topic it belongs to.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    reply_to: int | None = None
    topic: int | None = None
    silent: bool = False
    link_preview: bool = True
    schedule: int | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Messages of another chat (messages.forwardMessages). One random_id for each, in the order of the ids."""

    from_chat: str
    message_ids: tuple[int, ...]
    random_ids: tuple[int, ...]
    silent: bool = False
    drop_author: bool = False
    topic: int | None = None
    schedule: int | None = None

    @property
    def text(self) -> str:
        """What the message log shows."""
        return f"[{len(self.message_ids)} forwarded from {self.from_chat}]"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with something beside its text (messages.sendMedia), or an album (messages.sendMultiMedia).

    One part is a message; more are an album, each with a random_id of its own, in their order.
    """

    parts: tuple[Part, ...]
    random_ids: tuple[int, ...] = ()
    reply_to: int | None = None
    topic: int | None = None
    silent: bool = False
    schedule: int | None = None

    @property
    def text(self) -> str:
        """What the message log shows."""
        kinds = ", ".join(part.item.kind for part in self.parts)
        return " ".join([f"[{kinds}]", *(part.text for part in self.parts if part.text)])

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Of all captions: whom they mention is what matters here."""
        return tuple(entity for part in self.parts for entity in part.entities)

    @property
    def is_album(self) -> bool:
        return len(self.parts) > 1

    @property
    def to_upload(self) -> int:
        """How many bytes Telegram has to be given; 0 when it has everything already."""
        files = (part.item for part in self.parts if isinstance(part.item, Attachment))
        return sum(file.size + file.thumb_size for file in files if file.spooled is not None)


Content: TypeAlias = Text | Forward | Parcel


@dataclass(frozen=True, slots=True)
class SendJob:
    """One thing accepted for sending. It was on disk before anybody was told of it.

    `chat` is the peer ref as the caller wrote it, in canonical form; `chat_id` the marked id, once it is known.
    `random_id` is drawn at acceptance and goes out with every try, which is what makes a repeat harmless
    (messages.sendMessage). `error_kind`/`error_code`/`error_message`/`retry_after` tell why it failed, or why it
    waits; `due_at` (Unix ms) until when. `messages` are what it became, as far as Telegram told; `account_id` is
    who sends it. `uploaded` is how much of its files Telegram has by now, in bytes, and `warning` is for whoever asked
    for the send; both are not kept.
    """

    id: str
    user_id: str
    session_id: str
    random_id: int
    chat: str
    content: Content
    state: SendState
    attempts: int
    created_at: int
    message_id: int | None = None
    chat_id: int | None = None
    error_kind: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after: float | None = None
    due_at: int | None = None
    messages: tuple[Message, ...] = ()
    account_id: int | None = None
    uploaded: int | None = None
    warning: str | None = None

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def is_many(self) -> bool:
        """Whether it becomes several messages."""
        return isinstance(self.content, Forward) or (isinstance(self.content, Parcel) and self.content.is_album)
