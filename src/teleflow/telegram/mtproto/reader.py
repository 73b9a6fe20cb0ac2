"""Telethon's reader of TL, quicker: it is most of what a large answer costs.

Reads what Telethon's own reads, and fails where that fails (TypeNotFoundError, BufferError, struct.error …); how far a
failed read got is another matter.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.extensions import BinaryReader

from teleflow.telegram.mtproto.compiled import read_object

_INT = struct.Struct("<i").unpack_from
_UINT = struct.Struct("<I").unpack_from
_LONG = struct.Struct("<q").unpack_from
_ULONG = struct.Struct("<Q").unpack_from
_DOUBLE = struct.Struct("<d").unpack_from
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VECTOR = 0x1CB5C415
_LONG_FORM = 254  # of bytes: three more bytes tell the length


class Reader(BinaryReader):  # type: ignore[misc]
    """Reads `bytes`."""

    position: int
    stream: bytes

    def read_int(self, signed: bool = True) -> int:
        position = self.position
        self.position = position + 4
        value: int = (_INT if signed else _UINT)(self.stream, position)[0]
        return value

    def read_long(self, signed: bool = True) -> int:
        position = self.position
        self.position = position + 8
        value: int = (_LONG if signed else _ULONG)(self.stream, position)[0]
        return value

    def read_double(self) -> float:
        position = self.position
        self.position = position + 8
        value: float = _DOUBLE(self.stream, position)[0]
        return value

    def tgread_bytes(self) -> bytes:
        stream, begin = self.stream, self.position + 1
        length = stream[begin - 1] if begin <= len(stream) else self._missing()
        if length == _LONG_FORM:
            length = _UINT(stream, begin - 1)[0] >> 8
            begin += 3
        end = begin + length
        after = end + (-(end - self.position) % 4)
        if after > len(stream):
            self._missing()
        self.position = after
        data: bytes = stream[begin:end]
        return data

    def tgread_string(self) -> str:
        return str(self.tgread_bytes(), "utf-8", "replace")

    def tgread_date(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.read_int())

    def tgread_object(self) -> Any:
        found, self.position = read_object(self.stream, self.position)
        return found

    def tgread_vector(self) -> list[Any]:
        if self.read_int(signed=False) != _VECTOR:
            raise RuntimeError("a vector was expected")
        return [self.tgread_object() for _ in range(self.read_int())]

    def _missing(self) -> int:
        raise BufferError("the data ends early")
