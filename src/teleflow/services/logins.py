"""Which logins are alive, remembered for at most a second.

The database is the truth, and another process may change it: what is remembered is read again once it is a
second old. What this process ends is forgotten at once. Many callers of one login share one read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.keys import ApiKey
from teleflow.model.users import Principal, User, scopes_of
from teleflow.storage.base import KeyStore, LoginStore, UserStore

FRESH = 1.0  # seconds
MOST_LOGINS = 20_000
BOOTSTRAP = "key_bootstrap"  # the id of the operator's own key, which has no row


@dataclass(frozen=True, slots=True)
class LiveLogin:
    """A login that was alive at `read_at` (monotonic seconds, taken before the read began)."""

    principal: Principal
    user: User
    read_at: float
    rate_limit: int | None = None  # a key's own, requests a window


class LivingStore(LoginStore, KeyStore, UserStore, Protocol):
    """What is asked who lives."""


class LiveLogins:
    """The answer to "does this login, or this key, still live, and whose is it?".

    `bootstrap_user` is whom the operator's own key speaks for.
    """

    def __init__(self, storage: LivingStore, clock: Clock, *, bootstrap_user: str = "") -> None:
        self._storage = storage
        self._bootstrap_user = bootstrap_user
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
            login = await self._read(login_id, read_at)
            return login
        finally:
            reading.set_result(login)
            if self._reading.get(login_id) is reading:  # nobody has said meanwhile that it ended
                del self._reading[login_id]
                self._keep(login_id, login)

    async def _read(self, login_id: str, read_at: float) -> LiveLogin | None:
        now = milliseconds(self._clock.time())
        if login_id == BOOTSTRAP:
            admin = await self._storage.user_named(self._bootstrap_user)
            return LiveLogin(_principal(admin, login_id, key_id=login_id), admin, read_at) if admin else None
        if login_id.startswith("key_"):
            found = await self._storage.key_login(login_id, now=now)
            return None if found is None else _with_key(*found, read_at)
        user = await self._storage.login_user(login_id, now=now)
        return LiveLogin(_principal(user, login_id), user, read_at) if user else None

    def _keep(self, login_id: str, login: LiveLogin | _Abandoned | None) -> None:
        if not isinstance(login, LiveLogin):
            self._known.pop(login_id, None)
            return
        self._known[login_id] = login
        self._known.move_to_end(login_id)
        if len(self._known) > MOST_LOGINS:
            self._known.popitem(last=False)


def _principal(user: User, login_id: str, *, key_id: str | None = None) -> Principal:
    return Principal(user.id, user.username, user.role, login_id, key_id, scopes=scopes_of(user.role))


def _with_key(key: ApiKey, user: User, read_at: float) -> LiveLogin:
    principal = Principal(
        user.id,
        user.username,
        user.role,
        login_id=key.id,
        key_id=key.id,
        scopes=key.scopes & scopes_of(user.role),
        session_ids=key.session_ids,
    )
    return LiveLogin(principal, user, read_at, key.rate_limit)


class _Abandoned:
    """Whoever was reading failed or was cancelled: the next one reads."""


_Reading = asyncio.Future[LiveLogin | _Abandoned | None]
