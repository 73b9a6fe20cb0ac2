"""Tickets with which a login is carried over to another data centre: good once, there, and for a few minutes."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from teleflow.kit.clock import Clock

LIFE = 300.0
MOST = 10_000


class Ticket(NamedTuple):
    person: int
    key_id: int
    dc: int
    expires: float


class Tickets:
    """Outstanding ones, oldest first; only in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[bytes, Ticket] = {}

    def issue(self, person: int, key_id: int, dc: int) -> bytes:
        now = self._clock.time()
        for each, ticket in list(self._issued.items()):
            if ticket.expires > now and len(self._issued) < MOST:
                break
            del self._issued[each]
        secret = secrets.token_bytes(128)
        self._issued[secret] = Ticket(person, key_id, dc, now + LIFE)
        return secret

    def redeem(self, secret: bytes, dc: int) -> Ticket | None:
        """None for what was never issued, is over, or is for somewhere else."""
        ticket = self._issued.pop(secret, None)
        if ticket is None or ticket.dc != dc or ticket.expires <= self._clock.time():
            return None
        return ticket
