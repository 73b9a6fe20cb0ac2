"""What a caller is given to name a file: a token that opens nothing, here or at Telegram, for anybody else.

It is sealed for its session and says where the file lies, so that nothing has to be kept for it. Equal files have equal
tokens: they are the same for every reader.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from teleflow.errors import NotFound
from teleflow.kit.seal import Seal, SealBroken
from teleflow.model.media import FileKind, FileRef

_LONGEST = 2048


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """A FileRef as it lies in an id: by place, for ids are in every message that has a file."""

    kind: FileKind
    id: int
    access_hash: int
    file_reference: bytes
    dc_id: int
    size_type: str
    chat_id: int
    message_id: int
    size: int | None
    mime_type: str
    name: str
    thumbs: tuple[str, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode
_FIELDS = tuple(_Packed.__struct_fields__)


class FileIds:
    """Makes and reads file ids."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def token(self, session_id: str, file: FileRef, *, thumb: str = "") -> str:
        """The file's id; with `thumb`, the URL path of that thumbnail of it."""
        packed = _Packed(*(getattr(file, name) for name in _FIELDS))
        sealed = self._seal.seal_same(_encode(packed), "file", session_id)
        token = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        return f"/api/v1/sessions/{session_id}/files/{token}?thumb={thumb}" if thumb else token

    def read(self, session_id: str, token: str) -> FileRef:
        """Raises NotFound(FILE_NOT_FOUND) for what this session was never given."""
        try:
            if len(token) > _LONGEST or not token.isascii():
                raise NotFound("There is no file of this id", code="FILE_NOT_FOUND")
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            packed = _decode(self._seal.open(raw, "file", session_id))
        except (binascii.Error, ValueError, SealBroken, msgspec.DecodeError) as error:
            raise NotFound("There is no file of this id", code="FILE_NOT_FOUND") from error
        return FileRef(*(getattr(packed, name) for name in _FIELDS))
