"""One picture that comes with a request: small enough to be held in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from teleflow.api import facts as facts_module
from teleflow.api.bodies import decode_json, read_body
from teleflow.api.multipart import FileHead, Sink, read_parts
from teleflow.errors import Invalid
from teleflow.model.parcels import FileType
from teleflow.services.incoming import mime_of

MOST_PICTURE = 10 * 1024 * 1024  # https://core.telegram.org/api/files: photos are up to 10 MB
FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary", "description": "A picture under 10 MB."}},
        }
    }
}


class _Held:
    """A picture on its way in."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def add(self, piece: bytes) -> None:
        if len(self.body) + len(piece) > MOST_PICTURE:
            raise Invalid(f"A picture has {MOST_PICTURE} bytes at most", code="PAYLOAD_TOO_LARGE")
        self.body += piece

    async def done(self) -> None:
        """It is in memory."""


async def read_picture(request: Request) -> bytes | str:
    """The picture of a form, or the `fileId` of a JSON body. Raises Invalid, Malformed."""
    known = facts_module.of(request.scope)
    kind, _ = known.media_type()
    if kind == b"application/json":
        said = decode_json(await read_body(request.receive))
        file_id = said.get("fileId") if isinstance(said, dict) else None
        if not isinstance(file_id, str) or not 0 < len(file_id) <= 2048:
            raise Invalid("fileId is needed", details={"field": "fileId"})
        return file_id
    if kind != b"multipart/form-data":
        raise Invalid("The content type must be multipart/form-data or application/json", code="UNSUPPORTED_MEDIA_TYPE")
    held: dict[str, tuple[FileHead, bytearray]] = {}

    @asynccontextmanager
    async def place(head: FileHead) -> AsyncIterator[Sink]:
        if head.field != "file":
            raise Invalid("The picture comes as `file`", details={"field": head.field})
        coming = _Held()
        yield coming
        held[head.field] = head, coming.body

    await read_parts(known.headers[b"content-type"], request.receive, place)
    if "file" not in held:
        raise Invalid("The picture comes as `file`", details={"field": "file"})
    head, body = held["file"]
    mime_of(FileType.PHOTO, head.mime_type, head.name, bytes(body[:64]))
    return bytes(body)
