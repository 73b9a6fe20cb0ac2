"""A clock that a test moves by hand."""

from __future__ import annotations

import asyncio
import time


class HandClock:
    """Stands still until `advance` is called."""

    def __init__(self) -> None:
        self._now = float(int(time.time()))
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, in steps, so that what sleeps again within the time is woken again."""
        end = self._now + seconds
        while True:
            due = [moment for moment, _ in self._sleepers if moment <= end]
            self._now = min(due, default=end)
            for entry in [entry for entry in self._sleepers if entry[0] <= self._now]:
                self._sleepers.remove(entry)
                if not entry[1].done():
                    entry[1].set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
            if not due:
                return
