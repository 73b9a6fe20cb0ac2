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
from teleflow.model.media import FileRef

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileRef).decode
_LONGEST = 1024


class FileIds:
    """Makes and reads file ids."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def token(self, session_id: str, file: FileRef) -> str:
        sealed = self._seal.seal_same(_encode(file), "file", session_id)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, session_id: str, token: str) -> FileRef:
        """Raises NotFound(FILE_NOT_FOUND) for what this session was never given."""
        try:
            if len(token) > _LONGEST:
                raise NotFound("There is no file of this id", code="FILE_NOT_FOUND")
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return _decode(self._seal.open(raw, "file", session_id))
        except (binascii.Error, ValueError, SealBroken, msgspec.DecodeError) as error:
            raise NotFound("There is no file of this id", code="FILE_NOT_FOUND") from error
