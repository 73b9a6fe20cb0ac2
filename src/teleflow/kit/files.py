"""Files that are there whole or not at all, are made by one process at a time, and belong to whoever has the folder."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # vfat, some of FUSE and SMB
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def create(path: Path) -> int:
    """A new file, its owner's alone; a descriptor to read and write. Raises FileExistsError.

    What root makes in another user's folder is that user's: the service that runs as he could not open it otherwise.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        with suppress(OSError):  # a file system, or a container, without owners
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def open_or_create(path: Path) -> int:
    """A descriptor to read and write; a new file is as `create` makes it."""
    while True:
        with suppress(FileExistsError):
            return create(path)
        with suppress(FileNotFoundError):  # removed in between
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def make_folder(path: Path) -> None:
    """With those above it where they are missing; theirs whose folder they are made in, its owner's alone."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if missing and os.geteuid() == 0:
        owner = missing[-1].parent.stat()
        for each in missing:
            with suppress(OSError):
                os.chown(each, owner.st_uid, owner.st_gid)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """A file to oneself, made where it is missing; its descriptor. It may be removed inside the block.

    Raises BlockingIOError when another one has it.
    """
    while True:
        descriptor = open_or_create(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def give_name(part: Path, to: Path) -> None:
    """A file that is whole gets a name that nobody has. Raises FileExistsError."""
    try:
        os.link(part, to)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        part.unlink()
        return
    os.close(create(to))  # nobody else gets the name from here on
    try:
        part.replace(to)
    except OSError:
        to.unlink()
        raise


def name_also(path: Path, to: Path) -> None:
    """The same file under a second name, or a copy of it where a file has but one. Raises FileExistsError."""
    try:
        os.link(path, to)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        return
    part = to.with_name(to.name + ".part")
    try:
        copy_file(path, part)
        give_name(part, to)
    finally:
        part.unlink(missing_ok=True)


def copy_file(path: Path, to: Path) -> None:
    """A new file, on disk; in the place of what a killed process left."""
    to.unlink(missing_ok=True)
    with path.open("rb") as source, os.fdopen(create(to), "wb") as into:
        shutil.copyfileobj(source, into, 1 << 20)
        into.flush()
        os.fsync(into.fileno())


def sync_folder(folder: Path) -> None:
    """What was made, renamed and removed in it is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whoever had it before may have removed it, or given it another name."""
    ours = os.fstat(descriptor)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
