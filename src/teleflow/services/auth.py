"""Logging in to this service, staying in, and getting out.

Promises: a login that ended is ended for its access tokens at once in this process, and within a second
everywhere; of parallel uses of one refresh token exactly one wins, and a used one that comes back ends its
login; wrong names and wrong passwords cannot be told apart.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import structlog

from teleflow.errors import NotFound, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.users import Login, Principal, RefreshToken, User
from teleflow.services.accounts import may_be_a_name
from teleflow.services.logins import LiveLogin, LiveLogins
from teleflow.services.passwords import Passwords, encode
from teleflow.services.throttle import LoginThrottle
from teleflow.services.tokens import AccessClaims, Tokens, sha256
from teleflow.storage.base import LoginStore, Rotation, UserStore

_log = structlog.get_logger(__name__)
MOST_TOKENS = 20_000
# A refresh waits this long before it is decided, so that the same token used by several tabs or workers
# at one moment is a race (one wins, nobody is harmed) and not a theft.
PARALLEL = 0.05


class AccountStore(UserStore, LoginStore, Protocol):
    """What logging in needs of the storage."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Auth:
    """The door. One for the process."""

    def __init__(
        self,
        storage: AccountStore,
        passwords: Passwords,
        tokens: Tokens,
        throttle: LoginThrottle,
        logins: LiveLogins,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._tokens = tokens
        self._throttle = throttle
        self._logins = logins
        self._clock = clock
        self._verified: OrderedDict[str, AccessClaims] = OrderedDict()

    async def login(self, username: str, password: str, *, address: str) -> TokenPair:
        """Raises Unauthenticated, Limited, Unavailable (too many at once), Invalid (no possible password)."""
        encode(username)
        encode(password)

        def still_allowed() -> None:
            self._throttle.check(username, address)

        still_allowed()
        user = await self._storage.user_named(username) if may_be_a_name(username) else None
        verdict = await self._passwords.verify(
            password, user.password_hash if user else None, still_allowed=still_allowed
        )
        if user is None or not verdict.right:
            self._throttle.failed(username, address)
            _log.warning("auth.login_failed", address=address)
            raise Unauthenticated("Wrong username or password")
        self._throttle.succeeded(username, address)
        expected = user.password_hash
        if verdict.replacement is not None:
            expected = await self._upgrade(user, verdict.replacement)
        pair, login_id = await self._open(user)
        await self._refuse_if_changed(login_id, expected)
        _log.info("auth.login", user=user.id, login=login_id)
        return pair

    async def refresh(self, refresh_token: str, *, arrived_at: float) -> TokenPair:
        """Trade a refresh token for the next pair; `arrived_at` (Unix seconds) is when the request came in."""
        old_hash = self._tokens.check_refresh(refresh_token)
        await self._clock.sleep(PARALLEL)
        successor = self._tokens.refresh()
        now = milliseconds(self._clock.time())
        outcome, user, login_id = await self._storage.rotate_refresh(
            old_hash,
            sha256(successor),
            arrived_at=milliseconds(arrived_at),
            now=now,
            expires_at=now + self._tokens.refresh_life * 1000,
        )
        if outcome is Rotation.REUSED:
            if login_id is not None:
                self._logins.forget(login_id)
            _log.warning("auth.refresh_reused", login=login_id)
        if outcome is not Rotation.ROTATED or user is None or login_id is None:
            raise Unauthenticated("The refresh token is not valid")
        return TokenPair(self._tokens.access(user.id, login_id), successor, self._tokens.access_life)

    async def logout(self, refresh_token: str) -> None:
        """End the login that the token belongs to. Idempotent: an unknown token is no error."""
        try:
            token_hash = self._tokens.check_refresh(refresh_token)
        except Unauthenticated:
            return
        login_id = await self._storage.end_login(token_hash)
        if login_id is not None:
            self._logins.forget(login_id)

    async def logout_all(self, user_id: str) -> int:
        """End every login of the user; how many there were."""
        ended = await self._storage.end_logins(user_id)
        for login_id in ended:
            self._logins.forget(login_id)
        self._logins.forget_user(user_id)
        return len(ended)

    def recognise(self, access_token: str) -> LiveLogin | None:
        """The quick look, without waiting: whose token this is if that is known, else None."""
        claims = self._verified.get(access_token)
        if claims is None or claims.expires_at <= self._clock.time():
            return None
        return self._logins.fresh(claims.login_id)

    async def authenticate(self, access_token: str) -> LiveLogin:
        """Whose token this is. Raises Unauthenticated."""
        claims = self._verified.get(access_token)
        if claims is None or claims.expires_at <= self._clock.time():
            claims = self._tokens.read_access(access_token)
        login = await self._logins.get(claims.login_id)
        if login is None or login.principal.user_id != claims.user_id:
            self._verified.pop(access_token, None)
            raise Unauthenticated("The login of this token has ended")
        self._verified[access_token] = claims
        if len(self._verified) > MOST_TOKENS:
            self._verified.popitem(last=False)
        return login

    async def principal(self, access_token: str) -> Principal:
        return (await self.authenticate(access_token)).principal

    async def _open(self, user: User) -> tuple[TokenPair, str]:
        now = milliseconds(self._clock.time())
        login_id = new_id("lgn")
        refresh_token = self._tokens.refresh()
        expires_at = now + self._tokens.refresh_life * 1000
        token = RefreshToken(sha256(refresh_token), login_id, user.id, now, expires_at)
        try:
            await self._storage.add_login(Login(login_id, user.id, now, expires_at), token)
        except NotFound:  # deleted while we compared
            raise Unauthenticated("Wrong username or password") from None
        return TokenPair(self._tokens.access(user.id, login_id), refresh_token, self._tokens.access_life), login_id

    async def _upgrade(self, user: User, replacement: str) -> str:
        """Store the newer hash, unless the password was changed meanwhile; the hash that this login expects."""
        current = await self._storage.user(user.id)
        if current is not None and current.password_hash == user.password_hash:
            await self._storage.set_password(user.id, replacement, end_logins=False)
            return replacement
        return user.password_hash

    async def _refuse_if_changed(self, login_id: str, expected: str) -> None:
        """A password that was changed, or a user that was deleted, while we compared: the new login must not stay."""
        login = await self._logins.get(login_id)
        if login is None or login.user.password_hash != expected:
            await asyncio.shield(self._storage.end_login_id(login_id))
            self._logins.forget(login_id)
            raise Unauthenticated("Wrong username or password")
