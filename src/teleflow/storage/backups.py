"""A backup is made by one process at a time, overwrites nothing, and says which file it was that can't be written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teleflow.errors import Conflict, Invalid
from teleflow.kit.files import locked


@contextmanager
def making(to: Path, companion: Path) -> Iterator[int]:
    """The companion, where it grows, to oneself; its descriptor.

    Raises Conflict BACKUP_EXISTS, BACKUP_RUNNING; Invalid BACKUP_NOT_WRITTEN, also for any OSError in the block.
    """
    try:
        with locked(companion) as descriptor:
            refuse_taken(to)
            yield descriptor
    except BlockingIOError as error:
        raise Conflict(f"Another backup to {to} is under way", code="BACKUP_RUNNING") from error
    except OSError as error:
        raise not_written(to, error.strerror or type(error).__name__) from error


@contextmanager
def written_in(folder: Path | None) -> Iterator[None]:
    """Raises Invalid TEMPORARY_NOT_WRITTEN for any OSError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Invalid(
            f"{folder or tempfile.gettempdir()}: a temporary file can't be written: {reason}",
            code="TEMPORARY_NOT_WRITTEN",
        ) from error


def refuse_taken(to: Path) -> None:
    """Raises Conflict BACKUP_EXISTS; Invalid BACKUP_NOT_WRITTEN for a name that no file can have."""
    try:
        there = to.exists()
    except OSError as error:
        raise not_written(to, error.strerror or type(error).__name__) from error
    if there:
        raise Conflict(f"There is something at {to}: name another file", code="BACKUP_EXISTS")


def not_written(to: Path, reason: str) -> Invalid:
    return Invalid(f"{to} can't be written: {reason}", code="BACKUP_NOT_WRITTEN")
