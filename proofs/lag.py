"""How late an event loop is, sampled from inside and readable from outside, also after a kill -9.

Two histograms: as late as it was, and without the time in which the process waited for a core that others had.
They are shared mappings of a file: writing costs nothing, and they stay when the process dies. A loop that was
blocked missed samples meanwhile; they are counted too, as late as they would have been.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import struct
from pathlib import Path

STEP = 0.00025
BUCKETS = 8192
SIZE = BUCKETS * 8
_U64 = struct.Struct("<Q")
_LOOK_FOR_THREADS_EVERY = 100


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
    """How long the threads of this process were ready to run and had no core, as the kernel counts it."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._ticks = 0

    def since_last(self) -> float:
        if self._ticks % _LOOK_FOR_THREADS_EVERY == 0:
            self._find_threads()
        self._ticks += 1
        waited = 0
        for thread, file in list(self._files.items()):
            try:
                now = int(os.pread(file, 64, 0).split()[1])
            except OSError:  # it has ended
                os.close(self._files.pop(thread))
                continue
            waited += now - self._before.get(thread, now)
            self._before[thread] = now
        return waited / 1e9

    def _find_threads(self) -> None:
        for thread in os.listdir("/proc/self/task"):
            if thread not in self._files:
                with contextlib.suppress(OSError):
                    self._files[thread] = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)


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

        `own`: without the time in which the process had no core.
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
