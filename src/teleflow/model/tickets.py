"""One-time tickets: what opens a stream where no header can be set, as from a browser."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

LIFE_S = 30
_FORM = re.compile(r"tkt_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class StreamTicket:
    """A ticket as we keep it: its SHA-256 (hex), never itself. Instants are Unix milliseconds.

    It speaks for the login or key `login_id`, within `types` (as they were asked for) and `session_id` (None: all that
    its maker sees). `until` is when what proved the maker ends by itself, None where only its row tells.
    """

    hash: str
    user_id: str
    login_id: str
    types: frozenset[str]
    session_id: str | None
    until: int | None
    expires_at: int


def new_ticket() -> str:
    """``tkt_`` and 256 random bits."""
    return f"tkt_{secrets.token_urlsafe(32)}"


def may_be_a_ticket(given: str) -> bool:
    return _FORM.fullmatch(given) is not None


def ticket_hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
