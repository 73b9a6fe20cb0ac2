"""How much each user may download: bytes of a day, and downloads at once.

Counted in this process's memory, for calendar days in UTC: a restart begins the day anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from teleflow.errors import Limited
from teleflow.kit.clock import Clock

_DAY_S = 86_400


class Allowance:
    """`per_day` in bytes, 0 is no limit; `at_once` downloads."""

    def __init__(self, clock: Clock, *, per_day: int, at_once: int) -> None:
        self._clock = clock
        self._per_day = per_day
        self._at_once = at_once
        self._day = 0
        self._taken: Counter[str] = Counter()
        self._open: Counter[str] = Counter()

    @contextmanager
    def downloading(self, user_id: str) -> Iterator[None]:
        """A place among the downloads of this user. Raises Limited(TOO_MANY_DOWNLOADS)."""
        if self._open[user_id] >= self._at_once:
            message = f"A user may have {self._at_once} downloads at once"
            raise Limited(message, code="TOO_MANY_DOWNLOADS", retry_after=2)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    def take(self, user_id: str, size: int) -> None:
        """Set these bytes aside before they are fetched. Raises Limited(DOWNLOAD_QUOTA)."""
        self._turn()
        if self._per_day and self._taken[user_id] + size > self._per_day:
            left = _DAY_S - self._clock.time() % _DAY_S
            message = f"A user may download {self._per_day} bytes a day"
            details = {"limit": self._per_day, "used": self._taken[user_id]}
            raise Limited(message, code="DOWNLOAD_QUOTA", retry_after=int(left) + 1, details=details)
        self._taken[user_id] += size

    def give_back(self, user_id: str, size: int) -> None:
        """What was set aside and not fetched."""
        self._turn()
        self._taken[user_id] = max(0, self._taken[user_id] - size)

    def _turn(self) -> None:
        day = int(self._clock.time() // _DAY_S)
        if day != self._day:
            self._day = day
            self._taken.clear()
