"""Photos and documents: which there are, where their bytes are, and by which references they may be asked for.

Promises that a file's content never changes. A reference is good for `reference_life` seconds, or until all are
made to expire; a client gets a new one with the message that the file is in.
"""

from __future__ import annotations

import hashlib
import random
import struct
from typing import Any, Literal

import msgspec

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.disk import Disk
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.images import Image, recognise
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.media_records import File, FileSettings
from teleflow.sandbox.world.uploads import Uploads

HEAD = 256 * 1024
LARGEST_PHOTO = 10 * 1024 * 1024
_REFERENCE = struct.Struct(">BId")
_MAC = 8


class Files:
    """The register of files."""

    def __init__(self, clock: Clock, journal: Journal, disk: Disk, rng: random.Random, salt: bytes) -> None:
        self._clock = clock
        self._journal = journal
        self._rng = rng
        self._salt = salt
        self._settings = FileSettings()
        self.disk = disk
        self.uploads = Uploads(clock, disk)
        self.by_id: dict[int, File] = {}

    # how this world keeps them

    @property
    def settings(self) -> FileSettings:
        return self._settings

    @settings.setter
    def settings(self, changed: FileSettings) -> None:
        self._settings = changed
        self._journal.touch("file_settings", 0, changed)

    @property
    def reference_life(self) -> float:
        """Seconds for which a reference is good."""
        return self._settings.reference_life

    @reference_life.setter
    def reference_life(self, seconds: float) -> None:
        self.settings = msgspec.structs.replace(self._settings, reference_life=seconds)

    @property
    def dc(self) -> int:
        """Where new files are put; 0: at their owner's data centre."""
        return self._settings.dc

    @dc.setter
    def dc(self, number: int) -> None:
        self.settings = msgspec.structs.replace(self._settings, dc=number)

    def move(self, file: File, dc: int) -> None:
        """A file lives at another data centre from now on, which `getFile` elsewhere points to."""
        file.dc = dc
        self._journal.touch("file", file.id, file)

    def new_id(self) -> int:
        """A number that no file has; a seeded world would draw the same ones after a restart."""
        while True:
            number = self._rng.getrandbits(61) | 1 << 61
            if number not in self.by_id:
                return number

    # making

    def add(
        self,
        upload: tuple[str, int],
        *,
        kind: Literal["photo", "document"],
        owner: int,
        dc: int,
        mime: str,
        image: Image | None = None,
        attributes: list[bytes] | None = None,
        thumb: tuple[str, int] | None = None,
    ) -> File:
        """Make an upload a file for good."""
        name, size = upload
        file = File(
            id=self.new_id(),
            access_hash=self._rng.getrandbits(62) | 1,
            kind=kind,
            owner=owner,
            date=int(self._clock.time()),
            dc=self.dc or dc,
            size=size,
            mime=mime,
            width=image.width if image is not None else 0,
            height=image.height if image is not None else 0,
            attributes=attributes or [],
        )
        self.disk.link(name, str(file.id))
        preview = self.look_at(thumb) if thumb is not None else None
        if thumb is not None and preview is not None:
            self.disk.link(thumb[0], f"{file.id}-thumb")
            file.thumb_size, file.thumb_width, file.thumb_height = thumb[1], preview.width, preview.height
        self.by_id[file.id] = file
        self._journal.touch("file", file.id, file)
        return file

    def look_at(self, upload: tuple[str, int]) -> Image | None:
        """What picture an upload is; None when it is none."""
        return recognise(self.disk.read(upload[0], 0, min(upload[1], HEAD)))

    def names(self) -> set[str]:
        """What is on disk of them."""
        return {str(each) for each in self.by_id} | {f"{each.id}-thumb" for each in self.by_id.values()}

    # asking

    def read(self, file: File, offset: int, length: int, *, thumb: bool = False) -> bytes:
        return self.disk.read(f"{file.id}-thumb" if thumb else str(file.id), offset, length)

    def reference(self, file: File) -> bytes:
        """A reference of this moment."""
        head = _REFERENCE.pack(1, self._settings.round, self._clock.time())
        return head + self._mac(file, head)

    def _mac(self, file: File, head: bytes) -> bytes:
        return hashlib.blake2b(head + struct.pack(">q", file.id), digest_size=_MAC, key=self._salt).digest()

    def expire_references(self) -> None:
        """None that was given out so far is good any more."""
        self.settings = msgspec.structs.replace(self._settings, round=self._settings.round + 1)

    def require_reference(self, file: File, reference: bytes) -> None:
        """Raises FILE_REFERENCE_EMPTY, FILE_REFERENCE_INVALID and FILE_REFERENCE_EXPIRED."""
        if not reference:
            raise Refused("FILE_REFERENCE_EMPTY")
        head = reference[: _REFERENCE.size]
        if len(reference) != _REFERENCE.size + _MAC or reference[_REFERENCE.size :] != self._mac(file, head):
            raise Refused("FILE_REFERENCE_INVALID")
        _, made_in, at = _REFERENCE.unpack(head)
        if made_in != self._settings.round or self._clock.time() - at > self.reference_life:
            raise Refused("FILE_REFERENCE_EXPIRED")

    def named(self, kind: str, named: Any, refusal: str) -> File:
        """The file that an input photo, document or location names, with a good reference. Raises `refusal`."""
        file = self.by_id.get(named.id)
        if file is None or file.kind != kind or file.access_hash != named.access_hash:
            raise Refused(refusal)
        self.require_reference(file, named.file_reference)
        return file
