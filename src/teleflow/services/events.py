"""Reading the event log: a page at a time, or as it grows.

A cursor is the id of an event, or what a page called `nextCursor`. Promises: from a cursor on, each event comes once
and in order; where that can't be promised, because the log no longer goes back so far, it is said.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from teleflow.errors import Conflict, Invalid, Limited
from teleflow.events.hub import Hub, Reader
from teleflow.model.events import EventFilter, LoggedEvent, check_types
from teleflow.model.users import Principal
from teleflow.services.owned import owned_session
from teleflow.storage.base import EventStore, LogEnds, SessionStore

_CURSOR = re.compile(r"c([0-9]{1,18})")
_AT_ONCE = 8  # streams that pass something on in one round of the loop
_EVENT_ID = re.compile(r"evt_[0-9a-f]{30}")


@dataclass(frozen=True, slots=True)
class LogPage:
    """`has_more` is told of what was looked at: a page may be empty and yet have a next one."""

    events: list[LoggedEvent]
    next_cursor: str
    oldest_cursor: str
    has_more: bool


class CursorExpired(Conflict):
    """The log no longer reaches back to the cursor. `oldest` is where it begins now, as a number."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            "The log no longer goes back to this cursor",
            code="CURSOR_EXPIRED",
            details={"oldestCursor": cursor_of(oldest - 1)},
        )
        self.oldest = oldest


def cursor_of(number: int) -> str:
    """The cursor right after the event with this number."""
    return f"c{max(0, number)}"


class Events:
    """See the module."""

    @property
    def open(self) -> int:
        """Streams that somebody follows now."""
        return sum(self._open.values())

    def __init__(self, storage: EventStore, sessions: SessionStore, hub: Hub, *, streams_per_key: int) -> None:
        self._storage = storage
        self._sessions = sessions
        self._hub = hub
        self._most = streams_per_key
        self._open: Counter[str] = Counter()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def wanted(self, principal: Principal, *, types: list[str] | None, session_id: str | None) -> EventFilter:
        """What a caller asks for, within what they may see. Raises Invalid, NotFound(SESSION_NOT_FOUND)."""
        chosen = check_types(["*"] if types is None else types, field="types")
        if session_id is not None:
            await owned_session(self._sessions, principal, session_id)
            return EventFilter(chosen, frozenset({session_id}))
        return EventFilter(chosen, principal.session_ids)

    async def page(self, principal: Principal, wanted: EventFilter, *, after: str | None, limit: int) -> LogPage:
        """Oldest first. Raises Invalid(CURSOR_INVALID), Conflict(CURSOR_EXPIRED)."""
        ends = await self._storage.log_ends(principal.user_id)
        number = await self.place(principal, after, ends) if after is not None else max(0, ends.oldest - 1)
        found, looked = await self._storage.events_after(principal.user_id, after=number, limit=limit, wanted=wanted)
        return LogPage(found, cursor_of(looked), cursor_of(ends.oldest - 1), looked < ends.newest)

    async def place(self, principal: Principal, cursor: str, ends: LogEnds | None = None) -> int:
        """The number that a cursor stands after. Raises Invalid(CURSOR_INVALID), Conflict(CURSOR_EXPIRED)."""
        ends = ends or await self._storage.log_ends(principal.user_id)
        plain = _CURSOR.fullmatch(cursor)
        number: int | None
        if plain is not None:
            number = int(plain.group(1))
        elif _EVENT_ID.fullmatch(cursor):
            number = await self._storage.event_number(principal.user_id, cursor)
        else:
            raise Invalid("This is no cursor of ours", code="CURSOR_INVALID", details={"field": "after"})
        if number is None or number > ends.newest or number < ends.oldest - 1:
            raise CursorExpired(max(1, ends.oldest))
        return number

    async def start(
        self, principal: Principal, *, after: str | None, last_seen: str | None = None
    ) -> int | CursorExpired:
        """Where a stream begins: after what its reader saw last, else after `after`, else now. Raises Invalid.

        A `last_seen` that is no cursor is as good as none: it is the browser's, and the page can't mend it.
        """
        cursor = last_seen or after
        if cursor is not None:
            try:
                return await self.place(principal, cursor)
            except CursorExpired as expired:
                return expired
            except Invalid:
                if after is not None or last_seen is None:
                    raise
        return (await self._storage.log_ends(principal.user_id)).newest

    async def after(self, user_id: str, number: int) -> list[LoggedEvent]:
        """The next ones, whatever they are; empty at the end of the log."""
        return await self._hub.after(user_id, number)

    async def turn(self) -> None:
        """Wait for one's turn to pass on some events: one that wakes hundreds must not keep the loop from others."""
        async with self._turns:
            await asyncio.sleep(0)  # whoever comes meanwhile waits until the loop has gone round

    @contextmanager
    def reading(self, principal: Principal) -> Iterator[Reader]:
        """A place among those who follow. Raises Limited where the key has as many streams as it may."""
        holder = principal.key_id or principal.login_id or principal.user_id
        if self._open[holder] >= self._most:
            raise Limited(f"A key may have {self._most} streams open", code="TOO_MANY_STREAMS", retry_after=5)
        self._open[holder] += 1
        reader = self._hub.enter(principal.user_id)
        try:
            yield reader
        finally:
            self._hub.leave(principal.user_id, reader)
            self._open[holder] -= 1
            if not self._open[holder]:
                del self._open[holder]
