"""Which logins are alive, remembered for at most a second.

The database is the truth, and another process may change it: what is remembered is read again once it is a
second old. What this process ends is forgotten at once. Many callers of one login share one read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.users import Principal, User, scopes_of
from teleflow.storage.base import LoginStore

FRESH = 1.0  # seconds
MOST_LOGINS = 20_000


@dataclass(frozen=True, slots=True)
class LiveLogin:
    """A login that was alive at `read_at` (monotonic seconds, taken before the read began)."""

    principal: Principal
    user: User
    read_at: float


class LiveLogins:
    """The answer to "does this login still live, and whose is it?"."""

    def __init__(self, storage: LoginStore, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._known: OrderedDict[str, LiveLogin] = OrderedDict()
        self._reading: dict[str, _Reading] = {}

    def fresh(self, login_id: str) -> LiveLogin | None:
        """What is known and fresh; None says nothing."""
        known = self._known.get(login_id)
        if known is not None and self._clock.monotonic() - known.read_at < FRESH:
            return known
        return None

    async def get(self, login_id: str) -> LiveLogin | None:
        """The login, or None when it has ended."""
        while True:
            known = self.fresh(login_id)
            if known is not None:
                return known
            reading = self._reading.get(login_id)
            if reading is None:
                return await self._lead(login_id)
            result = await asyncio.shield(reading)
            if not isinstance(result, _Abandoned):
                return result

    def forget(self, login_id: str) -> None:
        """It ended here: nobody may rely on what was read before."""
        self._known.pop(login_id, None)
        self._reading.pop(login_id, None)

    def forget_user(self, user_id: str) -> None:
        for login_id in [key for key, login in self._known.items() if login.principal.user_id == user_id]:
            self.forget(login_id)
        self._reading.clear()

    async def _lead(self, login_id: str) -> LiveLogin | None:
        """Read for oneself and for everybody who asks meanwhile."""
        reading: _Reading = asyncio.get_running_loop().create_future()
        self._reading[login_id] = reading
        read_at = self._clock.monotonic()
        login: LiveLogin | _Abandoned | None = _Abandoned()
        try:
            user = await self._storage.login_user(login_id, now=milliseconds(self._clock.time()))
            login = LiveLogin(_principal(user, login_id), user, read_at) if user else None
            return login
        finally:
            reading.set_result(login)
            if self._reading.get(login_id) is reading:  # nobody has said meanwhile that it ended
                del self._reading[login_id]
                self._keep(login_id, login)

    def _keep(self, login_id: str, login: LiveLogin | _Abandoned | None) -> None:
        if not isinstance(login, LiveLogin):
            self._known.pop(login_id, None)
            return
        self._known[login_id] = login
        self._known.move_to_end(login_id)
        if len(self._known) > MOST_LOGINS:
            self._known.popitem(last=False)


def _principal(user: User, login_id: str) -> Principal:
    return Principal(user.id, user.username, user.role, login_id, scopes=scopes_of(user.role))


class _Abandoned:
    """Whoever was reading failed or was cancelled: the next one reads."""


_Reading = asyncio.Future[LiveLogin | _Abandoned | None]
