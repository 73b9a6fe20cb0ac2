"""`Message` as it is told, to callers and in events.

Chats and senders are marked ids, as text; `date`s are Unix seconds.
"""

from __future__ import annotations

from typing import Any, Protocol

from teleflow.model.entities import Entity
from teleflow.model.media import FileRef, Media, Thumbnail
from teleflow.model.messages import Forwarded, Message, Reaction
from teleflow.wire.telling import Telling


class FileId(Protocol):
    """The id by which a file is told; with `thumb`, the URL path of that thumbnail. See `wire.files`."""

    def __call__(self, file: FileRef, *, thumb: str = "") -> str: ...


class FileIdOf(Protocol):
    """As `FileId`, for any session."""

    def __call__(self, session_id: str, file: FileRef, *, thumb: str = "") -> str: ...


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
        told["entities"] = [told_entity(entity) for entity in message.entities]
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
    if media.file is not None and media.thumbnails:
        told["thumbnailUrl"] = file_id(media.file, thumb=media.thumbnails[-1].type)
        told["thumbnails"] = [_thumbnail(one) for one in media.thumbnails]
    if media.spoiler:
        told["spoiler"] = True
    if media.expired:
        told["expired"] = True
    if media.details:
        told["details"] = dict(media.details)
    return told


def _thumbnail(one: Thumbnail) -> dict[str, Any]:
    told: dict[str, Any] = {"type": one.type, "width": one.width, "height": one.height}
    if one.file_size is not None:
        told["fileSize"] = one.file_size
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


def told_entity(entity: Entity) -> dict[str, Any]:
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
