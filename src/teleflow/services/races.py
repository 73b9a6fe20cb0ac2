"""Parallel uses of one refresh token, inside this process.

The storage decides between processes, by instants taken before its commit. Inside one process we can say it
exactly: whoever arrived before the winner's commit was known to be done has lost a race, and harms nothing.
"""

from __future__ import annotations

import math
from collections import OrderedDict

MOST_RACES = 10_000


class RefreshRaces:
    """Which tokens are being traded now, and until when others may have raced for them."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def enter(self, token_hash: str, arrived_at: float) -> bool:
        """False when somebody else was trading this token when the caller arrived (Unix seconds)."""
        if arrived_at <= self._until.get(token_hash, -math.inf):
            return False
        self._until[token_hash] = math.inf
        self._until.move_to_end(token_hash)
        if len(self._until) > MOST_RACES:
            self._until.popitem(last=False)
        return True

    def decided(self, token_hash: str, now: float) -> None:
        if token_hash in self._until:
            self._until[token_hash] = now
