"""Who is there, and since when not: online lasts for minutes unless it is renewed, and its end is told.

Promises that somebody whose time has run out is offline for everybody within a second.
"""

from __future__ import annotations

from collections.abc import Callable

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.people import People
from teleflow.sandbox.world.records import Person

ONLINE_FOR = 300
SWEEP = 1.0


class Presence:
    """`changed` is the world's: it keeps the person and tells who may know."""

    def __init__(self, clock: Clock, people: People, changed: Callable[[Person, bool], None]) -> None:
        self._clock = clock
        self._people = people
        self._changed = changed
        self._online: set[int] | None = None

    def mark(self, person: Person, *, online: bool) -> None:
        """`account.updateStatus`."""
        now = int(self._clock.time())
        was = person.online_until > now
        person.was_online = now
        person.online_until = now + ONLINE_FOR if online else 0
        if online:
            self._there().add(person.id)
        self._changed(person, was != online)

    def _there(self) -> set[int]:
        """Those who may be online: at first, of a world that was saved, looked for among all."""
        if self._online is None:
            self._online = {person.id for person in self._people if person.online_until}
        return self._online

    def sweep(self) -> int:
        """Let those whose time has run out be offline. Returns how many."""
        now, ended = self._clock.time(), 0
        for each in list(self._there()):
            person = self._people.by_id.get(each)
            if person is None or not person.online_until:
                self._there().discard(each)
            elif person.online_until <= now:
                self._there().discard(each)
                person.was_online, person.online_until = person.online_until, 0
                ended += 1
                self._changed(person, True)
        return ended
