"""The file cache as a directory of this machine.

Promises: a file is there whole or not at all, whenever the process was killed (written beside, synced, renamed); what
is kept never grows over its bound, and what was not asked for longest goes first; a file whose length or hash is not
what it was when it was kept is removed and not given. One process uses the directory.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from teleflow.errors import SettingsError, Unavailable

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"([0-9a-f]{64})-([0-9a-f]{64})")
_PIECE = 512 * 1024
_LARGEST_PART = 4  # a file larger than this part of the room is not kept: it would push out all others


@dataclass(slots=True)
class _Kept:
    path: Path
    size: int
    digest: str
    checked: bool = False  # by this process


class LocalBlobs:
    """See `base.Blobs` and the module. `room` in bytes."""

    def __init__(self, folder: Path, *, room: int) -> None:
        self._folder = folder
        self._room = room
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._coming: dict[str, int] = {}
        self._bytes = 0

    async def start(self) -> None:
        """Look at what is there. Raises SettingsError when the directory can't be used."""
        try:
            found = await asyncio.to_thread(self._scan)
        except OSError as error:
            raise SettingsError(f"FILE_CACHE_DIR: the directory can't be used: {error.strerror}") from error
        self._kept = OrderedDict(found)
        self._bytes = sum(one.size for one in self._kept.values())
        await self._make_room()

    async def stop(self) -> None:
        return None

    async def open(self, key: str, size: int) -> LocalBlob | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        try:
            file = await asyncio.to_thread(_opened, kept, size)
        except OSError as error:
            _log.warning("cache.not_readable", cause=type(error).__name__)
            file = None
        if file is None:
            await self._drop(key)
            return None
        kept.checked = True
        if key in self._kept:
            self._kept.move_to_end(key)
        return LocalBlob(file)

    async def keep(self, key: str, size: int) -> LocalKeeping | None:
        if key in self._kept or key in self._coming or size > self._room // _LARGEST_PART:
            return None
        self._coming[key] = size
        try:
            await self._make_room()
            path = self._folder / f".{key[:16]}.{secrets.token_hex(4)}.new"
            file = await asyncio.to_thread(_created, path)
        except OSError as error:
            _log.warning("cache.not_writable", cause=type(error).__name__)
            self._coming.pop(key, None)
            return None
        return LocalKeeping(self, key, size, path, file)

    # -- inside -------------------------------------------------------------------------------------------

    def _scan(self) -> list[tuple[str, _Kept]]:
        """What is kept, that which was used longest ago first; what was left half-written is removed."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found: list[tuple[float, str, _Kept]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                named = _NAME.fullmatch(entry.name)
                if named is not None and entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    kept = _Kept(Path(entry.path), about.st_size, named[2])
                    found.append((about.st_mtime, named[1], kept))
                elif entry.name.startswith(".") and entry.name.endswith(".new"):
                    Path(entry.path).unlink()
        return [(key, kept) for _, key, kept in sorted(found, key=lambda one: one[0])]

    async def _make_room(self) -> None:
        while self._kept and self._bytes + sum(self._coming.values()) > self._room:
            await self._drop(next(iter(self._kept)))

    async def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size
            await asyncio.to_thread(_removed, kept.path)

    async def settle(self, key: str, written: _Kept | None) -> None:
        """A file has come, or has not."""
        self._coming.pop(key, None)
        if written is not None:
            self._kept[key] = written
            self._bytes += written.size
            await self._make_room()


class LocalBlob:
    """See `base.Blob`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def read(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        try:
            at = first
            while at <= last:
                piece = await asyncio.to_thread(os.pread, self._file.fileno(), min(_PIECE, last + 1 - at), at)
                if not piece:
                    raise Unavailable("The cache has less of this file than it had", code="CACHE_BROKEN")
                at += len(piece)
                yield piece
        except OSError as error:
            raise Unavailable("The cache can't be read", code="CACHE_BROKEN") from error
        finally:
            self._file.close()


class LocalKeeping:
    """See `base.Keeping`."""

    def __init__(self, blobs: LocalBlobs, key: str, size: int, path: Path, file: BinaryIO) -> None:
        self._blobs = blobs
        self._key = key
        self._size = size
        self._path = path
        self._file: BinaryIO | None = file
        self._hash = hashlib.sha256()
        self._written = 0

    async def add(self, piece: bytes) -> None:
        if self._file is None:
            return
        try:
            await asyncio.to_thread(self._write, self._file, piece)
        except OSError as error:
            _log.warning("cache.not_writable", cause=type(error).__name__)
            await self.drop()

    def _write(self, file: BinaryIO, piece: bytes) -> None:
        file.write(piece)
        self._hash.update(piece)
        self._written += len(piece)

    async def done(self) -> None:
        file, digest = self._file, self._hash.hexdigest()
        if file is None or self._written != self._size:
            return
        target = self._path.with_name(f"{self._key}-{digest}")
        try:
            await asyncio.to_thread(_finished, file, self._path, target)
        except OSError as error:
            _log.warning("cache.not_writable", cause=type(error).__name__)
            return
        self._file = None
        await self._blobs.settle(self._key, _Kept(target, self._size, digest, checked=True))

    async def drop(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
            await self._blobs.settle(self._key, None)
            await asyncio.to_thread(_removed, self._path)


def _created(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb")


def _finished(file: BinaryIO, path: Path, target: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    path.replace(target)


def _opened(kept: _Kept, size: int) -> BinaryIO | None:
    """The file, if it is what was kept; None when it is not."""
    file = kept.path.open("rb")
    whole = os.fstat(file.fileno()).st_size == size == kept.size
    if whole and not kept.checked:
        whole = hashlib.file_digest(file, "sha256").hexdigest() == kept.digest
    if not whole:
        file.close()
        return None
    with suppress(OSError):
        os.utime(kept.path)
    return file


def _removed(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
