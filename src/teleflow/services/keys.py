"""API keys: made, shown once, listed, revoked; and logging in with one.

Promises: a key can do no more than the one that made it; a revoked one is dead at once in this process, and within
a second everywhere; looking one up costs what looking up a login costs. Uses are noted in memory and written
when `write_uses` is called, so that no request waits for it.
"""

from __future__ import annotations

import dataclasses
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from teleflow.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import id_of
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.keys import ApiKey, key_hash, may_be_a_key, new_secret, shown_prefix
from teleflow.model.users import Principal, Role, Scope, User, scopes_of
from teleflow.services.auth import Auth
from teleflow.services.logins import BOOTSTRAP, LiveLogin, LiveLogins
from teleflow.services.owned import owned_session
from teleflow.services.tokens import Tokens
from teleflow.storage.base import KeyStore, SessionStore

_log = structlog.get_logger(__name__)
MOST_KEYS = 100  # of a user, for programs
MOST_LOGIN_KEYS = 50  # of a user, by logins: the least used makes room for the next
MOST_REMEMBERED = 20_000
MOST_NAME = 100
MOST_SESSIONS = 100
TOKEN_LIFE = 7 * 86400  # seconds


class AccessStore(KeyStore, SessionStore, Protocol):
    """What keys need of the storage."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a user says of a key to be. `expires_at` in Unix milliseconds."""

    name: str
    scopes: frozenset[Scope]
    session_ids: frozenset[str] | None = None
    rate_limit: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class MadeKey:
    """A key at the only moment at which its secret is known."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True, repr=False)
class KeyLogin:
    """What a login of a program gets: a key, and a token that lives no longer than the key."""

    secret: str
    token: str
    role: Role


class Keys:
    """Use cases about keys. `bootstrap` is the operator's own key (API_KEY), which speaks for the first admin."""

    def __init__(
        self,
        storage: AccessStore,
        auth: Auth,
        logins: LiveLogins,
        tokens: Tokens,
        clock: Clock,
        *,
        bootstrap: str | None = None,
    ) -> None:
        self._storage = storage
        self._auth = auth
        self._logins = logins
        self._tokens = tokens
        self._clock = clock
        self._ids: OrderedDict[str, str] = OrderedDict()  # of keys, by hash
        self._uses: dict[str, int] = {}
        self._bootstrap = None if bootstrap is None else key_hash(bootstrap.encode())

    def recognise(self, given: bytes) -> LiveLogin | None:
        """The quick look, without waiting: whose key this is if that is known, else None."""
        key_id = self._ids.get(key_hash(given))
        return None if key_id is None else self._logins.fresh(key_id)

    async def authenticate(self, given: bytes) -> LiveLogin:
        """Whose key this is. Raises Unauthenticated."""
        hash_ = key_hash(given)
        key_id = self._ids.get(hash_)
        if key_id is None:
            key_id = await self._find(given, hash_)
        login = None if key_id is None else await self._logins.get(key_id)
        if key_id is None or login is None:
            self._ids.pop(hash_, None)
            raise Unauthenticated("The API key is not valid")
        self._ids[hash_] = key_id
        if len(self._ids) > MOST_REMEMBERED:
            self._ids.popitem(last=False)
        return login

    async def create(self, principal: Principal, new: NewKey) -> MadeKey:
        """Raises Invalid, Forbidden (more than the principal has), NotFound (a session), Conflict (too many)."""
        await self._check(principal, new)
        made = self._make(principal.user_id, new, by_login=False, act=principal.act)
        await self._store(principal, made)
        return made

    async def mine(self, principal: Principal) -> list[ApiKey]:
        """The principal's keys, newest first: those for programs and those of logins."""
        found = await self._storage.keys(principal.user_id, limit=1000)
        return [self._with_last_use(key) for key in found]

    async def get(self, principal: Principal, key_id: str) -> ApiKey:
        """Raises NotFound."""
        key = await self._storage.key(principal.user_id, key_id)
        if key is None:
            raise NotFound("There is no API key of this id", code="KEY_NOT_FOUND")
        return self._with_last_use(key)

    def is_alive(self, key: ApiKey) -> bool:
        return key.expires_at is None or key.expires_at > milliseconds(self._clock.time())

    async def revoke(self, principal: Principal, key_id: str) -> None:
        """Dead at once. Raises NotFound; Forbidden for one that may more; Conflict for the operator's own key."""
        if key_id == BOOTSTRAP:
            raise Conflict("This key is set by API_KEY: change the setting to end it", code="KEY_NOT_REVOCABLE")
        _refuse_mightier(principal, await self.get(principal, key_id))
        entry = self._entry(principal, Act.KEY_REVOKED, key_id)
        removed = await self._storage.remove_key(principal.user_id, key_id, audit=entry)
        self._logins.forget(key_id)
        if not removed:
            raise NotFound("There is no API key of this id", code="KEY_NOT_FOUND")
        _log.info("key.revoked", id=key_id, user=principal.user_id)

    async def log_in(self, name: str, password: str, *, address: str, request_id: str) -> KeyLogin:
        """A new key for whoever knows the password. Raises what `Auth.prove` raises."""
        proven = await self._auth.prove(name, password, address=address, request_id=request_id)
        user = proven.user
        made = self._make(user.id, NewKey(user.username, scopes_of(user.role)), by_login=True)
        who = Principal(user.id, user.username, user.role, address=address, request_id=request_id)
        entry = self._entry(who, Act.LOGGED_IN, made.key.id, key=made.key.id)
        try:
            replaced = await self._storage.add_key(
                made.key, most=MOST_LOGIN_KEYS, now=made.key.created_at, replace=True, audit=entry
            )
        except NotFound:  # deleted while we compared
            raise Unauthenticated("Wrong username or password") from None
        for key_id in replaced:
            self._logins.forget(key_id)
        await self._refuse_if_changed(made.key, proven.password_hash)
        return self._key_login(user, made)

    async def log_in_by_key(self, login: LiveLogin, name: str) -> KeyLogin:
        """A further key of this name for the same user: of the same scopes, sessions, limit and end."""
        principal = login.principal
        own = None if principal.key_id in {None, BOOTSTRAP} else await self.get(principal, str(principal.key_id))
        new = NewKey(
            name,
            principal.scopes,
            principal.session_ids,
            rate_limit=own.rate_limit if own else None,
            expires_at=own.expires_at if own else None,
        )
        _check_name(name)
        made = self._make(principal.user_id, new, by_login=False)
        await self._store(principal, made)
        return self._key_login(login.user, made)

    async def log_out(self, principal: Principal) -> None:
        """What made this call is worth nothing any more: a key with its token, or a login. Raises Conflict."""
        if principal.key_id == BOOTSTRAP:
            await self.revoke(principal, BOOTSTRAP)
        entry = self._entry(principal, Act.LOGGED_OUT, principal.login_id)
        if principal.key_id is not None:
            await self._storage.remove_key(principal.user_id, principal.key_id, audit=entry)
            self._logins.forget(principal.key_id)
        elif principal.login_id is not None:
            await self._auth.end(principal.login_id, entry)

    def used(self, login: LiveLogin) -> None:
        """Note that a key, or the token of one, was good for a request."""
        if login.principal.key_id is not None:
            self._uses[login.principal.key_id] = milliseconds(self._clock.time())

    async def write_uses(self) -> None:
        """Store when keys were used since the last time."""
        uses, self._uses = self._uses, {}
        try:
            await self._storage.note_key_uses(uses)
        except BaseException:
            self._uses = {**uses, **self._uses}
            raise

    async def _find(self, given: bytes, hash_: str) -> str | None:
        if self._bootstrap is not None and hmac.compare_digest(hash_, self._bootstrap):
            return BOOTSTRAP
        return await self._storage.key_of_hash(hash_) if may_be_a_key(given) else None

    async def _check(self, principal: Principal, new: NewKey) -> None:
        _check_name(new.name)
        if not new.scopes:
            raise Invalid("A key has at least one scope", details={"field": "scopes"})
        if not new.scopes <= principal.scopes:
            raise Forbidden("A key may not do more than who makes it")
        if new.expires_at is not None and new.expires_at <= milliseconds(self._clock.time()):
            raise Invalid("A key ends in the future", details={"field": "expiresAt"})
        await self._check_end(principal, new)
        if new.session_ids is None:
            if principal.session_ids is not None:
                raise Forbidden("A key may not reach more sessions than who makes it")
            return
        if not 0 < len(new.session_ids) <= MOST_SESSIONS:
            raise Invalid(f"Name 1 to {MOST_SESSIONS} sessions", details={"field": "sessionIds"})
        for session_id in sorted(new.session_ids):
            await owned_session(self._storage, principal, session_id)

    async def _check_end(self, principal: Principal, new: NewKey) -> None:
        """A key that ends makes no key that outlives it, nor one that may be used more often."""
        if principal.key_id in {None, BOOTSTRAP}:
            return
        own = await self.get(principal, str(principal.key_id))
        if own.expires_at is not None and (new.expires_at is None or new.expires_at > own.expires_at):
            raise Forbidden("A key may not outlive who makes it")
        if own.rate_limit is not None and (new.rate_limit is None or new.rate_limit > own.rate_limit):
            raise Forbidden("A key may not be used more often than who makes it")

    def _make(self, user_id: str, new: NewKey, *, by_login: bool, act: str | None = None) -> MadeKey:
        secret = new_secret()
        key = ApiKey(
            id=id_of("key", act),
            user_id=user_id,
            name=new.name,
            hash=key_hash(secret.encode()),
            prefix=shown_prefix(secret),
            scopes=new.scopes,
            session_ids=new.session_ids,
            rate_limit=new.rate_limit,
            by_login=by_login,
            created_at=milliseconds(self._clock.time()),
            expires_at=new.expires_at,
        )
        return MadeKey(key, secret)

    async def _store(self, principal: Principal, made: MadeKey) -> None:
        key = made.key
        scopes = [scope.value for scope in Scope if scope in key.scopes]
        entry = self._entry(principal, Act.KEY_CREATED, key.id, name=key.name, scopes=scopes)
        await self._storage.add_key(key, most=MOST_KEYS, now=key.created_at, audit=entry)
        _log.info("key.created", id=key.id, user=key.user_id)

    def _key_login(self, user: User, made: MadeKey) -> KeyLogin:
        life = TOKEN_LIFE
        if made.key.expires_at is not None:
            life = max(1, min(life, (made.key.expires_at - made.key.created_at) // 1000))
        return KeyLogin(made.secret, self._tokens.of_key(user.id, made.key.id, life), user.role)

    async def _refuse_if_changed(self, key: ApiKey, expected: str) -> None:
        """A password that was changed while we compared: what it bought must not stay."""
        login = await self._logins.get(key.id)
        if login is None or login.user.password_hash != expected:
            await self._storage.remove_key(key.user_id, key.id)
            self._logins.forget(key.id)
            raise Unauthenticated("Wrong username or password")

    def _with_last_use(self, key: ApiKey) -> ApiKey:
        used_at = self._uses.get(key.id)
        return key if used_at is None else dataclasses.replace(key, last_used_at=used_at)

    def _entry(self, principal: Principal, act: Act, target: str | None, **details: Any) -> AuditEntry:
        now = milliseconds(self._clock.time())
        return AuditEntry.by(principal, act, now=now, target=target, **details)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MOST_NAME or not name.isprintable() or name != name.strip():
        raise Invalid(f"The name of a key has 1 to {MOST_NAME} printable characters", details={"field": "name"})


def _refuse_mightier(principal: Principal, key: ApiKey) -> None:
    """A key that leaks must not end those that can do more."""
    if principal.key_id == key.id:
        return
    reach = principal.session_ids
    if not key.scopes <= principal.scopes or (
        reach is not None and (key.session_ids is None or not key.session_ids <= reach)
    ):
        raise Forbidden("This key may do more than who would revoke it")
