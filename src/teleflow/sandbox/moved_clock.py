"""The sandbox's own time: the machine's, moved by whatever its owner wishes.

What goes by dates (codes, keys, salts, presence, message ids) lives in it. Waiting is not shortened: a second
lasts a second, and what waits for a date looks again by itself.
"""

from __future__ import annotations

from teleflow.kit.clock import Clock


class MovedClock:
    """`clock`, with dates `offset` seconds ahead of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = 0.0

    def time(self) -> float:
        return self._clock.time() + self.offset

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def set(self, moment: float) -> None:
        """It is `moment` now."""
        self.offset = moment - self._clock.time()
