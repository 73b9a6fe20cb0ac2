"""Delays between tries, as data."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FullJitter:
    """Exponential back-off with full jitter: each delay is uniform between `floor` and the rising bound.

    `first` and `most` are the bounds of the first and of the latest delays, in seconds. Full jitter spreads
    many clients that lost the same server at the same instant.
    """

    first: float = 1.0
    most: float = 60.0
    floor: float = 0.05

    def delay(self, attempt: int, chance: random.Random) -> float:
        """Seconds to wait before try number `attempt` (0 is the first try after a failure)."""
        bound = min(self.most, self.first * 2.0 ** min(attempt, 16))
        return self.floor + chance.random() * max(0.0, bound - self.floor)
