"""Who waits for news of a user's log, and the newest of it, read once for all of them.

The database is the truth and this a bell beside it: whoever is woken reads on from where they are, and looks again
after some seconds though nothing rang, so that nothing depends on a bell being heard.

Promises: however many read one user's log, each part of it that they all reach at one time is read once; from a
number on each event comes once and in order; what is kept at hand is bounded, and let go of with the last reader.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from itertools import islice

from teleflow.kit.clock import loop_time
from teleflow.model.events import LoggedEvent
from teleflow.storage.base import EventStore

TAIL_EVENTS = 1_024  # of one user, that are at hand while somebody reads
TAIL_BYTES = 1024 * 1024
AT_ONCE = 100  # events that one reader is given: as many as are read without a change of thread
_BYTES_AT_ONCE = 256 * 1024
_USERS = 1_000  # whose newest events are at hand; further ones read for themselves
_BELIEVED_S = 4.0  # how long silence of the bell is taken for silence of the log


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


class _Tail:
    """The newest events of one user without a hole, up to `end`; None while nobody has read yet."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.end: int | None = None
        self.reading: asyncio.Future[None] | None = None
        self._events: deque[LoggedEvent] = deque()
        self._bytes = 0
        self._rung = 0
        self._heard: tuple[int, float] | None = None  # at which ring, and when, the end was the log's

    def ring(self) -> None:
        self._rung += 1
        for reader in self.readers:
            reader.ring()

    @property
    def is_newest(self) -> bool:
        return self._heard is not None and self._heard[0] == self._rung and loop_time() - self._heard[1] < _BELIEVED_S

    def reaches(self, number: int) -> bool:
        """Whether what follows this number is at hand, all of it up to `end`."""
        return bool(self._events) and self._events[0].number <= number + 1

    def after(self, number: int) -> list[LoggedEvent]:
        found: list[LoggedEvent] = []
        size = 0
        for event in islice(self._events, number + 1 - self._events[0].number, None):
            found.append(event)
            size += len(event.body)
            if len(found) == AT_ONCE or size >= _BYTES_AT_ONCE:
                break
        return found

    def begin(self) -> int:
        """Before a read: what `grew` is to be told."""
        return self._rung

    def grew(self, since: int, after: int, found: list[LoggedEvent]) -> None:
        """What was read after this number. It was all, unless it was as much as one may read at once."""
        if after != self.end or (found and found[0].number != after + 1):  # not where we were, or the log was cut
            self._events.clear()
            self._bytes = 0
        self._events.extend(found)
        self._bytes += sum(len(event.body) for event in found)
        while len(self._events) > TAIL_EVENTS or (self._bytes > TAIL_BYTES and len(self._events) > 1):
            self._bytes -= len(self._events.popleft().body)
        self.end = found[-1].number if found else after
        self._heard = (since, loop_time()) if len(found) < AT_ONCE else None


class Hub:
    """All readers of this node. `listen` is for those who want to hear of every user's."""

    def __init__(self, storage: EventStore) -> None:
        self._storage = storage
        self._tails: OrderedDict[str, _Tail] = OrderedDict()
        self._listeners: list[Callable[[Collection[str]], None]] = []
        storage.on_append(self._ring)

    def listen(self, ring: Callable[[Collection[str]], None]) -> None:
        self._listeners.append(ring)

    def enter(self, user_id: str) -> Reader:
        reader = Reader()
        self._tails.setdefault(user_id, _Tail()).readers.add(reader)
        return reader

    def leave(self, user_id: str, reader: Reader) -> None:
        tail = self._tails.get(user_id)
        if tail is not None:
            tail.readers.discard(reader)
            if not tail.readers:
                del self._tails[user_id]

    def _ring(self, user_ids: Collection[str]) -> None:
        for user_id in user_ids:
            tail = self._tails.get(user_id)
            if tail is not None:
                tail.ring()
        for listener in self._listeners:
            listener(user_ids)

    async def after(self, user_id: str, number: int) -> list[LoggedEvent]:
        """The next events past this number, some hundred at most; empty when there are none."""
        tail = self._tails.get(user_id)
        if tail is None or (tail.end is None and len(self._tails) > _USERS):
            return await self._read(user_id, number)
        if tail.end is None or number > tail.end or (number == tail.end and not tail.is_newest):
            found = await self._grow(user_id, tail, number)
            if found is not None:
                return found
        if number == tail.end:
            return []
        return tail.after(number) if tail.reaches(number) else await self._read(user_id, number)

    async def _grow(self, user_id: str, tail: _Tail, number: int) -> list[LoggedEvent] | None:
        """Read on from this number, for whoever asks meanwhile too; None when somebody else did that for us."""
        while tail.reading is not None:
            await asyncio.shield(tail.reading)
            if tail.end is not None and (number < tail.end or (number == tail.end and tail.is_newest)):
                return None
        tail.reading = asyncio.get_running_loop().create_future()
        try:
            since = tail.begin()
            found = await self._read(user_id, number)
            if len(found) < AT_ONCE or number == tail.end:  # whoever is far back must not take the newest from us
                tail.grew(since, number, found)
            return found
        finally:
            tail.reading.set_result(None)
            tail.reading = None

    async def _read(self, user_id: str, number: int) -> list[LoggedEvent]:
        found, _ = await self._storage.events_after(user_id, after=number, limit=AT_ONCE)
        return found
