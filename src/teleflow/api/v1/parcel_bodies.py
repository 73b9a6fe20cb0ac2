"""What requests to send files, albums, polls, places, contacts and dice say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from teleflow.api.bodies import decode_json, refuse_fields
from teleflow.api.v1.envelope import Body
from teleflow.api.v1.message_bodies import EntityBody, MessageId, OnChat, enumerated, said
from teleflow.model.formatting import ParseMode
from teleflow.model.parcels import ContactCard, Dice, FileType, Place, Poll, Venue
from teleflow.model.peers import normalize_phone
from teleflow.services.parcels import Asked

FILE, THUMBNAIL = "file", "thumbnail"
"""The parts of a form in which a file and its thumbnail come, where nothing else is said."""
_PartName = Annotated[str, Field(min_length=1, max_length=60)]
_Pixels = Annotated[int, Field(ge=0, le=100_000)]
Instant = Annotated[int, Field(ge=1, lt=2**31, description="Unix seconds at which Telegram is to send it")]


class ItemBody(Body):
    """A file and how it is shown. Named by exactly one of `file` (a part of the form), `url` and `fileId`."""

    type: Annotated[FileType, enumerated(FileType)] | None = Field(None, description="Needed, but for a `fileId`.")
    file: _PartName | None = Field(None, description=f"The form's part that has the file; `{FILE}` if left out.")
    url: Annotated[str, Field(max_length=2048)] | None = Field(
        None, description="Fetched now; an address that is not public is refused."
    )
    file_id: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="A file that this session was told of: nothing is uploaded."
    )
    file_name: said(255) | None = None  # type: ignore[valid-type]
    mime_type: Annotated[str, Field(max_length=100, pattern="^[!-~]+$")] | None = None
    thumbnail: _PartName | None = Field(
        None, description=f"The form's part that has it: a picture under 200 kB; `{THUMBNAIL}` if left out."
    )
    caption: said(32_768) = ""  # type: ignore[valid-type]
    parse_mode: Annotated[ParseMode, enumerated(ParseMode)] | None = None
    entities: Annotated[list[EntityBody], Field(max_length=1_000)] | None = None
    spoiler: bool = False
    ttl_seconds: Annotated[int, Field(ge=1, le=60)] | None = Field(
        None, description="For photos and videos in private chats: gone so long after they were looked at."
    )
    width: _Pixels = 0
    height: _Pixels = 0
    duration: Annotated[float, Field(ge=0, le=10_000_000)] = Field(0.0, description="Seconds.")
    title: said(256) = ""  # type: ignore[valid-type]
    performer: said(256) = ""  # type: ignore[valid-type]
    waveform: Annotated[list[Annotated[int, Field(ge=0, le=31)]], Field(max_length=100)] | None = Field(
        None, description="Of a voice message: up to 100 bars from 0 to 31."
    )
    emoji: Annotated[str, Field(max_length=32)] = Field("", description="What a sticker stands for.")
    supports_streaming: bool = False

    def asked(self, parts: frozenset[str] = frozenset()) -> Asked:
        """`parts`: the names of the form's files."""
        thumbnail = self.thumbnail or (THUMBNAIL if THUMBNAIL in parts else None)
        about: dict[str, object] = {"spoiler": self.spoiler, "ttl": self.ttl_seconds}
        about |= {"width": self.width, "height": self.height, "duration": float(self.duration)}
        about |= {"title": self.title, "performer": self.performer, "emoji": self.emoji}
        about |= {"waveform": packed(self.waveform or ()), "streaming": self.supports_streaming}
        return Asked(
            type=self.type,
            part=self.file or (FILE if FILE in parts else None),
            url=self.url,
            file_id=self.file_id,
            thumbnail=thumbnail,
            file_name=self.file_name,
            mime_type=self.mime_type,
            about=about,
            caption=self.caption,
            parse_mode=self.parse_mode,
            entities=tuple(one.entity() for one in self.entities or ()),
        )


