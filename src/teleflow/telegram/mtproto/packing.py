"""gzip_packed (https://core.telegram.org/mtproto/service_messages#packed-object), bounded both ways."""

from __future__ import annotations

import gzip
import struct
import zlib

from telethon.extensions import BinaryReader
from telethon.tl import TLObject

GZIP_PACKED = 0x3072CFA1
_GZIP_FROM = 512
_GZIP_TO = 64 * 1024  # what is larger are parts of files: packing them costs the loop 20 ms each and saves nothing
_UNPACKED_LIMIT = 32 * 1024 * 1024
_GZIP_FORM = 16 + zlib.MAX_WBITS  # zlib's word for a gzip header and its checksum
_U32 = struct.Struct("<I")


def packed(body: bytes) -> bytes:
    if not _GZIP_FROM <= len(body) < _GZIP_TO:
        return body
    smaller = gzip.compress(body, compresslevel=1)
    if len(smaller) + 8 >= len(body):
        return body
    return bytes(_U32.pack(GZIP_PACKED) + TLObject.serialize_bytes(smaller))


def unpacked(body: memoryview) -> bytes:
    """gzip_packed, never inflating more than the limit."""
    data = BinaryReader(bytes(body[4:])).tgread_bytes()
    unpacking = zlib.decompressobj(_GZIP_FORM)
    content = unpacking.decompress(data, _UNPACKED_LIMIT + 1)
    if len(content) > _UNPACKED_LIMIT:
        raise ValueError("a packed message of more than 32 MiB")
    if not unpacking.eof:
        raise ValueError("a packed message that ends early")
    return content
