"""Operations on files. They go to the data centre that has the file, on a link beside the session's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.media import FileRef
from teleflow.model.operations.base import HOME, Operation
from teleflow.model.parcels import Attachment
from teleflow.model.peers import Peer


@dataclass(frozen=True, slots=True)
class ReadPart(Operation[bytes]):
    """upload.getFile: bytes from `offset` on, `limit` at most, fewer at the end of the file.

    `thumb` names a thumbnail; `peer` is whose photo it is, where it is one's. `offset` is a multiple of 4096, `limit`
    divides 1 MiB, and both stay within one MiB.
    """

    file: FileRef
    offset: int
    limit: int
    thumb: str = ""
    peer: Peer | None = None
    method: ClassVar[str] = "upload.getFile"

    @property
    def dc_id(self) -> int:
        return self.file.dc_id


@dataclass(frozen=True, slots=True)
class SavePart(Operation[None]):
    """upload.saveFilePart, or saveBigFilePart for a file `of` so many parts: Telegram keeps it for some hours.

    `upload_id` is the uploader's own name of the file: the same part under the same name may come twice.
    """

    upload_id: int
    number: int
    of: int | None
    body: bytes
    method: ClassVar[str] = "upload.saveFilePart"

    @property
    def dc_id(self) -> int:
        return HOME


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of which Telegram has all parts. `big`: it came by saveBigFilePart; else `md5` is that of its bytes."""

    id: int
    parts: int
    name: str
    big: bool
    md5: str = ""


@dataclass(frozen=True, slots=True)
class KeepMedia(Operation[FileRef]):
    """messages.uploadMedia: make a file of an upload, which can be sent by its id from then on.

    `peer` is a chat that it is meant for.
    """

    peer: Peer
    attachment: Attachment
    upload: Upload
    thumb: Upload | None = None
    method: ClassVar[str] = "messages.uploadMedia"