def packed(bars: Any) -> bytes:
    """A waveform as Telegram keeps it: 5 bits a bar, the lowest first."""
    bits = 0
    for number, bar in enumerate(bars):
        bits |= bar << 5 * number
    return bits.to_bytes((len(bars) * 5 + 7) // 8, "little")


class _Message(OnChat):
    """What belongs to the message, whatever is in it."""

    reply_to_msg_id: MessageId | None = None
    topic_id: MessageId | None = Field(None, description="The forum topic")
    silent: bool = False
    schedule: Instant | None = None


class MediaBody(ItemBody, _Message):
    """One file with its caption, to a chat."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sessionId": "ses_06a3…",
                    "chatId": "@durov",
                    "type": "photo",
                    "url": "https://example.com/picture.jpg",
                    "caption": "Look",
                }
            ]
        }
    )


class AlbumBody(_Message):
    """Two to ten: photos and videos, or documents, or audio files."""

    items: Annotated[list[ItemBody], Field(min_length=2, max_length=10)]


_Degrees = Annotated[float, BeforeValidator(lambda value: float(value) if type(value) is int else value)]


class _Point(Body):
    latitude: Annotated[_Degrees, Field(ge=-90, le=90)]
    longitude: Annotated[_Degrees, Field(ge=-180, le=180)]


class LocationBody(_Message, _Point):
    accuracy: Annotated[int, Field(ge=1, le=1500)] | None = Field(None, description="Metres.")
    live_period: Annotated[int, Field(ge=60, le=0x7FFFFFFF)] | None = Field(
        None, description="Seconds for which it may be moved: 60 to 86400, or 2147483647 for ever."
    )

    def item(self) -> Place:
        return Place(self.latitude, self.longitude, self.accuracy, self.live_period)


class VenueBody(_Message, _Point):
    title: said(256, 1)  # type: ignore[valid-type]
    address: said(512)  # type: ignore[valid-type]
    provider: said(64) = ""  # type: ignore[valid-type]
    venue_id: said(256) = ""  # type: ignore[valid-type]
    venue_type: said(256) = ""  # type: ignore[valid-type]

    def item(self) -> Venue:
        return Venue(
            self.latitude,
            self.longitude,
            self.title,
            self.address,
            self.provider,
            self.venue_id,
            self.venue_type,
        )


class ContactBody(_Message):
    phone: Annotated[str, Field(min_length=1, max_length=32)]
    first_name: said(64, 1)  # type: ignore[valid-type]
    last_name: said(64) = ""  # type: ignore[valid-type]
    vcard: said(2048) = ""  # type: ignore[valid-type]

    def item(self) -> ContactCard:
        return ContactCard(normalize_phone(self.phone), self.first_name, self.last_name, self.vcard)


class DiceBody(_Message):
    emoji: Literal["🎲", "🎯", "🏀", "⚽", "🎳", "🎰"] = "🎲"

    def item(self) -> Dice:
        return Dice(self.emoji)


class PollBody(_Message):
    """A poll, or with `correctOption` a quiz."""

    question: said(300, 1)  # type: ignore[valid-type]
    options: Annotated[list[said(100, 1)], Field(min_length=2, max_length=12)]  # type: ignore[valid-type]
    anonymous: bool = True
    multiple: bool = Field(False, description="More than one answer may be chosen.")
    correct_option: Annotated[int, Field(ge=0, le=11)] | None = Field(None, description="Counted from 0.")
    explanation: said(200) = ""  # type: ignore[valid-type]
    open_for: Annotated[int, Field(ge=5, le=2_628_000)] | None = Field(
        None, description="Seconds after which it closes by itself."
    )

    def item(self) -> Poll:
        if self.correct_option is not None:
            if self.correct_option >= len(self.options):
                refuse_fields([("correctOption", "there is no such option")])
            if self.multiple:
                refuse_fields([("multiple", "a quiz has one right answer")])
        elif self.explanation:
            refuse_fields([("explanation", "is for a quiz: give correctOption")])
        return Poll(
            self.question,
            tuple(self.options),
            self.anonymous,
            self.multiple,
            self.correct_option,
            self.explanation,
            self.open_for,
        )


# -- forms ------------------------------------------------------------------------------------------------


def of_form(model: type[Body], fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form as the JSON that they stand for: by what the model says that each is."""
    schema = model.model_json_schema(by_alias=True)
    known: dict[str, Any] = schema["properties"]
    return {name: _meant(value, _types(known.get(name, {}))) for name, value in fields.items()}


def _types(told: Mapping[str, Any]) -> set[str]:
    found = {told["type"]} if "type" in told else set()
    for one in told.get("anyOf", ()):
        found |= _types(one)
    return found


def _meant(value: str, types: set[str]) -> Any:
    """What can't be read as what it should be stays a text, and is refused as one."""
    if types & {"array", "object"}:
        return decode_json(value.encode())
    if "boolean" in types and value in {"true", "false"}:
        return value == "true"
    if types & {"integer", "number"} and "string" not in types:
        try:
            return int(value) if "number" not in types else float(value)
        except ValueError:
            return value
    return value
