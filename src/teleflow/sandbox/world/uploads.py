"""Files on their way up: parts as they come, in any order and any number at a time.

Promises that what was saved is on disk and not in memory, and that a file is whole, of even parts and
of the right checksum when it is taken. An upload can be taken more than once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.disk import Disk
from teleflow.sandbox.world.errors import Refused

LARGEST_PART = 512 * 1024
PARTS_LIMIT = 4000
SMALL_LIMIT = 10 * 1024 * 1024
UPLOADS_LIMIT = 256
LIFE = 24 * 3600.0
Key: TypeAlias = tuple[int, int]


@dataclass(slots=True)
class Upload:
    """One file under way; `lengths` are those of the parts that are there."""

    name: str
    big: bool
    started: float
    total: int = 0
    size: int = 0
    taken: bool = False
    lengths: dict[int, int] = field(default_factory=dict)
    # a last part that came before the size of parts was known
    early: dict[int, bytes] = field(default_factory=dict)


def _even(size: int) -> bool:
    return size % 1024 == 0 and LARGEST_PART % size == 0


class Uploads:
    """By person and the number that the client gave."""

    def __init__(self, clock: Clock, disk: Disk) -> None:
        self._clock = clock
        self._disk = disk
        self._under_way: OrderedDict[Key, Upload] = OrderedDict()
        self._names = 0
        self.parts_limit = PARTS_LIMIT

    def save(self, person: int, number: int, part: int, data: bytes, *, total: int = 0, big: bool = False) -> None:
        """One part. `total` is how many there are to be (0: not told). Raises FILE_PART_* and FILE_PARTS_INVALID."""
        if big and total != -1 and not 0 < total <= self.parts_limit:
            raise Refused("FILE_PARTS_INVALID")
        total = max(total, 0)
        if part < 0 or part >= (total or self.parts_limit):
            raise Refused("FILE_PART_INVALID")
        if not data:
            raise Refused("FILE_PART_EMPTY")
        if len(data) > LARGEST_PART:
            raise Refused("FILE_PART_TOO_BIG")
        upload = self._upload((person, number), big)
        upload.total = total
        self._check_length(upload, part, data)
        if not upload.size:
            upload.early[part] = data
        else:
            self._disk.write(upload.name, data, part * upload.size)
        upload.lengths[part] = len(data)

    def _check_length(self, upload: Upload, part: int, data: bytes) -> None:
        """Learn the size of parts from the first that is surely not the last."""
        last = part == upload.total - 1 if upload.total else None
        if last and part > 0:
            if upload.size and len(data) > upload.size:
                raise Refused("FILE_PART_SIZE_CHANGED")
            return
        if last is False and not _even(len(data)):
            raise Refused("FILE_PART_SIZE_INVALID")
        if not upload.size:
            self._learn(upload, len(data))
        elif len(data) != upload.size and last is False:
            raise Refused("FILE_PART_SIZE_CHANGED")
        elif len(data) > upload.size:
            # what had come first was a short last part
            self._relearn(upload, len(data))

    def _learn(self, upload: Upload, size: int) -> None:
        upload.size = size
        for part, data in upload.early.items():
            self._disk.write(upload.name, data, part * size)
        upload.early.clear()

    def _relearn(self, upload: Upload, size: int) -> None:
        if len(upload.lengths) != 1:
            raise Refused("FILE_PART_SIZE_CHANGED")
        (part, length), before = next(iter(upload.lengths.items())), upload.size
        data = self._disk.read(upload.name, part * before, length)
        self._disk.remove(upload.name)
        upload.early[part] = data
        self._learn(upload, size)

    def _upload(self, key: Key, big: bool) -> Upload:
        upload = self._under_way.get(key)
        now = self._clock.time()
        if upload is not None and (upload.taken or upload.big != big):
            self._forget(key)
            upload = None
        if upload is None:
            self._make_room(now)
            self._names += 1
            upload = self._under_way[key] = Upload(f"upload-{self._names}", big, now)
            self._disk.remove(upload.name)
        return upload

    def _make_room(self, now: float) -> None:
        while self._under_way:
            key, oldest = next(iter(self._under_way.items()))
            if len(self._under_way) < UPLOADS_LIMIT and now - oldest.started < LIFE:
                return
            self._forget(key)

    def _forget(self, key: Key) -> None:
        self._disk.remove(self._under_way.pop(key).name)

    def clear(self) -> None:
        for key in list(self._under_way):
            self._forget(key)

    def take(self, person: int, number: int, parts: int, *, md5: str = "", big: bool = False) -> tuple[str, int]:
        """A whole upload: its name on disk and its size. Raises FILE_PARTS_INVALID, FILE_PART_n_MISSING and others."""
        if not 0 < parts <= self.parts_limit:
            raise Refused("FILE_PARTS_INVALID")
        upload = self._under_way.get((person, number))
        if upload is None or upload.big != big:
            raise Refused("FILE_PART_0_MISSING")
        missing = next((part for part in range(parts) if part not in upload.lengths), None)
        if missing is not None:
            raise Refused(f"FILE_PART_{missing}_MISSING")
        if len(upload.lengths) != parts or (upload.total and upload.total != parts):
            raise Refused("FILE_PARTS_INVALID")
        if parts > 1 and not _even(upload.size):
            raise Refused("FILE_PART_SIZE_INVALID")
        if any(upload.lengths[part] != upload.size for part in range(parts - 1)):
            raise Refused("FILE_PART_LENGTH_INVALID")
        size = (parts - 1) * upload.size + upload.lengths[parts - 1]
        if not big and size > SMALL_LIMIT:
            raise Refused("FILE_PARTS_INVALID")
        if md5 and not big and hashlib.md5(self._disk.read(upload.name, 0, size)).hexdigest() != md5.lower():  # noqa: S324
            raise Refused("MD5_CHECKSUM_INVALID")
        upload.taken = True
        return upload.name, size
