"""Messages: as they are, and what may be sent, and the log of it.

What comes in lists by the hundred is a msgspec struct: frozen like the dataclasses, and many times faster to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from teleflow.errors import Invalid
from teleflow.model.entities import Entity
from teleflow.model.media import Media

TEXT_LIMIT = 4096  # UTF-16 code units: how Telegram counts (message_length_max of help.getConfig)


class Forwarded(msgspec.Struct, frozen=True, gc=False):
    """Where a message came from, as far as Telegram tells.

    `from_id` is marked, None when the sender hides it: then there is `from_name` only. `saved_from_*`: where it was
    copied from into Saved Messages or a discussion group.
    """

    date: int
    from_id: int | None = None
    from_name: str | None = None
    message_id: int | None = None
    author: str | None = None
    saved_from_chat_id: int | None = None
    saved_from_message_id: int | None = None


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """`emoji`, or `custom_emoji_id`; neither: a paid one. `chosen`: by this account too."""

    count: int
    emoji: str | None = None
    custom_emoji_id: int | None = None
    chosen: bool = False


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message as one session sees it. Ids of chats and senders are marked; instants are Unix seconds.

    `reply_to_chat_id` only when the answered message is in another chat; `thread_id` is the message that began the
    thread, `topic_id` the forum's topic. `service` tells what happened, for messages that are no one's text:
    ``{"action": "chat_add_user", …}``, further names in camelCase.
    """

    id: int
    chat_id: int
    sender_id: int
    text: str
    date: int
    entities: tuple[Entity, ...] = ()
    edit_date: int | None = None
    reply_to_msg_id: int | None = None
    reply_to_chat_id: int | None = None
    reply_to_story_id: int | None = None
    quote: str | None = None
    thread_id: int | None = None
    topic_id: int | None = None
    forward: Forwarded | None = None
    media: Media | None = None
    service: Mapping[str, Any] | None = None
    reactions: tuple[Reaction, ...] = ()
    views: int | None = None
    forwards: int | None = None
    replies: int | None = None
    grouped_id: int | None = None
    via_bot_id: int | None = None
    author: str | None = None
    ttl_seconds: int | None = None
    outgoing: bool = False
    pinned: bool = False
    silent: bool = False
    mentioned: bool = False
    post: bool = False
    scheduled: bool = False
    protected: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A row of the message log: who sent what to whom, and how it ended.

    `number` is the row's place in the log: the cursor for the page after it.
    """

    username: str
    from_phone: str
    to_phone: str
    message: str
    success: bool | None
    detail: str
    created_at: int
    number: int = 0


def check_text(text: str, *, field: str = "text") -> str:
    """Return the text as it will be sent. Raises Invalid for what no data centre takes, naming its caller's `field`."""
    try:
        units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise Invalid(
            "The text holds half of a surrogate pair, which is no character",
            code="MESSAGE_INVALID",
            details={"field": field},
        ) from error
    if "\x00" in text:
        raise Invalid("The text holds a NUL character", code="MESSAGE_INVALID", details={"field": field})
    if not text.strip():
        raise Invalid("The text is empty", code="MESSAGE_EMPTY", details={"field": field})
    if units > TEXT_LIMIT:
        raise Invalid(
            f"The text has {units} UTF-16 units, {TEXT_LIMIT} is the most",
            code="MESSAGE_TOO_LONG",
            details={"field": field, "limit": TEXT_LIMIT, "units": units},
        )
    return text
