"""What is sent beside a text, in Telegram's terms: brought up, named in a request, known again in a history.

https://core.telegram.org/api/files#uploading-files
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Upstream
from teleflow.model.jobs import Parcel
from teleflow.model.media import FileKind, FileRef
from teleflow.model.operations.files import KeepMedia, SavePart, Upload
from teleflow.model.parcels import Attachment, ContactCard, Dice, FileType, Item, Place, Poll, Venue
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.media import media_from
from teleflow.telegram.convert.peers import input_peer

_NEAR = 1e-3  # degrees: Telegram rounds what it is told


async def save_part(invoke: Invoke, operation: SavePart) -> None:
    if operation.of is None:
        request: Any = f.upload.SaveFilePartRequest(operation.upload_id, operation.number, operation.body)
    else:
        request = f.upload.SaveBigFilePartRequest(operation.upload_id, operation.number, operation.of, operation.body)
    if not await invoke(request):
        raise Upstream("Telegram did not take a part of the file", code="UPLOAD_REFUSED")


async def keep_media(invoke: Invoke, operation: KeepMedia) -> FileRef:
    media = _uploaded(operation.attachment, operation.upload, operation.thumb)
    answer = await invoke(f.messages.UploadMediaRequest(input_peer(operation.peer), media))
    told = media_from(answer)
    if told is None or told.file is None:
        raise Upstream("Telegram made no file of the upload", code="UPLOAD_REFUSED")
    return told.file


def _uploaded(attachment: Attachment, upload: Upload, thumb: Upload | None) -> Any:
    if attachment.type is FileType.PHOTO:
        return tl.InputMediaUploadedPhoto(input_file(upload))
    return tl.InputMediaUploadedDocument(
        file=input_file(upload),
        mime_type=attachment.mime_type,
        attributes=_attributes(attachment),
        thumb=input_file(thumb) if thumb is not None else None,
        force_file=attachment.type is FileType.DOCUMENT or None,
        nosound_video=attachment.type is FileType.GIF or None,
    )


def input_file(upload: Upload) -> Any:
    if upload.big:
        return tl.InputFileBig(upload.id, upload.parts, upload.name)
    return tl.InputFile(upload.id, upload.parts, upload.name, upload.md5)


def _attributes(file: Attachment) -> list[Any]:
    found: list[Any] = [tl.DocumentAttributeFilename(file.name)]
    match file.type:
        case FileType.VIDEO | FileType.VIDEO_NOTE | FileType.GIF:
            found.append(
                tl.DocumentAttributeVideo(
                    duration=file.duration,
                    w=file.width,
                    h=file.height,
                    round_message=file.type is FileType.VIDEO_NOTE or None,
                    supports_streaming=file.streaming or None,
                    nosound=file.type is FileType.GIF or None,
                )
            )
        case FileType.VOICE | FileType.AUDIO:
            voice = file.type is FileType.VOICE
            found.append(
                tl.DocumentAttributeAudio(
                    duration=round(file.duration),
                    voice=voice or None,
                    title=file.title or None,
                    performer=file.performer or None,
                    waveform=file.waveform if voice and file.waveform else None,
                )
            )
        case FileType.STICKER:
            found.append(tl.DocumentAttributeSticker(file.emoji, tl.InputStickerSetEmpty()))
    if file.type is FileType.GIF:
        found.append(tl.DocumentAttributeAnimated())
    if file.type in {FileType.STICKER, FileType.DOCUMENT} and file.width and file.height:
        found.append(tl.DocumentAttributeImageSize(file.width, file.height))
    return found


def input_media(item: Item, file: FileRef | None) -> Any:
    """As a request names it. `file`: where Telegram has it, for an attachment."""
    match item:
        case Attachment():
            if file is None:
                raise RuntimeError("an attachment has a file by now")
            return _by_id(item, file)
        case Poll():
            return _poll(item)
        case Place():
            return _place(item)
        case Venue():
            return tl.InputMediaVenue(
                geo_point=tl.InputGeoPoint(item.latitude, item.longitude),
                title=item.title,
                address=item.address,
                provider=item.provider,
                venue_id=item.venue_id,
                venue_type=item.venue_type,
            )
        case ContactCard():
            return tl.InputMediaContact(item.phone, item.first_name, item.last_name, item.vcard)
        case Dice():
            return tl.InputMediaDice(item.emoji)


def _by_id(item: Attachment, file: FileRef) -> Any:
    spoiler = item.spoiler or None
    if file.kind is FileKind.PHOTO:
        photo = tl.InputPhoto(file.id, file.access_hash, file.file_reference)
        return tl.InputMediaPhoto(photo, spoiler=spoiler, ttl_seconds=item.ttl)
    document = tl.InputDocument(file.id, file.access_hash, file.file_reference)
    return tl.InputMediaDocument(document, spoiler=spoiler, ttl_seconds=item.ttl)


def _plain(text: str) -> Any:
    return tl.TextWithEntities(text, [])


def _poll(item: Poll) -> Any:
    quiz = item.correct is not None
    return tl.InputMediaPoll(
        poll=tl.Poll(
            id=0,
            question=_plain(item.question),
            answers=[tl.InputPollAnswer(_plain(text)) for text in item.options],
            hash=0,
            public_voters=not item.anonymous or None,
            multiple_choice=item.multiple or None,
            quiz=quiz or None,
            close_period=item.open_for,
        ),
        correct_answers=[item.correct] if item.correct is not None else None,
        solution=item.explanation or None,
        solution_entities=[] if item.explanation else None,
    )


def _place(item: Place) -> Any:
    point = tl.InputGeoPoint(item.latitude, item.longitude, item.accuracy)
    if item.live_period is None:
        return tl.InputMediaGeoPoint(point)
    return tl.InputMediaGeoLive(point, period=item.live_period)


# -- knowing it again -------------------------------------------------------------------------------------


def parcel_in(ours: Iterable[Any], content: Parcel, files: Sequence[FileRef | None]) -> list[Any]:
    """The newest messages that carry these parts, in their order; none when one is missing."""
    newest_first = sorted(ours, key=lambda message: -message.id)
    found: list[Any] = []
    for part, file in zip(reversed(content.parts), reversed(files or (None,) * len(content.parts)), strict=True):
        alike = (one for one in newest_first if one not in found and one.fwd_from is None)
        match = next((one for one in alike if _is_it(one, part.item, file, part.text)), None)
        if match is None:
            return []
        found.insert(0, match)
    return found


def _is_it(message: Any, item: Item, file: FileRef | None, text: str) -> bool:
    media = message.media
    match item:
        case Attachment():
            held = getattr(media, "photo", None) or getattr(media, "document", None)
            same = file is not None and getattr(held, "id", None) == file.id
            return bool(same and message.message.strip() == text.strip())
        case Poll():
            return isinstance(media, tl.MessageMediaPoll) and bool(media.poll.question.text == item.question.strip())
        case Place():
            return isinstance(media, tl.MessageMediaGeo | tl.MessageMediaGeoLive) and _near(media.geo, item)
        case Venue():
            same = isinstance(media, tl.MessageMediaVenue) and media.title == item.title
            return bool(same) and _near(media.geo, item)
        case ContactCard():
            alike = isinstance(media, tl.MessageMediaContact)
            return alike and _digits(media.phone_number) == _digits(item.phone)
        case Dice():
            return bool(isinstance(media, tl.MessageMediaDice) and media.emoticon == item.emoji)


def _near(point: Any, item: Place | Venue) -> bool:
    if not isinstance(point, tl.GeoPoint):
        return False
    apart: float = max(abs(point.lat - item.latitude), abs(point.long - item.longitude))
    return apart < _NEAR


def _digits(phone: str) -> str:
    return "".join(letter for letter in phone if letter.isdigit())


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {SavePart: save_part, KeepMedia: keep_media}
