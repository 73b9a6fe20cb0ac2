"""The session that a call goes through: the caller's own, and fit for use. Remembered for a second."""

from __future__ import annotations

from teleflow.kit.clock import Clock
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.owned import owned_session
from teleflow.services.remembered import Remembered
from teleflow.services.sends import usable
from teleflow.storage.base import SessionStore


class SessionsInUse:
    """It is kept under the user's id, and a key's limits are asked each time."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._remembered: Remembered[tuple[str, str]] = Remembered(clock)

    async def of(self, principal: Principal, session_id: str) -> Session:
        """Raises NotFound(SESSION_NOT_FOUND), and what `usable` raises."""
        key = (principal.user_id, session_id)
        known = self._remembered.recall(key)
        if known is not None and principal.sees(session_id):
            return known
        session = await owned_session(self._store, principal, session_id)
        usable(session)
        self._remembered.keep(key, session)
        return session
