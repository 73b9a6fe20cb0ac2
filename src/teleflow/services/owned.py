"""Whose session is it? One answer for all use cases: unknown, a stranger's and out of reach look the same."""

from __future__ import annotations

from teleflow.errors import NotFound
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.storage.base import SessionStore

MOST_ID = 64


async def owned_session(store: SessionStore, principal: Principal, session_id: str) -> Session:
    """The principal's own session of this id. Raises NotFound(SESSION_NOT_FOUND)."""
    session = None
    if principal.sees(session_id) and len(session_id) <= MOST_ID and session_id.isascii():
        session = await store.session(principal.user_id, session_id)
    if session is None:
        raise NotFound("There is no session of this id", code="SESSION_NOT_FOUND")
    return session
