"""Who waits for news of a user's log, and the newest of it, read once for all of them.

The database is the truth and this a bell beside it: whoever is woken reads on from where they are, so that nothing
depends on a bell being heard.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection

from teleflow.model.events import LoggedEvent
from teleflow.storage.base import EventStore

_TAIL = 512  # events of one user that are kept at hand
_USERS = 1_000
_READ_AT_ONCE = 500


class Reader:
    """One reader of a user's log. Wait, then read; a ring between the two is not lost."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Until the log has grown, at most so long; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Hub:
    """All readers of this node. `listen` is for those who want to hear of every user's."""

    def __init__(self, storage: EventStore) -> None:
        self._storage = storage
        self._readers: dict[str, set[Reader]] = {}
        self._tails: OrderedDict[str, deque[LoggedEvent]] = OrderedDict()
        self._listeners: list[Callable[[Collection[str]], None]] = []
        storage.on_append(self._ring)

    def listen(self, ring: Callable[[Collection[str]], None]) -> None:
        self._listeners.append(ring)

    def enter(self, user_id: str) -> Reader:
        reader = Reader()
        self._readers.setdefault(user_id, set()).add(reader)
        return reader

    def leave(self, user_id: str, reader: Reader) -> None:
        readers = self._readers.get(user_id)
        if readers is not None:
            readers.discard(reader)
            if not readers:
                del self._readers[user_id]
                self._tails.pop(user_id, None)

    def _ring(self, user_ids: Collection[str]) -> None:
        for user_id in user_ids:
            for reader in self._readers.get(user_id, ()):
                reader.ring()
        for listener in self._listeners:
            listener(user_ids)

    async def after(self, user_id: str, number: int) -> list[LoggedEvent]:
        """The next events past this number, some hundred at most; empty when there are none."""
        tail = self._tails.get(user_id)
        if tail and tail[0].number <= number + 1 <= tail[-1].number:
            return [event for event in tail if event.number > number]
        found, _ = await self._storage.events_after(user_id, after=number, limit=_READ_AT_ONCE)
        if found and user_id in self._readers:
            self._keep(user_id, found)
        return found

    def _keep(self, user_id: str, found: list[LoggedEvent]) -> None:
        tail = self._tails.get(user_id)
        if tail is None:
            tail = self._tails[user_id] = deque(maxlen=_TAIL)
            if len(self._tails) > _USERS:
                self._tails.popitem(last=False)
        if not tail or found[0].number == tail[-1].number + 1:
            tail.extend(found)
        elif found[-1].number > tail[-1].number:  # somebody read past what was at hand: begin there
            tail.clear()
            tail.extend(found)
        self._tails.move_to_end(user_id)
