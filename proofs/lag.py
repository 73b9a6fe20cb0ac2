"""How late an event loop is, sampled from inside and readable from outside, also after a kill -9.

Two histograms: as late as it was, and without the time in which its thread waited for a core that others had.
They are shared mappings of a file: writing costs nothing, and they stay when the process dies. A loop that was
blocked missed samples meanwhile; they are counted too, as late as they would have been.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import threading
from pathlib import Path

STEP = 0.00025
BUCKETS = 8192
SIZE = BUCKETS * 8
_U64 = struct.Struct("<Q")


class LagSampler:
    """Runs in the process that is watched."""

    def __init__(self, path: Path, every: float) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * SIZE))
        with path.open("r+b") as file:
            self._counts = mmap.mmap(file.fileno(), 2 * SIZE)
        self._every = every
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._waits = CoreWaits()

    def start(self) -> None:
        self._waits.since_last()
        self._due = self._loop.time() + self._every
        self._loop.call_at(self._due, self._sample)

    def _sample(self) -> None:
        now = self._loop.time()
        late = max(0.0, now - self._due)
        self._count(0, late)
        self._count(SIZE, max(0.0, late - self._waits.since_last()))
        self._due = self._loop.time() + self._every
        self._loop.call_at(self._due, self._sample)

    def _count(self, start: int, late: float) -> None:
        while True:
            offset = start + min(int(late / STEP), BUCKETS - 1) * 8
            _U64.pack_into(self._counts, offset, _U64.unpack_from(self._counts, offset)[0] + 1)
            late -= self._every
            if late <= self._every:
                return


class CoreWaits:
    """How long the loop's thread was ready to run and had no core, as the kernel counts it."""

    def __init__(self) -> None:
        self._file = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        self._before = 0

    def since_last(self) -> float:
        now = int(os.pread(self._file, 64, 0).split()[1])
        waited, self._before = now - self._before, now
        return waited / 1e9


class Lag:
    """Read side: what was sampled since `mark`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = [0] * (2 * BUCKETS)

    def mark(self) -> None:
        self._before = self._read()

    def _read(self) -> list[int]:
        if not self._path.exists():
            return [0] * (2 * BUCKETS)
        return [value for (value,) in _U64.iter_unpack(self._path.read_bytes())]

    def quantile_ms(self, share: float, *, own: bool = True) -> float:
        """The upper edge of the bucket in which this share of the samples is reached.

        `own`: without the time in which the loop's thread had no core.
        """
        part = slice(BUCKETS, 2 * BUCKETS) if own else slice(0, BUCKETS)
        counts = [now - before for now, before in zip(self._read()[part], self._before[part], strict=True)]
        wanted = share * sum(counts)
        seen = 0
        for bucket, count in enumerate(counts):
            seen += count
            if count and seen >= wanted:
                return (bucket + 1) * STEP * 1000
        return 0.0
