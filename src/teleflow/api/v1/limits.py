"""How many requests a user, a key or an unknown caller may make in a window.

A sliding window: what is left of the window before counts in proportion, so that no moment lets twice as many
through. A refused request is not counted. In memory, bounded, by a monotonic clock that is handed in.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from teleflow.api.errors import Headers
from teleflow.api.facts import Facts
from teleflow.errors import Limited
from teleflow.kit.clock import Clock
from teleflow.services.logins import LiveLogin

MOST_COUNTED = 50_000
_BROWSER = 20  # times as much: a person who looks at a list asks for a picture in each line


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands. `reset` and `wait` in seconds; `wait` is 0 when the request may pass."""

    limit: int
    remaining: int
    reset: float
    wait: float

    def headers(self) -> Headers:
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % math.ceil(self.reset)),
        ]


class Windows:
    """Counts by name. `window` in seconds."""

    def __init__(self, window: float, clock: Clock) -> None:
        self._window = window
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()  # window, in it, in the one before

    def take(self, names: Sequence[tuple[str, int]]) -> Standing:
        """Count one request under each name and its limit, or, when one is used up, under none: the tightest."""
        now = self._clock.monotonic() / self._window
        standings = [self._standing(name, limit, now) for name, limit in names]
        worst = max(standings, key=lambda standing: standing.wait)
        if worst.wait > 0:
            return worst
        for name, _ in names:
            self._add(name, int(now))
        tightest = min(standings, key=lambda standing: standing.remaining)
        return Standing(tightest.limit, tightest.remaining - 1, tightest.reset, 0.0)

    def _standing(self, name: str, limit: int, now: float) -> Standing:
        current, before = self._read(name, int(now))
        passed = now - int(now)
        room = limit - (current + before * (1 - passed))
        reset = (1 - passed) * self._window
        if room >= 1:
            return Standing(limit, int(room), reset, 0.0)
        if current < limit:  # enough of the window before must go by
            wait = 1 - (limit - 1 - current) / before - passed
        else:  # and then enough of this one
            wait = 1 - passed + 1 - (limit - 1) / current
        return Standing(limit, 0, reset, max(wait, 0.001) * self._window)

    def _read(self, name: str, window: int) -> tuple[int, int]:
        at, current, before = self._counts.get(name, (window, 0, 0))
        if at == window:
            return current, before
        return 0, current if at == window - 1 else 0

    def _add(self, name: str, window: int) -> None:
        current, before = self._read(name, window)
        self._counts[name] = window, current + 1, before
        self._counts.move_to_end(name)
        if len(self._counts) > MOST_COUNTED:
            self._counts.popitem(last=False)


class Limits:
    """The rule: `most` requests a window for a user in all, a key within its own, an address that proves nobody."""

    def __init__(self, most: int, window: float, clock: Clock) -> None:
        self._most = most
        self._windows = Windows(window, clock)

    def count(self, facts: Facts, login: LiveLogin | None) -> None:
        """Tell the caller how they stand. Raises Limited."""
        names: list[tuple[str, int]] = []
        if login is None:
            names = [(f"address {facts.address}", self._most)] if self._most else []
        else:
            if self._most and facts.by_browser:
                names.append((f"browser {login.principal.user_id}", self._most * _BROWSER))
            elif self._most:
                names.append((login.principal.user_id, self._most))
            if login.rate_limit is not None:
                names.append((login.principal.key_id or "", login.rate_limit))
        if not names:
            return
        standing = self._windows.take(names)
        facts.told.extend(standing.headers())
        if standing.wait > 0:
            raise Limited("Too many requests", code="TOO_MANY_REQUESTS", retry_after=standing.wait)
