"""How much each user may download: bytes of a day, and downloads at once.

Counted in this process's memory, for calendar days in UTC: a restart begins the day anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from teleflow.errors import Limited
from teleflow.kit.clock import Clock

_DAY_S = 86_400


class Places:
    """How many things of one kind each user may have under way at once. `code` is what is told when it is too many."""

    def __init__(self, most: int, *, code: str, what: str) -> None:
        self._most = most
        self._code = code
        self._what = what
        self._open: Counter[str] = Counter()

    @contextmanager
    def taken(self, user_id: str) -> Iterator[None]:
        """Raises Limited."""
        if self._open[user_id] >= self._most:
            raise Limited(f"A user may have {self._most} {self._what} at once", code=self._code, retry_after=2)
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]


class Allowance:
    """`per_day` in bytes, 0 is no limit; `at_once` downloads."""

    def __init__(self, clock: Clock, *, per_day: int, at_once: int) -> None:
        self._clock = clock
        self._per_day = per_day
        self._day = 0
        self._taken: Counter[str] = Counter()
        self._places = Places(at_once, code="TOO_MANY_DOWNLOADS", what="downloads")

    def downloading(self, user_id: str) -> AbstractContextManager[None]:
        """A place among the downloads of this user. Raises Limited(TOO_MANY_DOWNLOADS)."""
        return self._places.taken(user_id)

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
