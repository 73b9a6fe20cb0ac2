"""One-time tickets, as they are stored."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.tickets import StreamTicket


class TicketStore(Protocol):
    """A ticket is there until it is taken or has expired."""

    async def add_ticket(self, ticket: StreamTicket, *, now: int, most: int) -> bool:
        """Keep it. False, and no effect, while the user has `most` that nobody took and that have not expired."""

    async def take_ticket(self, hash_: str, *, now: int) -> StreamTicket | None:
        """Take it away: of all who try at one time, one gets it. None when it is unknown, taken or expired."""
