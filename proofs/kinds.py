"""One file of each kind, and how an unmodified Telethon has to see it."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def noise(size: int, seed: int) -> bytes:
    """Bytes that nothing makes smaller."""
    block = hashlib.shake_256(seed.to_bytes(8, "big")).digest(1 << 20)
    return (block * (size // len(block) + 1))[:size]


def png(width: int, height: int, grey: int = 64) -> bytes:
    """A real picture, of one colour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\x00" + bytes([grey]) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass(frozen=True, slots=True)
class Kind:
    """`about` is said beside the file; `is_it` looks at what a Telethon client has received."""

    type: str
    name: str
    mime: str
    data: bytes
    is_it: Callable[[Any], bool]
    about: Mapping[str, Any] = field(default_factory=dict)


def _attribute(message: Any, name: str) -> Any:
    found = [one for one in message.document.attributes if type(one).__name__ == f"DocumentAttribute{name}"]
    return found[0] if found else None


def _video(message: Any) -> bool:
    told = _attribute(message, "Video")
    return (told.w, told.h, told.duration, told.supports_streaming) == (320, 200, 3.5, True) and bool(message.video)


def _voice(message: Any) -> bool:
    told = _attribute(message, "Audio")
    return bool(message.voice) and told.waveform == (31 << 5 | 7 << 10 | 16 << 15 | 3 << 20).to_bytes(4, "little")


def _audio(message: Any) -> bool:
    told = _attribute(message, "Audio")
    return (told.title, told.performer, told.duration, bool(told.voice)) == ("Song", "Ann", 61, False)


def _sticker(message: Any) -> bool:
    return bool(message.sticker) and _attribute(message, "Sticker").alt == "\U0001f600"


def kinds(seed: int) -> list[Kind]:
    """Eight, of some hundred kilobytes."""
    video = {"width": 320, "height": 200, "duration": 3.5, "supportsStreaming": True}
    circle = {"width": 240, "height": 240, "duration": 2}
    voice = {"duration": 4, "waveform": [0, 31, 7, 16, 3]}
    song = {"duration": 61, "title": "Song", "performer": "Ann"}
    sticker = {"emoji": "\U0001f600", "width": 512, "height": 512}
    return [
        Kind("photo", "a.png", "image/png", png(64, 48), lambda message: bool(message.photo)),
        Kind("video", "a.mp4", "video/mp4", noise(700_000, seed), _video, video),
        Kind("video_note", "r.mp4", "video/mp4", noise(30_000, seed), lambda one: bool(one.video_note), circle),
        Kind("voice", "v.ogg", "audio/ogg", noise(9_000, seed), _voice, voice),
        Kind("audio", "s.mp3", "audio/mpeg", noise(90_000, seed), _audio, song),
        Kind(
            "document", "r\u00e9sum\u00e9.pdf", "application/pdf", noise(600_001, seed), lambda one: bool(one.document)
        ),
        Kind("sticker", "s.webp", "image/webp", b"RIFF\0\0\0\0WEBP" + noise(5_000, seed), _sticker, sticker),
        Kind("gif", "g.mp4", "video/mp4", noise(20_000, seed), lambda one: bool(one.gif), {**circle, "duration": 1}),
    ]
