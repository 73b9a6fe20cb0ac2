"""Signing in from a browser: a login whose proof is a cookie.

Promises: every sign-in makes a new secret, so none that was there before counts; only its hash is kept; it ends by
itself after the life of a refresh token, and at once with sign-out, with a new password, with the user.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from teleflow.errors import NotFound, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.browsers import csrf_token, may_be_a_secret, new_secret, stored_hash
from teleflow.model.users import Login, Principal, RefreshToken, User
from teleflow.services.auth import AccountStore, Auth
from teleflow.services.logins import LiveLogin, LiveLogins

_MOST_KNOWN = 20_000
_WRONG = "Sign in again: this browser's login has ended"


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """`secret` is for the cookie, `csrf` for the page. `life` in seconds."""

    user: User
    secret: str
    csrf: str
    life: int


class Browsers:
    """See the module. `life` of a sign-in in seconds."""

    def __init__(self, storage: AccountStore, auth: Auth, logins: LiveLogins, clock: Clock, *, life: int) -> None:
        self._storage = storage
        self._auth = auth
        self._logins = logins
        self._clock = clock
        self._life = life
        self._known: OrderedDict[str, str] = OrderedDict()  # hash → login

    async def sign_in(
        self, username: str, password: str, *, address: str, request_id: str, before: str | None = None
    ) -> SignedIn:
        """`before` is the secret of an earlier sign-in of this browser, which ends. Raises what `Auth.prove` raises."""
        proven = await self._auth.prove(username, password, address=address, request_id=request_id)
        user, secret, now = proven.user, new_secret(), milliseconds(self._clock.time())
        login = Login(new_id("lgn"), user.id, now, now + self._life * 1000)
        token = RefreshToken(stored_hash(secret), login.id, user.id, now, login.expires_at)
        who = Principal(user.id, user.username, user.role, address=address, request_id=request_id)
        try:
            await self._storage.add_login(
                login, token, audit=AuditEntry.by(who, Act.LOGGED_IN, now=now, target=login.id)
            )
        except NotFound:  # deleted while we compared
            raise Unauthenticated("Wrong username or password") from None
        await self._auth.refuse_if_changed(login.id, proven.password_hash)
        if before is not None and may_be_a_secret(before):
            entry = AuditEntry.by(who, Act.LOGGED_OUT, now=now)
            ended = await self._storage.end_login(stored_hash(before), audit=entry)
            if ended is not None:
                self._logins.forget(ended)
        return SignedIn(user, secret, csrf_token(secret), self._life)

    def recognise(self, secret: str) -> LiveLogin | None:
        """The quick look, without waiting; None says nothing."""
        login_id = self._known.get(stored_hash(secret))
        return None if login_id is None else self._logins.fresh(login_id)

    async def authenticate(self, secret: str) -> LiveLogin:
        """Whose cookie this is. Raises Unauthenticated."""
        if not may_be_a_secret(secret):
            raise Unauthenticated(_WRONG)
        hash_ = stored_hash(secret)
        login_id = self._known.get(hash_)
        if login_id is None:
            login_id = await self._storage.login_of_token(hash_, now=milliseconds(self._clock.time()))
        login = None if login_id is None else await self._logins.get(login_id)
        if login_id is None or login is None:
            self._known.pop(hash_, None)
            raise Unauthenticated(_WRONG)
        self._known[hash_] = login_id
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return login
