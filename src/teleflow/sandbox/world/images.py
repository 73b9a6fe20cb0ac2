"""What an image's first bytes tell: its format and its size in pixels. Decodes no picture.

Knows JPEG, PNG, GIF and WebP. Also makes the tiny grey preview that stands for a picture until it is loaded.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

# a neutral grey block of 16 x 16 pixels in the Huffman codes of the header that clients add to such previews
_GREY_BLOCK = b"\x28\xa2\x8a\x00"
_PREVIEW = 40
# frame headers, but not DHT, JPG and DAC, which share their range
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Image(NamedTuple):
    mime: str
    width: int
    height: int


def recognise(head: bytes) -> Image | None:
    """The image that begins like this; None when it is none."""
    try:
        if head.startswith(b"\xff\xd8\xff"):
            return _jpeg(head)
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return Image("image/png", *struct.unpack(">II", head[16:24]))
        if head[:6] in {b"GIF87a", b"GIF89a"}:
            return Image("image/gif", *struct.unpack("<HH", head[6:10]))
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp(head)
    except (struct.error, IndexError):
        return None
    return None


def _jpeg(head: bytes) -> Image | None:
    place = 2
    while place + 9 <= len(head):
        if head[place] != 0xFF:
            return None
        marker = head[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return Image("image/jpeg", width, height)
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            place += 1 if marker == 0xFF else 2
            continue
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return None


def _webp(head: bytes) -> Image | None:
    shape = head[12:16]
    if shape == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return Image("image/webp", width & 0x3FFF, height & 0x3FFF)
    if shape == b"VP8L":
        bits = struct.unpack("<I", head[21:25])[0]
        return Image("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if shape == b"VP8X":
        return Image("image/webp", int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
    return None


def preview(width: int, height: int) -> bytes:
    """A grey picture of the same proportions in Telegram's stripped form: no header, at most 40 pixels a side."""
    longest = max(width, height, 1)
    wide, high = (max(1, round(side * _PREVIEW / longest)) for side in (width, height))
    blocks = -(-wide // 16) * -(-high // 16)
    return bytes((1, high, wide)) + _GREY_BLOCK * blocks
