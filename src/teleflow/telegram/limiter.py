"""How fast this process may open connections to Telegram, all sessions together."""

from __future__ import annotations

import asyncio

from teleflow.kit.clock import loop_time


class ConnectLimiter:
    """Hands out turns at an even rate, in the order of asking. `per_second` 0 is no limit."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second if per_second > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        if not self._gap:
            return
        now = loop_time()
        mine = max(now, self._next)
        self._next = mine + self._gap
        if mine > now:
            await asyncio.sleep(mine - now)
