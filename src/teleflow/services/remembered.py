"""Sessions that were read a moment ago. What a change of them does to a call may come a second late, and no later."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from teleflow.kit.clock import Clock
from teleflow.model.sessions import Session

K = TypeVar("K")
_FRESH_S = 1.0
_MOST = 20_000


class Remembered(Generic[K]):
    """By a key that says whose they are: no two callers share an entry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[K, tuple[Session, float]] = OrderedDict()

    def recall(self, key: K) -> Session | None:
        known = self._kept.get(key)
        return known[0] if known is not None and self._clock.monotonic() - known[1] < _FRESH_S else None

    def keep(self, key: K, session: Session) -> None:
        self._kept[key] = (session, self._clock.monotonic())
        self._kept.move_to_end(key)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
