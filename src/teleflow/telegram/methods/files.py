"""The bytes of files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Unavailable
from teleflow.model.media import FileKind
from teleflow.model.operations.files import ReadPart
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_peer


async def read_part(invoke: Invoke, operation: ReadPart) -> bytes:
    """Raises Unavailable for a file that Telegram would rather have fetched from its delivery network (CDN)."""
    answer = await invoke(
        f.upload.GetFileRequest(
            _location(operation), offset=operation.offset, limit=operation.limit, cdn_supported=False
        )
    )
    if isinstance(answer, tl.upload.File):
        return bytes(answer.bytes)
    raise Unavailable("Telegram keeps this file in its delivery network only", code="FILE_ELSEWHERE")


def _location(operation: ReadPart) -> Any:
    file = operation.file
    match file.kind:
        case FileKind.PEER_PHOTO if operation.peer is not None:
            small = operation.thumb == "s"
            return tl.InputPeerPhotoFileLocation(input_peer(operation.peer), file.id, big=not small)
        case FileKind.PHOTO:
            size = operation.thumb or file.size_type
            return tl.InputPhotoFileLocation(file.id, file.access_hash, file.file_reference, size)
        case _:
            return tl.InputDocumentFileLocation(file.id, file.access_hash, file.file_reference, operation.thumb)


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {ReadPart: read_part}
