"""What the world remembers of files, and of what a message carries beside its text: plain records.

The bytes of a file are on disk (`files`), never in here. Times are Unix seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MediaKind = Literal["photo", "document", "poll", "other"]


class Media(msgspec.Struct, omit_defaults=True):
    """What a message carries: a photo or document by its file, a poll by its id, or anything else as TL bytes."""

    kind: MediaKind
    # the number of the file, or of the poll
    file: int = 0
    # the name of the right (of `rights.BANNED`) that it takes to send it
    right: str = "send_media"
    spoiler: bool = False
    ttl: int = 0
    # `MessageMedia` as bytes, opaque to the world (kind `other`)
    data: bytes = b""

    @property
    def heard(self) -> bool:
        """Whether it is told when somebody has listened to it or watched it."""
        return self.right in {"send_voices", "send_roundvideos"}


class FileSettings(msgspec.Struct, omit_defaults=True):
    """How this world keeps files: how long references are good, and where new files are put (0: with their owner)."""

    reference_life: float = 24 * 3600.0
    dc: int = 0
    # grows when all references are made to expire
    round: int = 0


class File(msgspec.Struct, omit_defaults=True):
    """A photo or document. Immutable once it is there; its content never changes."""

    id: int
    access_hash: int
    kind: Literal["photo", "document"]
    owner: int
    date: int
    dc: int
    size: int
    mime: str
    # in pixels; 0 where it has none or they are not known
    width: int = 0
    height: int = 0
    # TL document attributes as bytes, opaque to the world
    attributes: list[bytes] = []
    thumb_size: int = 0
    thumb_width: int = 0
    thumb_height: int = 0
