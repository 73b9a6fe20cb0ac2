"""One endpoint's way out: how much may be under way at once, and when to let it be for a while.

An endpoint that fails and fails is asked less and less (a circuit breaker): after `_TRIPS` failures without a success
it gets one attempt at a time, and after each further failure a longer pause. One success ends that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from teleflow.model.webhooks import Ordering

_TRIPS = 20
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_LONGEST_HOLD_S = 60.0  # because the receiver asked for it; its own delivery waits for as long as it said
NEVER = float("inf")


@dataclass(slots=True)
class Lane:
    """`look_at`: when the storage has to be asked for more (loop time); `flying`: deliveries under way, by id."""

    webhook_id: str
    user_id: str = ""
    ordering: Ordering = Ordering.NONE
    look_at: float = 0.0
    asking: bool = False
    again: bool = False  # something came up while it was being asked for
    flying: set[str] = field(default_factory=set)
    failures: int = 0
    held_until: float = 0.0

    def room(self, most: int) -> int:
        """How many more may leave now."""
        if self.failures >= _TRIPS:
            return 0 if self.flying else 1
        left = most - len(self.flying)
        return left if left * 2 >= most or not self.flying else 0  # not one by one: each asking is a commit

    def succeeded(self) -> None:
        self.failures = 0
        self.held_until = 0.0

    def failed(self, now: float, asked: float | None) -> None:
        """`asked`: seconds that the receiver wants to be left alone."""
        self.failures += 1
        pause = min(asked or 0.0, _LONGEST_HOLD_S)
        if self.failures >= _TRIPS:
            pause = max(pause, min(_FIRST_PAUSE_S * 2.0 ** min(self.failures - _TRIPS, 10), _LONGEST_PAUSE_S))
        if pause:
            self.held_until = max(self.held_until, now + pause)
