"""Files that come in to be sent: from a caller, or from an address that the caller names.

Promises: what is not accepted leaves nothing behind; nothing that a caller names is a path; each user has so many
under way at once, and no more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from teleflow.errors import Invalid
from teleflow.kit.ids import new_id
from teleflow.model.parcels import FileType
from teleflow.services.allowance import Places
from teleflow.storage.spool import Receiving, Spool
from teleflow.webhooks.fetching import Download

_MOST_NAME = 200
_PLAIN = "application/octet-stream"
_OGG = frozenset({"application/ogg", "video/ogg"})
_STICKERS = frozenset({"image/webp", "image/png", "application/x-tgsticker", "video/webm"})
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
# By the ends of names; what the machine's own tables say differs from machine to machine.
_TYPES = {
    **{ending: f"image/{ending}" for ending in ("png", "gif", "bmp", "webp", "heic", "avif", "tiff")},
    **{ending: f"video/{ending}" for ending in ("mp4", "webm", "mpeg")},
    **{ending: f"audio/{ending}" for ending in ("ogg", "aac", "flac", "wav", "opus", "midi")},
    **{ending: f"application/{ending}" for ending in ("pdf", "zip", "json", "xml", "gzip", "rtf")},
    **{ending: f"text/{ending}" for ending in ("html", "css", "csv")},
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "m4v": "video/x-m4v",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "oga": "audio/ogg",
    "mid": "audio/midi",
    "tgs": "application/x-tgsticker",
    "gz": "application/gzip",
    "7z": "application/x-7z-compressed",
    "txt": "text/plain",
    "md": "text/markdown",
    "js": "text/javascript",
}
_ENDINGS = {mime: ending for ending, mime in reversed(_TYPES.items())}


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file in the spool, under `number`. `mime_type` as its sender says; `digest` is SHA-256."""

    number: int
    name: str
    mime_type: str
    size: int
    head: bytes
    digest: str


class Fetch(Protocol):
    def get(self, url: str) -> AbstractAsyncContextManager[Download]: ...


class Incoming:
    """The files of one send that is not accepted yet. `job_id` will be its job."""

    def __init__(self, spool: Spool, fetcher: Fetch) -> None:
        self._spool = spool
        self._fetcher = fetcher
        self._count = 0
        self.job_id = new_id("job")
        self.accepted = False

    @asynccontextmanager
    async def file(self) -> AsyncIterator[tuple[int, Receiving]]:
        """Room for one more. Raises Unavailable(SPOOL_FULL)."""
        number = self._count
        self._count += 1
        receiving = await self._spool.receive(self.job_id, number)
        try:
            yield number, receiving
        finally:
            receiving.close()

    async def fetch(self, url: str, wanted: FileType) -> ReceivedFile:
        """Raises what `Fetcher` and `Receiving` raise, and Invalid(UNSUPPORTED_MEDIA_TYPE) before much has come."""
        async with self._fetcher.get(url) as found, self.file() as (number, receiving):
            if found.size is not None and found.size > self._spool.most:
                raise Invalid(f"A file has {self._spool.most} bytes at most", code="PAYLOAD_TOO_LARGE")
            looked = False
            async for piece in found.pieces:
                await receiving.add(piece)
                if not looked and receiving.size >= 16:
                    mime_of(wanted, found.mime_type, found.name, receiving.head)
                    looked = True
            await receiving.done()
            return ReceivedFile(number, found.name, found.mime_type, receiving.size, receiving.head, receiving.digest)

    async def close(self) -> None:
        if not self.accepted and self._count:
            await self._spool.drop(self.job_id)


class Intake:
    """See the module."""

    def __init__(self, spool: Spool, fetcher: Fetch, places: Places) -> None:
        self._spool = spool
        self._fetcher = fetcher
        self._places = places

    @property
    def most(self) -> int:
        """Bytes of one file."""
        return self._spool.most

    @asynccontextmanager
    async def open(self, user_id: str) -> AsyncIterator[Incoming]:
        """Raises Limited(TOO_MANY_UPLOADS)."""
        with self._places.taken(user_id):
            coming = Incoming(self._spool, self._fetcher)
            self._spool.coming.add(coming.job_id)
            try:
                yield coming
            finally:
                await coming.close()
                self._spool.coming.discard(coming.job_id)


def name_of(given: str, wanted: FileType, mime_type: str) -> str:
    """A name for the receiver: the last part of what was given, without what no name has."""
    last = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip(" .")
    if not kept:
        return f"{wanted.value}.{_ENDINGS.get(mime_type, 'bin')}"
    if len(kept) <= _MOST_NAME:
        return kept
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[: _MOST_NAME - 16]}.{ending}" if dot and len(ending) < 16 else kept[:_MOST_NAME]


def mime_of(wanted: FileType, told: str, name: str, head: bytes) -> str:
    """The type of a file that is to be shown as `wanted`. Raises Invalid(UNSUPPORTED_MEDIA_TYPE) when it is none."""
    mime = told.partition(";")[0].strip().lower()
    if not mime or mime in {_PLAIN, "binary/octet-stream"} or "/" not in mime or len(mime) > 100:
        mime = _TYPES.get(name.lower().rpartition(".")[2], _PLAIN)
    if not mime.isascii() or not mime.isprintable():
        mime = _PLAIN
    if not _fits(wanted, mime, head):
        raise Invalid(
            f"A file of the type {mime} can't be sent as {wanted.value}",
            code="UNSUPPORTED_MEDIA_TYPE",
            details={"field": "type", "mimeType": mime},
        )
    return mime


def _fits(wanted: FileType, mime: str, head: bytes) -> bool:
    family = mime.partition("/")[0]
    match wanted:
        case FileType.PHOTO:
            return family == "image" and _is_picture(head)
        case FileType.VIDEO | FileType.VIDEO_NOTE:
            return family == "video"
        case FileType.VOICE | FileType.AUDIO:
            return family == "audio" or mime in _OGG
        case FileType.STICKER:
            return mime in _STICKERS
        case FileType.GIF:
            return mime == "image/gif" or family == "video"
        case FileType.DOCUMENT:
            return True


def _is_picture(head: bytes) -> bool:
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
