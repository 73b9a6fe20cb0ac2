"""What a message carries beside its text."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class FileKind(enum.StrEnum):
    PHOTO = "photo"
    DOCUMENT = "document"
    PEER_PHOTO = "peer_photo"


@dataclass(frozen=True, slots=True)
class FileRef:
    """Where a file lies at Telegram and what proves that this session may fetch it.

    The access hash is good for the session alone, and the file reference expires. `size_type` names the size of a
    photo (https://core.telegram.org/api/files#image-thumbnail-types). `chat_id` (marked) and `message_id` are where the
    file was seen: asked again, that gives a new reference. The photo beside a peer's name (`peer_photo`) is in no
    message, and needs no reference. `size` in bytes; None where Telegram tells it with the file only. `thumbs` are the
    thumbnails' types, the smallest first.
    """

    kind: FileKind
    id: int
    access_hash: int
    file_reference: bytes
    dc_id: int
    size_type: str = ""
    chat_id: int = 0
    message_id: int = 0
    size: int | None = None
    mime_type: str = ""
    name: str = ""
    thumbs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A smaller picture of a file, by Telegram's name for its size."""

    type: str
    width: int
    height: int
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """`type` is one of the kinds of files (photo, video, voice, audio, document, sticker, gif, video_note) or of what
    else Telegram knows (contact, location, venue, live_location, poll, dice, game, invoice, web_page, story, giveaway,
    giveaway_results, paid_media, checklist, video_stream, unsupported).

    `details` holds what only that type has, by camelCase names. `duration` in seconds, sizes in bytes and pixels.
    `expired`: there was a file, and it is gone (self-destructing media).
    """

    type: str
    file: FileRef | None = None
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    spoiler: bool = False
    expired: bool = False
    thumbnails: tuple[Thumbnail, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
