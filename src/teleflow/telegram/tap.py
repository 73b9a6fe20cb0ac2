"""Where a session's updates go: to a login under way, or to whoever follows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from teleflow.telegram.base import Updates
from teleflow.telegram.mtproto.link import Link
from teleflow.telegram.updates.own import TELLING

_TELLING = frozenset(TELLING)


class Tap:
    """`on_update` is of a login under way, and comes first."""

    __slots__ = ("on_update", "updates")

    def __init__(self) -> None:
        self.on_update: Callable[[memoryview], None] | None = None
        self.updates: Updates | None = None

    def listen(self, link: Link) -> None:
        link.on_answer, link.on_new_session = self._answered, self._begun_anew

    def push(self, body: memoryview) -> None:
        if self.on_update is not None:
            self.on_update(body)
        elif self.updates is not None:
            self.updates.push(body)

    def _answered(self, request: Any, answer: Any) -> None:
        if self.updates is not None and (type(answer) in _TELLING or answer is True):
            self.updates.own(request, answer)

    def _begun_anew(self) -> None:
        if self.updates is not None:
            self.updates.behind()

    def state(self, state: Any) -> None:
        if self.updates is not None:
            self.updates.compare(state)

    def down(self) -> None:
        if self.updates is not None:
            self.updates.down()
