"""One-time tickets for streams: made by whoever is proven, good for one stream within half a minute.

Promises: a ticket opens one stream and no more; the stream sees what the ticket's maker sees, within the ticket's own
filter, and ends with what proved them.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.errors import Limited, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.tickets import LIFE_S, StreamTicket, may_be_a_ticket, new_ticket, ticket_hash
from teleflow.model.users import Principal
from teleflow.services.events import Events
from teleflow.services.logins import LiveLogin, LiveLogins
from teleflow.storage.base import TicketStore

MOST = 100  # of a user, that nobody took yet


@dataclass(frozen=True, slots=True, repr=False)
class MadeTicket:
    """`expires_at` in Unix milliseconds."""

    ticket: str
    expires_at: int


class Tickets:
    """See the module."""

    def __init__(self, storage: TicketStore, logins: LiveLogins, events: Events, clock: Clock) -> None:
        self._storage = storage
        self._logins = logins
        self._events = events
        self._clock = clock

    async def make(
        self, principal: Principal, *, types: list[str] | None, session_id: str | None, until: int | None
    ) -> MadeTicket:
        """`until`: when what proves the principal ends by itself (Unix ms). Raises Invalid, NotFound, Limited."""
        wanted = await self._events.wanted(principal, types=types, session_id=session_id)
        secret, now = new_ticket(), milliseconds(self._clock.time())
        ticket = StreamTicket(
            ticket_hash(secret),
            principal.user_id,
            principal.login_id or "",
            wanted.types,
            session_id,
            until,
            now + LIFE_S * 1000,
        )
        if not await self._storage.add_ticket(ticket, now=now, most=MOST):
            raise Limited(f"{MOST} tickets wait to be used", code="TOO_MANY_TICKETS", retry_after=LIFE_S)
        return MadeTicket(secret, ticket.expires_at)

    async def take(self, given: str) -> tuple[StreamTicket, LiveLogin]:
        """The ticket, which is spent now, and whose it is. Raises Unauthenticated."""
        ticket = None
        if may_be_a_ticket(given):
            now = milliseconds(self._clock.time())
            ticket = await self._storage.take_ticket(ticket_hash(given), now=now)
        if ticket is None:
            raise Unauthenticated("This ticket is unknown, used or too old", code="TICKET_INVALID")
        return ticket, await self.still(ticket)

    async def still(self, ticket: StreamTicket) -> LiveLogin:
        """Whose ticket it was, as they are now. Raises Unauthenticated."""
        login = await self._logins.get(ticket.login_id)
        ended = ticket.until is not None and ticket.until <= milliseconds(self._clock.time())
        if login is None or ended or login.principal.user_id != ticket.user_id:
            raise Unauthenticated("What this ticket was made with has ended", code="TICKET_INVALID")
        return login
