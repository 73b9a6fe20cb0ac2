"""What a message that is to go out carries beside its text: files, and what Telegram shows in a way of its own.

https://core.telegram.org/api/files#sending-uploaded-files and the InputMedia constructors.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from teleflow.errors import Invalid
from teleflow.model.entities import Entity
from teleflow.model.media import FileKind, FileRef

CAPTION_LIMIT = 1024  # UTF-16 code units; caption_length_max of help.getConfig, 4096 for Premium accounts
ALBUM_LIMIT = 10


class FileType(enum.StrEnum):
    """As what a file is shown."""

    PHOTO = "photo"
    VIDEO = "video"
    VIDEO_NOTE = "video_note"
    VOICE = "voice"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    GIF = "gif"


ALBUMS = (
    frozenset({FileType.PHOTO, FileType.VIDEO}),
    frozenset({FileType.DOCUMENT}),
    frozenset({FileType.AUDIO}),
)
"""What may be together in an album (https://core.telegram.org/api/files#albums-grouped-media)."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. It lies in the job's spool under `spooled`, or Telegram has it already: then `file` says where.

    `thumb` is the number of its thumbnail in the spool. Sizes in bytes and pixels, `duration` in seconds, `ttl` the
    seconds after which it is gone once it was looked at; `waveform` is of a voice message, packed as Telegram wants it
    (5 bits a bar); `emoji` is what a sticker stands for. `streaming`: a video can be played while it comes.
    """

    type: FileType
    spooled: int | None = None
    size: int = 0
    name: str = ""
    mime_type: str = ""
    thumb: int | None = None
    thumb_size: int = 0
    file: FileRef | None = None
    width: int = 0
    height: int = 0
    duration: float = 0.0
    title: str = ""
    performer: str = ""
    waveform: bytes = b""
    emoji: str = ""
    streaming: bool = False
    spoiler: bool = False
    ttl: int | None = None

    @property
    def kind(self) -> str:
        return self.type.value


@dataclass(frozen=True, slots=True)
class Poll:
    """`correct` is the right option of a quiz, counted from 0; `open_for` seconds until it closes by itself."""

    question: str
    options: tuple[str, ...]
    anonymous: bool = True
    multiple: bool = False
    correct: int | None = None
    explanation: str = ""
    open_for: int | None = None
    kind = "poll"


@dataclass(frozen=True, slots=True)
class Place:
    """A point on earth, in degrees. `live_period`: for so many seconds it may be moved. `accuracy` in metres."""

    latitude: float
    longitude: float
    accuracy: int | None = None
    live_period: int | None = None
    kind = "location"


@dataclass(frozen=True, slots=True)
class Venue:
    """A place with a name. `provider` is whose `venue_id` and `venue_type` they are."""

    latitude: float
    longitude: float
    title: str
    address: str
    provider: str = ""
    venue_id: str = ""
    venue_type: str = ""
    kind = "venue"


@dataclass(frozen=True, slots=True)
class ContactCard:
    """A person's number, as it is shown to the reader."""

    phone: str
    first_name: str
    last_name: str = ""
    vcard: str = ""
    kind = "contact"


@dataclass(frozen=True, slots=True)
class Dice:
    """Telegram throws it: what it shows is known when it is sent."""

    emoji: str = "🎲"
    kind = "dice"


Item: TypeAlias = Attachment | Poll | Place | Venue | ContactCard | Dice


@dataclass(frozen=True, slots=True)
class Part:
    """One item with its caption."""

    item: Item
    text: str = ""
    entities: tuple[Entity, ...] = ()


def attachment_of(file: FileRef, *, spoiler: bool = False) -> Attachment:
    """A file that Telegram has, to be sent as it is. Raises Invalid for the photo beside a name."""
    if file.kind is FileKind.PEER_PHOTO:
        raise Invalid("This file can't be sent: it is the photo beside a name", details={"field": "fileId"})
    kind = FileType.PHOTO if file.kind is FileKind.PHOTO else FileType.DOCUMENT
    return Attachment(kind, file=file, name=file.name, mime_type=file.mime_type, spoiler=spoiler)
