"""The event log, and where sessions stand in Telegram's updates, as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from teleflow.model.events import EventFilter, LoggedEvent, NewEvent
from teleflow.model.updates import BoxPosition, Face


@dataclass(frozen=True, slots=True)
class LogEnds:
    """`oldest` is the number of the oldest event that is still there, `newest` of the last one; 0, 0 in an empty log.

    After a purge of everything `oldest` is one more than `newest`.
    """

    oldest: int
    newest: int


class EventStore(Protocol):
    """The one way into the log is an append; numbers of a user's events have no gaps, and follow the commits."""

    async def append_events(
        self,
        user_id: str,
        events: Sequence[NewEvent],
        *,
        now: int,
        session_id: str | None = None,
        positions: Sequence[BoxPosition] = (),
        faces: Sequence[Face] = (),
    ) -> int | None:
        """Events, the deliveries that webhooks want of them, and the session's new positions: one batch.

        An event whose id the log has already is left out, and nothing of it is done again. How many were new; None,
        and no effect, when the user or the session (where one is named) is gone. A position never goes back.
        """

    async def events_after(
        self, user_id: str, *, after: int, limit: int, wanted: EventFilter | None = None
    ) -> tuple[list[LoggedEvent], int]:
        """The user's events past this number, oldest first, and the number up to which was looked.

        A page may be short of `limit`, or empty, and not the last: it is when what was looked up to is the newest.
        With a filter some ten thousand events are looked at in one call, and no more.
        """

    async def event_number(self, user_id: str, event_id: str) -> int | None:
        """The place of an event in its user's log; None when it is not (or no more) there."""

    async def count_events(self) -> int:
        """How many were put into the logs of all users that there are, what was purged included."""

    async def log_ends(self, user_id: str) -> LogEnds: ...

    async def purge_events(self, *, before: int, most: int) -> int:
        """Remove what was logged before this instant, and of each user what is more than `most`: some hundred at once.

        What a delivery still waits to carry stays.
        """

    async def positions(self, session_id: str) -> list[BoxPosition]:
        """All boxes of a session."""

    async def faces(self, session_id: str) -> list[Face]: ...

    async def forget_positions(self, session_id: str) -> None:
        """The login is another one: its updates begin anew."""

    def on_append(self, ring: Callable[[Collection[str]], None]) -> None:
        """`ring(ids)` is called on the loop after every commit that put events into logs. A bell, no more.

        The ids are the users', and those of the webhooks (and recoveries) that have something to do because of it.
        """
