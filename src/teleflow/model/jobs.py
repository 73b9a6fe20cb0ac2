"""A send's life as a job: what is to go out, where, and how that stands."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from teleflow.model.entities import Entity
from teleflow.model.messages import Message


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


Content: TypeAlias = Text | Forward


@dataclass(frozen=True, slots=True)
class SendJob:
    """One thing accepted for sending. It was on disk before anybody was told of it.

    `chat` is the peer ref as the caller wrote it, in canonical form; `chat_id` the marked id, once it is known.
    `random_id` is drawn at acceptance and goes out with every try, which is what makes a repeat harmless
    (messages.sendMessage). `error_kind`/`error_code`/`error_message`/`retry_after` tell why it failed, or why it
    waits; `due_at` (Unix ms) until when. `messages` are what it became, as far as Telegram told; `account_id` is
    who sends it. `warning` is for whoever asked for the send, and is not kept.
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
    warning: str | None = None

    @property
    def text(self) -> str:
        return self.content.text
