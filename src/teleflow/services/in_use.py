"""The session that a call goes through: the caller's own, and fit for use. Remembered for a second."""

from __future__ import annotations

from collections import OrderedDict

from teleflow.kit.clock import Clock
from teleflow.model.sessions import Session
from teleflow.model.users import Principal
from teleflow.services.owned import owned_session
from teleflow.services.sends import FRESH, MOST_SESSIONS, usable
from teleflow.storage.base import SessionStore


class SessionsInUse:
    """No two callers share an entry: it is kept under the user's id, and the key's limits are asked each time."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: OrderedDict[tuple[str, str], tuple[Session, float]] = OrderedDict()

    async def of(self, principal: Principal, session_id: str) -> Session:
        """Raises NotFound(SESSION_NOT_FOUND), and what `usable` raises."""
        now = self._clock.monotonic()
        at = (principal.user_id, session_id)
        known = self._remembered.get(at)
        if known is not None and now - known[1] < FRESH and principal.sees(session_id):
            return known[0]
        session = await owned_session(self._store, principal, session_id)
        usable(session)
        self._remembered[at] = (session, now)
        self._remembered.move_to_end(at)
        if len(self._remembered) > MOST_SESSIONS:
            self._remembered.popitem(last=False)
        return session
