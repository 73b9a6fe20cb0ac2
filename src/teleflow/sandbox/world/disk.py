"""Where the bytes of files are: a directory, of the state or a passing one. Nothing of them stays in memory.

Promises that reading a piece costs one system call and that few files are open at a time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

OPEN_FILES = 64


class Disk:
    """Files by name. Without a directory of its own it makes a passing one when it first needs it."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._passing: Callable[[], object] | None = None
        self._open: OrderedDict[str, int] = OrderedDict()

    def use(self, directory: Path) -> None:
        """Keep everything there from now on."""
        self.close()
        self._directory = directory

    def path(self, name: str) -> Path:
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="sandbox-files-"))
            # gone with this object, also when nobody closes it
            self._passing = weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        elif not self._directory.exists():
            self._directory.mkdir(parents=True, mode=0o700)
        return self._directory / name

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A piece; shorter at the end, empty after it or when the file is gone."""
        descriptor = self._open.get(name)
        if descriptor is None:
            try:
                descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
            self._open[name] = descriptor
            if len(self._open) > OPEN_FILES:
                os.close(self._open.popitem(last=False)[1])
        else:
            self._open.move_to_end(name)
        return os.pread(descriptor, length, offset)

    def write(self, name: str, data: bytes, offset: int) -> None:
        """Put a piece into a file, which is made when it is not there."""
        descriptor = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
        finally:
            os.close(descriptor)

    def link(self, name: str, new: str) -> None:
        """A second name for the same bytes."""
        os.link(self.path(name), self.path(new))

    def remove(self, name: str) -> None:
        descriptor = self._open.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)
        self.path(name).unlink(missing_ok=True)

    def sweep(self, wanted: set[str]) -> None:
        """Remove what nobody knows of any more."""
        if self._directory is not None and self._directory.exists():
            for each in self._directory.iterdir():
                if each.name not in wanted:
                    self.remove(each.name)

    def close(self) -> None:
        """Let go of everything; what was passing is gone."""
        while self._open:
            os.close(self._open.popitem()[1])
        if self._passing is not None:
            self._passing()
            self._directory = self._passing = None
