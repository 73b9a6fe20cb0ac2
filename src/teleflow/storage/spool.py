"""Files on their way out: kept on this machine's disk from before a send is accepted until it has ended.

Promises: a send that was accepted has its files on disk, synced; how much of a file Telegram has taken is written down
part by part, so that a new process goes on where the last one was killed; a job's files are removed when it ends, and
what belongs to no open job is removed in time; all of it together stays within a bound. No name that a caller gives
reaches the file system. One process uses the directory.

A directory for each job, and in it for each file its bytes (``0``), the upload (``0.parts``: the upload's id, then a
byte for each part that Telegram has) and what Telegram made of it (``0.kept``).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from teleflow.errors import Conflict, Invalid, SettingsError, Unavailable
from teleflow.model.media import FileRef

_log = structlog.get_logger(__name__)
_JOB = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEAD = 8
_AT_LEAST_FREE = 256 * 1024 * 1024
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileRef).decode


class Spool:
    """`room`: bytes that all files together may take; `most`: of one file."""

    def __init__(self, folder: Path, *, room: int, most: int) -> None:
        self._folder = folder
        self._room = room
        self._sizes: Counter[str] = Counter()  # bytes of each job's files
        self._taken = 0
        self.most = most
        self.coming: set[str] = set()  # jobs to be, whose files come in now

    async def start(self) -> None:
        """Raises SettingsError when the directory can't be used."""
        try:
            self._sizes = Counter(await asyncio.to_thread(_measured, self._folder))
            self._taken = sum(self._sizes.values())
        except OSError as error:
            raise SettingsError(f"{self._folder}: files to be sent can't be kept there: {error.strerror}") from error

    @property
    def taken(self) -> int:
        """Bytes."""
        return self._taken

    # -- in -----------------------------------------------------------------------------------------------

    async def receive(self, job_id: str, number: int, *, most: int | None = None) -> Receiving:
        """Begin to keep a file. `most` bytes, where it may be less than of any. Raises Unavailable(SPOOL_FULL)."""
        folder = self._of(job_id)
        try:
            file = await asyncio.to_thread(_created, folder, folder / str(number))
        except OSError as error:
            raise _no_room(error) from error
        return Receiving(partial(self._take, job_id), file, min(self.most, most or self.most))

    def _take(self, job_id: str, size: int) -> None:
        """Raises Unavailable(SPOOL_FULL)."""
        if self._taken + size > self._room:
            raise Unavailable("There is no room for more files to be sent now", code="SPOOL_FULL", retry_after=30)
        self._taken += size
        self._sizes[job_id] += size

    # -- out ----------------------------------------------------------------------------------------------

    async def read(self, job_id: str, number: int, offset: int, size: int) -> bytes:
        """Raises Conflict(FILE_LOST) when it is not there, or is shorter than it was."""
        path = self._of(job_id) / str(number)
        try:
            found = await asyncio.to_thread(_read, path, offset, size)
        except OSError as error:
            raise _lost() from error
        if len(found) != size:
            raise _lost()
        return found

    # -- how far it is ------------------------------------------------------------------------------------

    async def upload(self, job_id: str, number: int, upload_id: int, parts: int) -> tuple[int, bytearray]:
        """The upload that was begun, or else this one: its id, and a byte for each part, 1 where Telegram has it."""
        return await asyncio.to_thread(_begun, self._parts(job_id, number), upload_id, parts)

    async def mark(self, job_id: str, number: int, part: int) -> None:
        """Telegram has this part."""
        with suppress(OSError):  # it would be sent once more: no harm
            await asyncio.to_thread(_mark, self._parts(job_id, number), part)

    async def keep(self, job_id: str, number: int, file: FileRef) -> None:
        """What Telegram made of the upload."""
        with suppress(OSError):
            await asyncio.to_thread(_write, self._of(job_id) / f"{number}.kept", _encode(file))

    async def kept(self, job_id: str, number: int) -> FileRef | None:
        with suppress(OSError, msgspec.DecodeError):
            return _decode(await asyncio.to_thread((self._of(job_id) / f"{number}.kept").read_bytes))
        return None

    async def forget(self, job_id: str, number: int) -> None:
        """Telegram has nothing of this file any more: it begins anew."""
        paths = [self._of(job_id) / f"{number}.kept", self._parts(job_id, number)]
        await asyncio.to_thread(_unlink, paths)

    # -- ends ---------------------------------------------------------------------------------------------

    async def drop(self, job_id: str) -> None:
        """Nothing of this job is needed any more."""
        await asyncio.to_thread(shutil.rmtree, self._of(job_id), ignore_errors=True)
        self._taken -= self._sizes.pop(job_id, 0)

    async def sweep(self, is_open: Callable[[list[str]], Awaitable[set[str]]], *, before: float) -> int:
        """Remove what is of no open job and was not touched since `before` (Unix seconds); of how many jobs it was."""
        old = await asyncio.to_thread(_old, self._folder, before)
        still = await is_open(old) if old else set()
        gone = [job_id for job_id in old if job_id not in still and job_id not in self.coming]
        for job_id in gone:
            await self.drop(job_id)
        if gone:
            _log.info("spool.swept", jobs=len(gone))
        return len(gone)

    def _of(self, job_id: str) -> Path:
        if not _JOB.fullmatch(job_id):
            raise ValueError(job_id)
        return self._folder / job_id

    def _parts(self, job_id: str, number: int) -> Path:
        return self._of(job_id) / f"{number}.parts"


