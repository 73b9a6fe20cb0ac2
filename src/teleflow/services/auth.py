"""Logging in to this service, staying in, and getting out.

Promises: a login that ended is ended for its access tokens at once in this process, and within a second
everywhere; of parallel uses of one refresh token exactly one wins, and a used one that comes back ends its
login; wrong names and wrong passwords cannot be told apart.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from teleflow.errors import Forbidden, NotFound, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.users import Login, Principal, RefreshToken, User
from teleflow.services.accounts import may_be_a_name
from teleflow.services.logins import LiveLogin, LiveLogins
from teleflow.services.passwords import Passwords, encode
from teleflow.services.throttle import LoginThrottle
from teleflow.services.tokens import AccessClaims, Tokens, sha256
from teleflow.storage.base import AuditStore, LoginStore, Rotation, UserStore

_log = structlog.get_logger(__name__)
MOST_TOKENS = 20_000
# A refresh waits this long before it is decided, so that the same token used by several tabs or workers
# at one moment is a race (one wins, nobody is harmed) and not a theft.
PARALLEL = 0.05


class AccountStore(UserStore, LoginStore, AuditStore, Protocol):
    """What logging in needs of the storage."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True, slots=True, repr=False)
class Proven:
    """Somebody whose password was right; `password_hash` is what must still be stored when they are let in."""

    user: User
    password_hash: str


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

    async def login(self, username: str, password: str, *, address: str, request_id: str = "") -> TokenPair:
        """Raises what `prove` raises."""
        proven = await self.prove(username, password, address=address, request_id=request_id)
        pair, login_id = await self._open(proven.user, address, request_id)
        await self.refuse_if_changed(login_id, proven.password_hash)
        _log.info("auth.login", user=proven.user.id, login=login_id)
        return pair

    async def prove(self, username: str, password: str, *, address: str, request_id: str = "") -> Proven:
        """Whose name and password these are.

        Raises Unauthenticated, Limited, Unavailable (too many at once), Invalid (no possible password).
        """
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
            await self._storage.add_audit(self._failure(username, user, address, request_id))
            raise Unauthenticated("Wrong username or password")
        self._throttle.succeeded(username, address)
        expected = user.password_hash
        if verdict.replacement is not None:
            expected = await self._upgrade(user, verdict.replacement)
        return Proven(user, expected)

    async def refuse(self, username: str, *, address: str, request_id: str) -> NoReturn:
        """A name alone proves nothing: it counts as a failed login. Raises Unauthenticated, Limited."""
        encode(username)
        self._throttle.check(username, address)
        user = await self._storage.user_named(username) if may_be_a_name(username) else None
        self._throttle.failed(username, address)
        await self._storage.add_audit(self._failure(username, user, address, request_id))
        raise Unauthenticated("A password, or an X-API-Key, is needed")

    async def confirm(self, principal: Principal, password: str, *, code: str = "REAUTH_REQUIRED") -> None:
        """The principal's password, asked once more. Raises Forbidden with this code, Limited, Unavailable, Invalid."""
        try:
            proven = await self.prove(
                principal.username, password, address=principal.address, request_id=principal.request_id
            )
        except Unauthenticated:
            raise Forbidden("The password is wrong", code=code) from None
        if proven.user.id != principal.user_id:  # another user has the name now
            raise Forbidden("The password is wrong", code=code)

    async def refresh(
        self, refresh_token: str, *, arrived_at: float, address: str = "", request_id: str = ""
    ) -> TokenPair:
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
            reuse=AuditEntry(Act.TOKEN_REUSED, now, address=address, request_id=request_id),
        )
        if outcome is Rotation.REUSED:
            if login_id is not None:
                self._logins.forget(login_id)
            _log.warning("auth.refresh_reused", login=login_id)
        if outcome is not Rotation.ROTATED or user is None or login_id is None:
            raise Unauthenticated("The refresh token is not valid")
        return TokenPair(self._tokens.access(user.id, login_id), successor, self._tokens.access_life)

    async def logout(self, refresh_token: str, *, address: str = "", request_id: str = "") -> None:
        """End the login that the token belongs to. Idempotent: an unknown token is no error."""
        try:
            token_hash = self._tokens.check_refresh(refresh_token)
        except Unauthenticated:
            return
        now = milliseconds(self._clock.time())
        entry = AuditEntry(Act.LOGGED_OUT, now, address=address, request_id=request_id)
        login_id = await self._storage.end_login(token_hash, audit=entry)
        if login_id is not None:
            self._logins.forget(login_id)

    async def end(self, login_id: str, entry: AuditEntry) -> None:
        """End this login."""
        await self._storage.end_login_id(login_id, audit=entry)
        self._logins.forget(login_id)

    async def logout_all(self, user_id: str, *, by: Principal | None = None) -> int:
        """End every login of the user, with the keys that logins made; how many there were."""
        now = milliseconds(self._clock.time())
        entry = None if by is None else AuditEntry.by(by, Act.LOGGED_OUT_EVERYWHERE, now=now, user_id=user_id)
        ended = await self._storage.end_logins(user_id, audit=entry)
        for login_id in ended:
            self._logins.forget(login_id)
        self.forget_user(user_id)
        return len(ended)

    def forget_user(self, user_id: str) -> None:
        """Something of this user changed: read it again."""
        self._logins.forget_user(user_id)

    def recognise(self, access_token: str, *, of_keys: bool = False) -> LiveLogin | None:
        """The quick look, without waiting: whose token this is if that is known, else None.

        With `of_keys` tokens that are bound to an API key are taken too.
        """
        claims = self._verified.get(access_token)
        if claims is None or claims.expires_at <= self._clock.time() or (claims.of_key and not of_keys):
            return None
        return self._logins.fresh(claims.login_id)

    async def authenticate(self, access_token: str, *, of_keys: bool = False) -> LiveLogin:
        """Whose token this is. Raises Unauthenticated."""
        claims = self._verified.get(access_token)
        if claims is None or claims.expires_at <= self._clock.time():
            claims = self._tokens.read_access(access_token)
        if claims.of_key and not of_keys:
            raise Unauthenticated("This token is for the routes under /api/v1")
        login = await self._logins.get(claims.login_id)
        if login is None or login.principal.user_id != claims.user_id:
            self._verified.pop(access_token, None)
            raise Unauthenticated("The login of this token has ended")
        self._verified[access_token] = claims
        if len(self._verified) > MOST_TOKENS:
            self._verified.popitem(last=False)
        return login

    def ends_at(self, access_token: str) -> int:
        """When a token that was authenticated ends by itself, in Unix seconds. Raises Unauthenticated."""
        claims = self._verified.get(access_token) or self._tokens.read_access(access_token)
        return claims.expires_at

    async def principal(self, access_token: str) -> Principal:
        return (await self.authenticate(access_token)).principal

    def _failure(self, username: str, user: User | None, address: str, request_id: str) -> AuditEntry:
        """Names that are nobody's are not kept: people type passwords there."""
        return AuditEntry(
            Act.LOGIN_FAILED,
            milliseconds(self._clock.time()),
            user_id=user.id if user else None,
            target=username if user else None,
            address=address,
            request_id=request_id,
        )

    async def _open(self, user: User, address: str, request_id: str) -> tuple[TokenPair, str]:
        now = milliseconds(self._clock.time())
        login_id = new_id("lgn")
        refresh_token = self._tokens.refresh()
        expires_at = now + self._tokens.refresh_life * 1000
        token = RefreshToken(sha256(refresh_token), login_id, user.id, now, expires_at)
        try:
            who = Principal(user.id, user.username, user.role, address=address, request_id=request_id)
            entry = AuditEntry.by(who, Act.LOGGED_IN, now=now, target=login_id)
            await self._storage.add_login(Login(login_id, user.id, now, expires_at), token, audit=entry)
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

    async def refuse_if_changed(self, login_id: str, expected: str) -> None:
        """A password that was changed, or a user that was deleted, while we compared: the new login must not stay."""
        login = await self._logins.get(login_id)
        if login is None or login.user.password_hash != expected:
            await asyncio.shield(self._storage.end_login_id(login_id))
            self._logins.forget(login_id)
            raise Unauthenticated("Wrong username or password")
