"""The port of the file cache: whole files by a name that nobody can guess, for as long as there is room.

It is a cache: what is not there is fetched again, and trouble with it is logged and never told to callers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol


class Blob(Protocol):
    """A file that is kept."""

    def read(self, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `first` to `last`, both included. Raises Unavailable(CACHE_BROKEN)."""
        ...


class Keeping(Protocol):
    """A file on its way into the cache. Raises nothing: what can't be kept is not."""

    async def add(self, piece: bytes) -> None: ...

    async def done(self) -> None:
        """All of it has come."""

    async def drop(self) -> None:
        """Clean up; without `done`, nothing is kept."""


class Blobs(Protocol):
    """`key` is 64 hexadecimal digits, `size` the file's length in bytes."""

    async def open(self, key: str, size: int) -> Blob | None:
        """What is kept under this key, if it is whole."""
        ...

    async def keep(self, key: str, size: int) -> Keeping | None:
        """Begin to keep a file; None when there is no room for it, or it is being kept already."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class NoBlobs:
    """Nothing is kept."""

    async def open(self, key: str, size: int) -> None:  # noqa: ARG002 - the port's shape
        return None

    async def keep(self, key: str, size: int) -> None:  # noqa: ARG002
        return None

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None
