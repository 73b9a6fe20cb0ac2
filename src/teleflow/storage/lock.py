"""One service for one data directory.

Held for as long as the process lives: the kernel lets go of it when the process ends, however it ends.
Commands that only write a row do not take it; the database serves several processes well. Some have it for a moment,
and whoever looks whether it is held shares it for an instant: a service that starts just then waits for them.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from teleflow.errors import InUse, SettingsError
from teleflow.kit.clock import Clock, loop_time
from teleflow.kit.files import make_folder, open_or_create

PATIENCE_S = 3.0
_AGAIN_S = 0.05


class DataDirLock:
    """Taken by `acquire` (or `with`), freed by `release`. Makes the directory when it is not there."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises InUse when another process has it, SettingsError when the directory can't be used."""
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
            raise InUse(
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

    async def take(self, clock: Clock) -> None:
        """As `acquire`, for whom `PATIENCE_S` is not too long to wait for whoever has it for a moment only."""
        until = loop_time() + PATIENCE_S
        while True:
            try:
                self.acquire()
            except SettingsError as error:
                if not isinstance(error.__cause__, BlockingIOError) or loop_time() >= until:
                    raise
            else:
                return
            await clock.sleep(_AGAIN_S)

    def is_held(self) -> bool:
        """Whether another one has it to himself. Makes nothing. Raises SettingsError."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise SettingsError(f"TELEFLOW_DATA_DIR: the directory can't be used: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError as error:
            raise SettingsError(f"TELEFLOW_DATA_DIR: the directory can't be locked: {error.strerror}") from error
        finally:
            os.close(descriptor)
        return False

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
