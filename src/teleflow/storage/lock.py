"""One service for one data directory.

Held for as long as the process lives: the kernel lets go of it when the process ends, however it ends.
Commands that only write a row do not take it; the database serves several processes well.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from teleflow.errors import SettingsError
from teleflow.kit.files import make_folder, open_or_create


class DataDirLock:
    """Taken by `acquire` (or `with`), freed by `release`. Makes the directory when it is not there."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises SettingsError when another process has it, or the directory can't be used."""
        if self._descriptor is not None:
            return
        try:
            make_folder(self._path.parent)
            descriptor = open_or_create(self._path)
        except OSError as error:
            raise SettingsError(f"TELEFLOW_DATA_DIR: the directory can't be used: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise SettingsError(
                "TELEFLOW_DATA_DIR: another TeleFlow is running on this directory"
                + (f" (process {holder})" if holder.isdigit() else "")
                + ": stop it, or name another directory"
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise SettingsError(f"TELEFLOW_DATA_DIR: the directory can't be locked: {error.strerror}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)  # the file stays: removing it would let two processes lock two files

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