class Receiving:
    """A file that is coming in. Close it, whatever happens; `done` makes it last."""

    def __init__(self, take: Callable[[int], None], file: BinaryIO, most: int) -> None:
        self._take = take
        self._file = file
        self._most = most
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""  # its first bytes: they tell what it is

    async def add(self, piece: bytes) -> None:
        """Raises Invalid(PAYLOAD_TOO_LARGE), Unavailable(SPOOL_FULL)."""
        if self.size + len(piece) > self._most:
            raise Invalid(f"A file has {self._most} bytes at most", code="PAYLOAD_TOO_LARGE")
        self._take(len(piece))
        self.size += len(piece)
        if len(self.head) < 64:
            self.head += piece[: 64 - len(self.head)]
        try:
            await asyncio.to_thread(self._keep, piece)
        except OSError as error:
            raise _no_room(error) from error

    def _keep(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    async def done(self) -> None:
        """It is on disk, whatever happens to the machine."""
        try:
            await asyncio.to_thread(_synced, self._file)
        except OSError as error:
            raise _no_room(error) from error

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


# -- in threads -------------------------------------------------------------------------------------------


def _measured(folder: Path) -> dict[str, int]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sizes: Counter[str] = Counter()
    for path in folder.glob("*/*"):
        if path.name.isdigit():
            sizes[path.parent.name] += path.stat().st_size
    return sizes


def _created(folder: Path, path: Path) -> BinaryIO:
    folder.mkdir(mode=0o700, exist_ok=True)
    if shutil.disk_usage(folder).free < _AT_LEAST_FREE:
        raise OSError("the disk is nearly full")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "wb")


def _synced(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        found = bytearray()
        while len(found) < size:
            piece = file.read(size - len(found))
            if not piece:
                break
            found += piece
        return bytes(found)


def _begun(path: Path, upload_id: int, parts: int) -> tuple[int, bytearray]:
    try:
        raw = path.read_bytes()
        if len(raw) == _HEAD + parts:
            return int.from_bytes(raw[:_HEAD], "big", signed=True), bytearray(raw[_HEAD:])
    except OSError:
        pass
    _write(path, upload_id.to_bytes(_HEAD, "big", signed=True) + bytes(parts))
    return upload_id, bytearray(parts)


def _mark(path: Path, part: int) -> None:
    with path.open("r+b", buffering=0) as file:
        file.seek(_HEAD + part)
        file.write(b"\x01")


def _write(path: Path, raw: bytes) -> None:
    new = path.with_suffix(path.suffix + ".new")
    new.write_bytes(raw)
    new.replace(path)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _old(folder: Path, before: float) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _JOB.fullmatch(entry.name) and entry.stat().st_mtime < before
        ]
    return []


def _no_room(error: OSError) -> Unavailable:
    _log.warning("spool.not_writable", cause=type(error).__name__, detail=str(error.strerror or error)[:80])
    return Unavailable("There is no room for more files to be sent now", code="SPOOL_FULL", retry_after=30)


def _lost() -> Conflict:
    return Conflict("The file that was to be sent is not there any more", code="FILE_LOST")
