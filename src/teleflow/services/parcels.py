"""Sending files, albums, polls, places, contacts and dice: what a caller asks for, made into a parcel and sent.

Promises: all that can be refused is refused before anything is accepted, and then nothing is left of it; a file is
named by an upload, an address or an id that this session was told, and by exactly one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from teleflow.errors import Invalid, TeleFlowError, Unavailable
from teleflow.model.entities import Entity, units
from teleflow.model.formatting import ParseMode, formatted
from teleflow.model.jobs import Parcel, SendJob
from teleflow.model.media import FileKind
from teleflow.model.messages import TEXT_LIMIT, check_text
from teleflow.model.parcels import ALBUM_LIMIT, ALBUMS, Attachment, FileType, Item, Part
from teleflow.model.peers import PeerRef
from teleflow.model.users import Principal, User
from teleflow.services.incoming import Incoming, Intake, ReceivedFile, mime_of, name_of
from teleflow.services.sends import Sends
from teleflow.wire.files import FileIds

MOST_THUMBNAIL = 200 * 1024  # https://core.telegram.org/api/files#uploading-files: thumbnails are under 200 kB


@dataclass(frozen=True, slots=True)
class Asked:
    """One item as a caller asks for it: a `whole` one, or a file.

    `part` and `thumbnail` name what came with the request. `about` has the attachment's own facts: sizes, title, …
    """

    whole: Item | None = None
    type: FileType | None = None
    part: str | None = None
    url: str | None = None
    file_id: str | None = None
    thumbnail: str | None = None
    file_name: str | None = None
    mime_type: str | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    caption: str = ""
    parse_mode: ParseMode | None = None
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What belongs to the message, whatever is in it."""

    reply_to: int | None = None
    topic: int | None = None
    silent: bool = False
    schedule: int | None = None
    key: str | None = None
    wait: bool = True


class Parcels:
    """Use cases of sending what is no text."""

    def __init__(self, sends: Sends, intake: Intake, file_ids: FileIds) -> None:
        self._sends = sends
        self._file_ids = file_ids
        self.intake = intake

    async def send(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        items: Sequence[Asked],
        options: Options,
        *,
        coming: Incoming | None = None,
        files: Mapping[str, ReceivedFile] | None = None,
    ) -> SendJob:
        """Raises Invalid, NotFound(FILE_NOT_FOUND), what `Incoming.fetch` raises, and what `Sends.parcel` raises."""
        files = files or {}
        print_of = _print_of(session_id, ref, items, options, files)
        earlier = await self._sends.earlier(user, principal, session_id, ref, print_of, options.key)
        if earlier is not None:
            return earlier
        builder = _Builder(self._file_ids, session_id, coming, files)
        parts = tuple([await builder.part(number, asked) for number, asked in enumerate(items)])
        builder.check_all_used()
        parcel = Parcel(parts, (), options.reply_to, options.topic, options.silent, options.schedule)
        _check_album(parcel)
        holds = coming is not None and parcel.to_upload > 0
        if coming is not None:
            coming.accepted = holds  # from here on the job may be there: its files stay until it is known not to be
        try:
            job = await self._sends.parcel(
                user,
                principal,
                session_id,
                ref,
                parcel,
                print_of,
                job_id=coming.job_id if coming is not None and holds else None,
                key=options.key,
                wait=options.wait,
            )
        except Unavailable:
            raise  # it may have been stored: whoever looks for old files will know
        except TeleFlowError:
            if coming is not None:
                coming.accepted = False
            raise
        if coming is not None and job.id != coming.job_id:
            coming.accepted = False
        return job


