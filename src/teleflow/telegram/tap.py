"""Where a session's updates go: to a login under way, or to whoever follows them.

What comes before somebody follows is held for them, so that nothing is lost between a login and its follower's coming:
so much and no more, and when it is more, all of it is let go, since a follower asks for what it misses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from teleflow.telegram.base import Updates
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.updates.own import TELLING

_TELLING = frozenset(TELLING)
_HELD_ITEMS = 1_024
_HELD_BYTES = 2**20


class Tap:
    """`on_update` is of a login under way, and comes first."""

    __slots__ = ("_bytes", "_held", "_updates", "on_update")

    def __init__(self) -> None:
        self.on_update: Callable[[memoryview], None] | None = None
        self._updates: Updates | None = None
        self._held: deque[bytes | tuple[Any, Any]] = deque()
        self._bytes = 0

    @property
    def updates(self) -> Updates | None:
        """Whoever follows. A new one gets what was held first."""
        return self._updates

    @updates.setter
    def updates(self, follower: Updates | None) -> None:
        self._updates = follower
        held, self._held, self._bytes = self._held, deque(), 0
        if follower is None:
            return
        for item in held:
            if isinstance(item, bytes):
                follower.push(memoryview(item))
            else:
                follower.own(*item)

    def listen(self, link: Link) -> None:
        link.on_answer, link.on_new_session = self._answered, self._begun_anew

    def push(self, body: memoryview) -> None:
        if self.on_update is not None:
            self.on_update(body)
        elif self._updates is not None:
            self._updates.push(body)
        else:
            self._hold(bytes(body), len(body))

    def _answered(self, request: Any, answer: Any) -> None:
        if type(answer) not in _TELLING and answer is not True:
            return
        if self._updates is not None:
            self._updates.own(request, answer)
        elif self.on_update is None:
            self._hold((request, answer), 0)

    def _hold(self, item: bytes | tuple[Any, Any], size: int) -> None:
        self._held.append(item)
        self._bytes += size
        if len(self._held) > _HELD_ITEMS or self._bytes > _HELD_BYTES:
            self._held.clear()
            self._bytes = 0

    def _begun_anew(self) -> None:
        if self._updates is not None:
            self._updates.behind()

    def state(self, state: Any) -> None:
        if self._updates is not None:
            self._updates.compare(state)

    def down(self) -> None:
        if self._updates is not None:
            self._updates.down()
