"""From where keys are used, and how many come at once.

`Places` finds a key that is used from two places; `Storm` turns new connections away when too many come in a
second. Both forget a connection when it closes.
"""

from __future__ import annotations

from collections import deque

from teleflow.kit.clock import Clock
from teleflow.sandbox.transport.connection import Connection


def _host(connection: Connection) -> str:
    return connection.address.rpartition(":")[0]


class Places:
    """The connection on which each key was heard last.

    A client that moves to another network comes from a new place and stays there. Only one that is heard from the
    old place again, while the new connection is open, is two clients.
    """

    def __init__(self) -> None:
        self._last: dict[int, Connection] = {}

    def heard(self, key_id: int, connection: Connection) -> bool:
        """Note it. True when the key is in use at two places."""
        last = self._last.get(key_id)
        if last is connection:
            return False
        self._last[key_id] = connection
        if last is None or not last.open or connection.number > last.number:
            return False
        return _host(last) != _host(connection)

    def left(self, key_id: int, connection: Connection) -> None:
        if self._last.get(key_id) is connection:
            del self._last[key_id]


class Storm:
    """A limit on connections in a second, None for no limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[float] = deque()
        self._turned_away: set[Connection] = set()
        self.limit: int | None = None

    def opened(self, connection: Connection) -> None:
        if self.limit is None:
            return
        now = self._clock.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.limit:
            self._turned_away.add(connection)
        else:
            self._recent.append(now)

    def turns_away(self, connection: Connection) -> bool:
        return bool(self._turned_away) and connection in self._turned_away

    def closed(self, connection: Connection) -> None:
        self._turned_away.discard(connection)
