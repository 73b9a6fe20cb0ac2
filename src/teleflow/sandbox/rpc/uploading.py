"""upload.*: parts up, pieces down.

Downloads are on the hot path: a piece goes from the file into the answer without another look.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any, NamedTuple

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.media_view import THUMB, size_letter
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.media_records import File

MEGABYTE = 1024 * 1024
HASHED = 128 * 1024
_FILE_TYPES: dict[str, Any] = {
    "image/jpeg": types.storage.FileJpeg,
    "image/png": types.storage.FilePng,
    "image/gif": types.storage.FileGif,
    "image/webp": types.storage.FileWebp,
    "audio/mpeg": types.storage.FileMp3,
    "video/mp4": types.storage.FileMp4,
    "video/quicktime": types.storage.FileMov,
    "application/pdf": types.storage.FilePdf,
}
_HEADS = {
    kind: struct.pack("<II", types.upload.File.CONSTRUCTOR_ID, kind.CONSTRUCTOR_ID)
    for kind in (*_FILE_TYPES.values(), types.storage.FileUnknown)
}


class Piece(types.upload.File):  # type: ignore[misc]
    """`upload.file` that is made into bytes with a single copy."""

    def _bytes(self) -> bytes:
        data = self.bytes
        length = len(data)
        if length < 254:
            prefix, pad = bytes((length,)), -(length + 1) % 4
        else:
            prefix, pad = struct.pack("<I", length << 8 | 254), -length % 4
        return b"".join((_HEADS[type(self.type)], struct.pack("<i", self.mtime), prefix, data, bytes(pad)))


async def save_file_part(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    uploads = desk.world.files.uploads
    uploads.save(desk.me(caller).id, request.file_id, request.file_part, request.bytes)
    return True


async def save_big_file_part(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    uploads = desk.world.files.uploads
    me = desk.me(caller).id
    uploads.save(me, request.file_id, request.file_part, request.bytes, total=request.file_total_parts, big=True)
    return True


class Found(NamedTuple):
    file: File
    thumb: bool = False


def _located(desk: Desk, caller: Caller, location: Any) -> Found:
    """What a location names. Raises LOCATION_INVALID, FILE_ID_INVALID and FILE_REFERENCE_*."""
    files = desk.world.files
    if isinstance(location, types.InputDocumentFileLocation):
        found = Found(files.named("document", location, "FILE_ID_INVALID"), bool(location.thumb_size))
        if found.thumb and (location.thumb_size != THUMB or not found.file.thumb_size):
            raise RpcError(400, "LOCATION_INVALID")
        return found
    if isinstance(location, types.InputPhotoFileLocation):
        file = files.named("photo", location, "FILE_ID_INVALID")
        if location.thumb_size not in {"", size_letter(file)}:
            raise RpcError(400, "LOCATION_INVALID")
        return Found(file)
    if isinstance(location, types.InputPeerPhotoFileLocation):
        target = desk.target(desk.me(caller), location.peer)
        shown = [target.photo] if isinstance(target, Chat) else target.photos
        pictured = files.by_id.get(location.photo_id) if location.photo_id in shown else None
        if pictured is not None:
            return Found(pictured)
    raise RpcError(400, "LOCATION_INVALID")


def _here(desk: Desk, found: Found) -> Found:
    """Raises FILE_MIGRATE_n where another data centre has it."""
    if found.file.dc != desk.dc_id and found.file.dc in desk.dcs():
        raise RpcError(303, f"FILE_MIGRATE_{found.file.dc}")
    return found


def _require_window(offset: int, limit: int, *, precise: bool) -> None:
    """Raises OFFSET_INVALID and LIMIT_INVALID: even steps, and never over the border of a megabyte."""
    step = 1024 if precise else 4096
    if offset < 0 or offset % step:
        raise RpcError(400, "OFFSET_INVALID")
    if not 0 < limit <= MEGABYTE or limit % step or (not precise and MEGABYTE % limit):
        raise RpcError(400, "LIMIT_INVALID")
    if offset // MEGABYTE != (offset + limit - 1) // MEGABYTE:
        raise RpcError(400, "LIMIT_INVALID")


async def get_file(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """A piece of a file; empty after its end."""
    _require_window(request.offset, request.limit, precise=bool(request.precise))
    found = _here(desk, _located(desk, caller, request.location))
    data = desk.world.files.read(found.file, request.offset, request.limit, thumb=found.thumb)
    kind = types.storage.FileJpeg if found.thumb else _FILE_TYPES.get(found.file.mime, types.storage.FileUnknown)
    return Piece(kind(), found.file.date, data)


async def get_file_hashes(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """SHA-256 of each 128 KB from the offset to the end of its megabyte."""
    found = _here(desk, _located(desk, caller, request.location))
    if request.offset < 0:
        raise RpcError(400, "OFFSET_INVALID")
    start = request.offset - request.offset % HASHED
    end = (start // MEGABYTE + 1) * MEGABYTE
    hashes = []
    for offset in range(start, end, HASHED):
        data = desk.world.files.read(found.file, offset, HASHED, thumb=found.thumb)
        if data:
            hashes.append(types.FileHash(offset, len(data), hashlib.sha256(data).digest()))
    return hashes
