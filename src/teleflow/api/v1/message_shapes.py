"""`Message` as clients are told it. Chats and senders are marked ids, as text; `date`s are Unix seconds.

Lists of messages are long: they are told as plain dicts, and the classes here are what the document says of them (a
test compares the two).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from teleflow.api.v1.envelope import Shape
from teleflow.api.v1.telling import Telling
from teleflow.model.entities import Entity
from teleflow.model.media import FileRef, Media
from teleflow.model.messages import Forwarded, Message, Reaction

FileId = Callable[[FileRef], str]


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


_PLAIN = (  # told as they are, where they say something
    ("edit_date", "editDate"),
    ("reply_to_msg_id", "replyToMsgId"),
    ("reply_to_story_id", "replyToStoryId"),
    ("quote", "quote"),
    ("thread_id", "threadId"),
    ("topic_id", "topicId"),
    ("service", "service"),
    ("views", "views"),
    ("forwards", "forwards"),
    ("replies", "replies"),
    ("author", "author"),
    ("ttl_seconds", "ttlSeconds"),
)
_IDS = (("reply_to_chat_id", "replyToChatId"), ("grouped_id", "groupedId"), ("via_bot_id", "viaBotId"))
_FLAGS = tuple((name, name) for name in ("pinned", "silent", "mentioned", "post", "scheduled", "protected"))
_TELLING = Telling(plain=(*_PLAIN, *_FLAGS), ids=_IDS)


def told_message(message: Message, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": message.id,
        "chatId": str(message.chat_id),
        "senderId": str(message.sender_id),
        "text": message.text,
        "date": message.date,
        "isOutgoing": message.outgoing,
    }
    _TELLING.add(told, message)
    if message.forward is not None:
        told["forwardFrom"], told["forward"] = _forward(message.forward)
        if told["forwardFrom"] is None:
            del told["forwardFrom"]
    if message.media is not None:
        told["media"] = told_media(message.media, file_id)
    if message.entities:
        told["entities"] = [_entity(entity) for entity in message.entities]
    if message.reactions:
        told["reactions"] = [_reaction(reaction) for reaction in message.reactions]
    return told


def told_media(media: Media, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {"type": media.type}
    if media.file is not None:
        told["fileId"] = file_id(media.file)
    pairs = (
        (media.file_name, "fileName"),
        (media.mime_type, "mimeType"),
        (media.file_size, "fileSize"),
        (media.width, "width"),
        (media.height, "height"),
        (media.duration, "duration"),
    )
    told |= {wire: value for value, wire in pairs if value is not None}
    if media.spoiler:
        told["spoiler"] = True
    if media.expired:
        told["expired"] = True
    if media.details:
        told["details"] = dict(media.details)
    return told


def _forward(forward: Forwarded) -> tuple[str | None, dict[str, Any]]:
    told: dict[str, Any] = {"date": forward.date}
    pairs = (
        (_text(forward.from_id), "fromId"),
        (forward.from_name, "fromName"),
        (forward.message_id, "messageId"),
        (forward.author, "author"),
        (_text(forward.saved_from_chat_id), "savedFromChatId"),
        (forward.saved_from_message_id, "savedFromMessageId"),
    )
    told |= {wire: value for value, wire in pairs if value is not None}
    return _text(forward.from_id) or forward.from_name, told


def _entity(entity: Entity) -> dict[str, Any]:
    told: dict[str, Any] = {"type": entity.type, "offset": entity.offset, "length": entity.length}
    pairs = (
        (entity.url, "url"),
        (entity.language, "language"),
        (_text(entity.user_id), "userId"),
        (_text(entity.document_id), "documentId"),
    )
    told |= {wire: value for value, wire in pairs if value is not None}
    if entity.collapsed:
        told["collapsed"] = True
    return told


def _reaction(reaction: Reaction) -> dict[str, Any]:
    told: dict[str, Any] = {"count": reaction.count}
    if reaction.emoji is not None:
        told["emoji"] = reaction.emoji
    if reaction.custom_emoji_id is not None:
        told["customEmojiId"] = str(reaction.custom_emoji_id)
    if reaction.chosen:
        told["chosen"] = True
    return told


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
