"""One queue for each chat of a session, by whatever names the chat is known.

Sends to one chat go one after the other. A chat may be named in several ways before anybody knows that they are one:
the lane is found by the marked id and by the ref, and takes on the id once that is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from teleflow.outbox.tickets import Ticket

Key = tuple[str, int | str]


class Lane:
    """The tickets of one chat, in the order of their acceptance."""

    __slots__ = ("keys", "tickets")

    def __init__(self, keys: set[Key]) -> None:
        self.keys = keys
        self.tickets: deque[Ticket] = deque()

    def __len__(self) -> int:
        return len(self.tickets)


class Lanes:
    """The lanes that are not empty."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Lane] = {}

    def standing(self, session_id: str, chat: str, chat_id: int | None) -> Lane | None:
        """The lane of this chat where there is one. By the name first: who used it before is ahead of us."""
        lane = self._by_key.get((session_id, chat))
        if lane is None and chat_id is not None:
            lane = self._by_key.get((session_id, chat_id))
        return lane

    def enter(self, ticket: Ticket) -> Lane | None:
        """Put the ticket at the end of its lane; the lane when it is new and has to be worked."""
        job = ticket.job
        lane = self.standing(job.session_id, job.chat, job.chat_id)
        new = lane is None
        if lane is None:
            lane = Lane(set())
        self._name(lane, job.session_id, job.chat)
        if job.chat_id is not None:
            self._name(lane, job.session_id, job.chat_id)
        lane.tickets.append(ticket)
        return lane if new else None

    def resolved(self, ticket: Ticket, chat_id: int) -> None:
        """The chat of this ticket turned out to have this id."""
        lane = self._by_key.get((ticket.job.session_id, ticket.job.chat))
        if lane is not None:
            self._name(lane, ticket.job.session_id, chat_id)

    def close(self, lane: Lane) -> Iterable[Ticket]:
        """The lane is done; what is left in it."""
        for key in lane.keys:
            if self._by_key.get(key) is lane:
                del self._by_key[key]
        return lane.tickets

    def _name(self, lane: Lane, session_id: str, name: int | str) -> None:
        key = (session_id, name)
        if self._by_key.setdefault(key, lane) is lane:
            lane.keys.add(key)
