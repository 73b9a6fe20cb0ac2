"""How late an event loop is, sampled from inside and readable from outside, also after a kill -9.

The histogram is a shared mapping of a file: writing it costs nothing, and it stays when the process dies. A loop
that was blocked missed samples meanwhile; they are counted too, as late as they would have been.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
from pathlib import Path

STEP = 0.00025
BUCKETS = 8192
_U64 = struct.Struct("<Q")


class LagSampler:
    """Runs in the process that is watched."""

    def __init__(self, path: Path, every: float) -> None:
        if not path.exists():
            path.write_bytes(bytes(BUCKETS * 8))
        with path.open("r+b") as file:
            self._counts = mmap.mmap(file.fileno(), BUCKETS * 8)
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._due = 0.0

    def start(self) -> None:
        self._due = self._loop.time() + self._every
        self._loop.call_at(self._due, self._sample)

    def _sample(self) -> None:
        now = self._loop.time()
        late = max(0.0, now - self._due)
        while True:
            self._count(late)
            late -= self._every
            if late <= self._every:
                break
        self._due = now + self._every
        self._loop.call_at(self._due, self._sample)

    def _count(self, late: float) -> None:
        offset = min(int(late / STEP), BUCKETS - 1) * 8
        _U64.pack_into(self._counts, offset, _U64.unpack_from(self._counts, offset)[0] + 1)


class Lag:
    """Read side: what was sampled since `mark`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = [0] * BUCKETS

    def mark(self) -> None:
        self._before = self._read()

    def _read(self) -> list[int]:
        if not self._path.exists():
            return [0] * BUCKETS
        return [value for (value,) in _U64.iter_unpack(self._path.read_bytes())]

    def _counts(self) -> list[int]:
        return [now - before for now, before in zip(self._read(), self._before, strict=True)]

    @property
    def samples(self) -> int:
        return sum(self._counts())

    def quantile_ms(self, share: float) -> float:
        """The upper edge of the bucket in which this share of the samples is reached."""
        counts = self._counts()
        wanted = share * sum(counts)
        seen = 0
        for bucket, count in enumerate(counts):
            seen += count
            if count and seen >= wanted:
                return (bucket + 1) * STEP * 1000
        return 0.0

    def most_ms(self) -> float:
        return self.quantile_ms(1.0)
