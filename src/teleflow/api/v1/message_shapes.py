"""What the document says of `Message`. It is told as a plain dict (`wire.messages`); a test compares the two."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from teleflow.api.v1.envelope import Shape


class EntityShape(Shape):
    """Formatting; offsets and lengths count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    user_id: str | None = None
    document_id: str | None = None
    collapsed: bool | None = None


class ThumbnailShape(Shape):
    """`type` is what `?thumb=` of the file's route takes. Sizes in pixels and bytes."""

    type: str
    width: int
    height: int
    file_size: int | None = None


class MediaShape(Shape):
    """`type`: photo, video, voice, audio, document, sticker, gif, video_note; or contact, location, venue,
    live_location, poll, dice, web_page and whatever else Telegram has, with what only they have in `details`.
    """

    type: str
    file_id: str | None = None
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None
    thumbnail_url: str | None = None
    thumbnails: list[ThumbnailShape] | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    spoiler: bool | None = None
    expired: bool | None = None
    details: dict[str, Any] | None = None


class ForwardShape(Shape):
    """Where a message came from, as far as Telegram tells."""

    date: int
    from_id: str | None = None
    from_name: str | None = None
    message_id: int | None = None
    author: str | None = None
    saved_from_chat_id: str | None = None
    saved_from_message_id: int | None = None


class ReactionShape(Shape):
    count: int
    emoji: str | None = None
    custom_emoji_id: str | None = None
    chosen: bool | None = None


class MessageShape(Shape):
    """A message as the session sees it. A field that says nothing (false, empty, unknown) is left out.

    `id` is null for a message that is known to be sent though Telegram never told its id. `forwardFrom` is the marked
    id of who wrote it first, or their name. `service` tells what happened, where it is no one's text.
    """

    id: int | None
    chat_id: str
    sender_id: str
    text: str
    date: int
    edit_date: int | None = None
    reply_to_msg_id: int | None = None
    forward_from: str | None = None
    media: MediaShape | None = None
    entities: list[EntityShape] | None = None
    reply_to_chat_id: str | None = None
    reply_to_story_id: int | None = None
    quote: str | None = None
    thread_id: int | None = None
    topic_id: int | None = None
    forward: ForwardShape | None = None
    service: dict[str, Any] | None = None
    reactions: list[ReactionShape] | None = None
    views: int | None = None
    forwards: int | None = None
    replies: int | None = None
    grouped_id: str | None = None
    via_bot_id: str | None = None
    author: str | None = None
    ttl_seconds: int | None = None
    is_outgoing: bool = Field(False)
    pinned: bool | None = None
    silent: bool | None = None
    mentioned: bool | None = None
    post: bool | None = None
    scheduled: bool | None = None
    protected: bool | None = None
