"""Server salts: a new one each half hour, each good for an hour.

They are computed from a secret, so they need no memory and survive a restart. `spoil` makes every salt of a key
invalid at once.
"""

from __future__ import annotations

import hmac

from teleflow.sandbox.mtproto.keys import AuthKey

PERIOD = 1800
"""Seconds between two salts of a key."""


class Salts:
    """Salts of all keys."""

    def __init__(self, secret: bytes, period: int = PERIOD) -> None:
        self._secret = secret
        self._spoilt: dict[int, int] = {}
        self._known: dict[int, tuple[int, int, int]] = {}  # key -> window, its salt, the salt before
        self.period = period

    def _salt(self, key_id: int, window: int) -> int:
        text = b"%d:%d:%d" % (key_id, window, self._spoilt.get(key_id, 0))
        return int.from_bytes(hmac.digest(self._secret, text, "sha256")[:8], "little", signed=True)

    def current(self, key: AuthKey, now: float) -> int:
        """The salt that a client should use now (signed, as on the wire)."""
        return self._of_now(key.key_id, int(now) // self.period)[1]

    def _of_now(self, key_id: int, window: int) -> tuple[int, int, int]:
        known = self._known.get(key_id)
        if known is None or known[0] != window:
            known = (window, self._salt(key_id, window), self._salt(key_id, window - 1))
            self._known[key_id] = known
        return known

    def valid(self, key: AuthKey, salt: int, now: float) -> bool:
        """Whether a message with this salt is accepted now."""
        if salt in self._of_now(key.key_id, int(now) // self.period)[1:]:
            return True
        fresh = now < key.created_at + self.period and key.key_id not in self._spoilt
        return fresh and salt == key.first_salt

    def future(self, key: AuthKey, now: float, count: int) -> list[tuple[int, int, int]]:
        """`(valid since, valid until, salt)` of the current and the next salts, at most 64."""
        first = int(now) // self.period
        return [
            (window * self.period, (window + 2) * self.period, self._salt(key.key_id, window))
            for window in range(first, first + max(1, min(count, 64)))
        ]

    def spoil(self, key_id: int) -> None:
        """From now on every salt that the key's clients know is wrong."""
        self._spoilt[key_id] = self._spoilt.get(key_id, 0) + 1
        self._known.pop(key_id, None)

    def forget(self, key_id: int) -> None:
        """The key is gone."""
        self._spoilt.pop(key_id, None)
        self._known.pop(key_id, None)
