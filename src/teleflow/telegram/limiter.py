"""How fast this process may open connections to Telegram, all sessions together."""

from __future__ import annotations

import asyncio

from teleflow.kit.clock import loop_time


class ConnectLimiter:
    """Hands out turns in the order of asking, each at least `1 / per_second` after the one before. 0 is no limit.

    The gap counts from when the one before really went: a loop that was held up makes nobody go in a bunch.
    """

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second if per_second > 0 else 0.0
        self._next = 0.0
        self._door = asyncio.Lock()

    async def turn(self) -> None:
        if not self._gap:
            return
        async with self._door:
            wait = self._next - loop_time()
            if wait > 0:
                await asyncio.sleep(wait)
            self._next = loop_time() + self._gap