class _Builder:
    """Parts from what is asked."""

    def __init__(
        self, file_ids: FileIds, session_id: str, coming: Incoming | None, files: Mapping[str, ReceivedFile]
    ) -> None:
        self._file_ids = file_ids
        self._session_id = session_id
        self._coming = coming
        self._files = files
        self._unused = set(files)

    async def part(self, number: int, asked: Asked) -> Part:
        caption, entities = formatted(asked.caption, asked.parse_mode, asked.entities)
        if caption:
            check_text(caption, field="caption")
            if units(caption) > TEXT_LIMIT:
                raise Invalid("The caption is too long", code="MESSAGE_TOO_LONG", details={"field": "caption"})
        if asked.whole is not None:
            return Part(asked.whole, caption, entities)
        sources = [one for one in (asked.part, asked.url, asked.file_id) if one is not None]
        if len(sources) != 1:
            raise Invalid(
                "Name the file once: send it, or give url, or fileId", details={"field": "file", "item": number}
            )
        return Part(await self._attachment(asked), caption, entities)

    def check_all_used(self) -> None:
        """What was sent and is in no item was meant for something. Raises Invalid."""
        if self._unused:
            name = min(self._unused)[:60]
            raise Invalid("A file came that no item names", details={"field": name})

    async def _attachment(self, asked: Asked) -> Attachment:
        if asked.file_id is not None:
            return self._by_id(asked, asked.file_id)
        if asked.type is None:
            raise Invalid("type is needed", details={"field": "type"})
        if asked.url is not None:
            if self._coming is None:
                raise RuntimeError("nothing is fetched without a place for it")
            received = await self._coming.fetch(asked.url, asked.type)
        else:
            received = self._taken(asked.part or "")
        if not received.size:
            raise Invalid("The file is empty", code="FILE_EMPTY", details={"field": "file"})
        told = asked.mime_type or received.mime_type
        mime = mime_of(asked.type, told, asked.file_name or received.name, received.head)
        attachment = Attachment(
            asked.type,
            spooled=received.number,
            size=received.size,
            name=name_of(asked.file_name or received.name, asked.type, mime),
            mime_type=mime,
        )
        return replace(self._with_thumbnail(attachment, asked), **asked.about)  # type: ignore[arg-type]

    def _with_thumbnail(self, attachment: Attachment, asked: Asked) -> Attachment:
        if asked.thumbnail is None:
            return attachment
        thumb = self._taken(asked.thumbnail)
        if attachment.type is FileType.PHOTO:
            raise Invalid("Telegram makes a photo's thumbnails", details={"field": "thumbnail"})
        if not 0 < thumb.size <= MOST_THUMBNAIL:
            raise Invalid(f"A thumbnail has 1 to {MOST_THUMBNAIL} bytes", details={"field": "thumbnail"})
        mime_of(FileType.PHOTO, thumb.mime_type, thumb.name, thumb.head)
        return replace(attachment, thumb=thumb.number, thumb_size=thumb.size)

    def _by_id(self, asked: Asked, file_id: str) -> Attachment:
        file = self._file_ids.read(self._session_id, file_id)
        photo = file.kind is FileKind.PHOTO
        kind = asked.type or (FileType.PHOTO if photo else FileType.DOCUMENT)
        if file.kind is FileKind.PEER_PHOTO or photo is not (kind is FileType.PHOTO):
            raise Invalid("This file can't be sent as that", details={"field": "type"})
        kept = {name: value for name, value in asked.about.items() if name in {"spoiler", "ttl"}}
        return replace(Attachment(kind, file=file, name=file.name, mime_type=file.mime_type), **kept)  # type: ignore[arg-type]

    def _taken(self, name: str) -> ReceivedFile:
        found = self._files.get(name)
        if found is None:
            raise Invalid("There is no file of this name in the request", details={"field": name[:60] or "file"})
        self._unused.discard(name)
        return found


def _print_of(
    session_id: str, ref: PeerRef, items: Sequence[Asked], options: Options, files: Mapping[str, ReceivedFile]
) -> tuple[Any, ...]:
    """What was asked. What lies at a URL may change; what was asked does not."""
    said = replace(options, key=None, wait=True)
    digests = sorted((name, file.digest) for name, file in files.items())
    return "parcel", session_id, str(ref), [asdict(item) for item in items], asdict(said), digests


def _check_album(parcel: Parcel) -> None:
    if not parcel.is_album:
        return
    if len(parcel.parts) > ALBUM_LIMIT:
        raise Invalid(f"An album has {ALBUM_LIMIT} items at most", details={"field": "items"})
    kinds = {part.item.type for part in parcel.parts if isinstance(part.item, Attachment)}
    if not any(kinds <= together for together in ALBUMS):
        raise Invalid(
            "An album is of photos and videos, or of documents, or of audio files", details={"field": "items"}
        )
