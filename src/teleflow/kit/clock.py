"""Time as a thing that is handed in, so that a test can own it.

Nothing else in the package reads the clock of the machine (``tests/arch`` checks it).
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the program knows of time."""

    def time(self) -> float:
        """Seconds since the Unix epoch. May jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when it is zero or less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class LoopClock:
    """The running event loop's clock, told as wall time from `epoch` on.

    Under a loop whose time is virtual, everything that uses this clock lives in virtual time.
    """

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch
        self._start: float | None = None

    def time(self) -> float:
        return self._epoch + self.monotonic()

    def monotonic(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        return now - self._start

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def loop_time() -> float:
    """The running event loop's own clock, in seconds: what its timers go by. Only for deadlines in this process."""
    return asyncio.get_running_loop().time()


def milliseconds(seconds: float) -> int:
    """Unix milliseconds: the one form in which instants are stored."""
    return int(seconds * 1000)
