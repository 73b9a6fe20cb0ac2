"""What callers of a session hear whose login is over."""

from __future__ import annotations

from teleflow.errors import Conflict, Forbidden
from teleflow.model.sessions import Session, SessionState


def refuse_ended(session: Session) -> None:
    """Raises Conflict(SESSION_LOGGED_OUT), Forbidden(ACCOUNT_BANNED)."""
    if session.state is SessionState.LOGGED_OUT:
        raise Conflict("Telegram has ended this login: log in again", code="SESSION_LOGGED_OUT")
    if session.state is SessionState.BANNED:
        raise Forbidden("Telegram has banned or deleted this account", code="ACCOUNT_BANNED")
