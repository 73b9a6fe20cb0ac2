"""A user's sessions: begun, imported, shown, managed and given up.

Promises: whoever asks sees their own sessions only; what makes, moves or ends a login is in the audit log; a login
that fails at its first step leaves no session behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from teleflow.config import Settings
from teleflow.errors import Conflict, Forbidden, Invalid, Limited, NotFound, TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.logins import CodeSent, LoggedIn, QrLogin
from teleflow.model.pacing import Hold
from teleflow.model.peers import normalize_phone
from teleflow.model.proxies import Proxy
from teleflow.model.session_strings import StoredLogin
from teleflow.model.sessions import Device, Profile, Session, SessionState
from teleflow.model.users import Principal, User
from teleflow.services.accounts import service_credentials
from teleflow.services.owned import owned_session
from teleflow.services.ports import FirstContacts, SessionCare, Waits
from teleflow.storage.base import AuditStore, SessionStore

_SURROGATE = re.compile("[\ud800-\udfff]")
MOST_NAME = 100
_MOST_WAITS = 20  # that are told of a session: those that end first
MOST_CODE = 16
MOST_PASSWORD = 1024
MOST_SESSIONS = 1000  # of one user


class SessionRecords(SessionStore, AuditStore, Protocol):
    """What these use cases need of the storage."""


@dataclass(frozen=True, slots=True, repr=False)
class NewSession:
    """What a caller says of a session to be. What is None is the service's."""

    name: str
    phone: str | None = None
    api: tuple[int, str] | None = None
    proxy: Proxy | None = None
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session, and how it is now. `state`, `cause`: the live truth where it runs; `waits`: what Telegram asked it to
    leave alone for a while.
    """

    session: Session
    connected: bool
    state: SessionState
    cause: str | None
    waits: Sequence[Hold] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """People whom a session wrote to for the first time in the last 24 hours, and how many it may."""

    first_contacts: int
    per_day: int


class Sessions:
    """Use cases about sessions."""

    def __init__(
        self,
        storage: SessionRecords,
        care: SessionCare,
        settings: Settings,
        clock: Clock,
        *,
        waits: Waits,
        strangers: FirstContacts,
    ) -> None:
        self._waits = waits
        self._strangers = strangers
        self._storage = storage
        self._care = care
        self._settings = settings
        self._clock = clock

    # -- reading ------------------------------------------------------------------------------------------

    async def page(self, principal: Principal, *, limit: int, after: str | None = None) -> list[SessionView]:
        """Newest first; `after` is the last id of the page before."""
        if principal.session_ids is None:
            found = await self._storage.sessions(principal.user_id, limit=limit, after=after)
        else:
            named = sorted((each for each in principal.session_ids if after is None or each < after), reverse=True)
            kept = [await self._storage.session(principal.user_id, each) for each in named]
            found = [session for session in kept if session is not None][:limit]
        return [await self._view(session) for session in found]

    async def get(self, principal: Principal, session_id: str) -> SessionView:
        return await self._view(await self._own(principal, session_id))

    async def pace(self, principal: Principal, session_id: str) -> Pace:
        session = await self._own(principal, session_id)
        return Pace(await self._strangers.spent(session.id), self._strangers.per_day)

    async def profile(self, principal: Principal, session_id: str) -> Profile:
        return await self._care.sessions.profile(await self._own(principal, session_id))

    # -- logging in ---------------------------------------------------------------------------------------

    async def create(self, principal: Principal, user: User, new: NewSession) -> tuple[Session, CodeSent]:
        """Send a login code. The name of a session that is not logged in begins its login anew."""
        phone = normalize_phone(new.phone or "")
        session, is_new = await self._room(principal, user, replace(new, phone=phone))
        try:
            api = await self._api_of(user, session)
            return session, await self._care.start_login(session, api_id=api[0], api_hash=api[1])
        except TeleFlowError as error:
            await self._failed(principal, session, error, is_new=is_new)
            raise

    async def create_qr(self, principal: Principal, user: User, new: NewSession) -> tuple[Session, QrLogin]:
        session, is_new = await self._room(principal, user, new)
        try:
            api = await self._api_of(user, session)
            return session, await self._care.qr.begin(session, api_id=api[0], api_hash=api[1])
        except TeleFlowError as error:
            await self._failed(principal, session, error, is_new=is_new)
            raise

    async def qr(self, principal: Principal, session_id: str) -> QrLogin:
        return await self._care.qr.shown(await self._own(principal, session_id))

    async def resend(self, principal: Principal, session_id: str) -> CodeSent:
        session = await self._own(principal, session_id)
        try:
            return await self._care.logins.resend_code(session)
        except Limited:
            await self._storage.add_audit(self._entry(principal, Act.SESSION_CODE_REFUSED, session))
            raise

    async def cancel(self, principal: Principal, session_id: str) -> None:
        await self._care.logins.cancel_login(await self._own(principal, session_id))

    async def verify_code(self, principal: Principal, session_id: str, code: str, ticket: str) -> LoggedIn | None:
        """None when the cloud password is asked for next."""
        code = code.strip().replace(" ", "").replace("-", "")
        if not code or len(code) > MOST_CODE or not code.isascii() or not code.isprintable():
            raise Invalid("The code is not one", details={"field": "phoneCode"})
        session = await self._own(principal, session_id)
        try:
            return await self._care.logins.verify_code(session, code, None, ticket=ticket)
        except Invalid as error:
            if error.code == "PASSWORD_NEEDED":
                return None
            raise

    async def verify_password(self, principal: Principal, session_id: str, password: str) -> LoggedIn:
        if not password or len(password) > MOST_PASSWORD or _SURROGATE.search(password):
            raise Invalid("The cloud password is empty, too long or no text", details={"field": "password"})
        session = await self._own(principal, session_id)
        return await self._care.logins.verify_password(session, password)

    async def import_(self, principal: Principal, user: User, new: NewSession, given: str | bytes) -> Session:
        """Take a login over from another program. Raises Conflict when it is here already, or the name is taken."""
        login = await self._care.transfer.read(given)
        profile = await self._dressed(new)
        api = self._api_for(user, new, login)
        _refuse_bound_key(principal)
        name = checked_name(new.name)
        if await self._storage.session_named(principal.user_id, name) is not None:
            raise _name_taken()
        session = self._session(principal, name, "")
        audit = self._entry(principal, Act.SESSION_IMPORTED, session, format=login.format.value)
        return await self._care.transfer.take(session, login, profile, api=api, audit=audit)

    # -- managing -----------------------------------------------------------------------------------------

    async def change(
        self, principal: Principal, session_id: str, *, name: str | None, proxy: Proxy | None, reroute: bool
    ) -> None:
        """Rename (None: no), and with `reroute` take this proxy from now on. What can't be done changes nothing."""
        session = await self._own(principal, session_id)
        if reroute and proxy is not None:
            await self._care.sessions.check_proxy(proxy)
        if name is not None and name != session.name:
            if session.name == principal.username:
                # The simple API finds its session by this name.
                raise Conflict("The session of the simple API keeps its name", code="SESSION_NAME_FIXED")
            if not await self._storage.rename_session(principal.user_id, session.id, checked_name(name)):
                raise _unknown()
        if reroute:
            await self._care.sessions.reroute(session, proxy)

    async def connect(self, principal: Principal, session_id: str) -> bool:
        return await self._care.sessions.connect(await self._own(principal, session_id))

    async def disconnect(self, principal: Principal, session_id: str) -> None:
        await self._care.sessions.disconnect(await self._own(principal, session_id))

    async def log_out(self, principal: Principal, session_id: str) -> None:
        session = await self._own(principal, session_id)
        audit = self._entry(principal, Act.SESSION_LOGGED_OUT, session)
        await self._care.sessions.log_out(session, audit=audit)

    async def delete(self, principal: Principal, session_id: str) -> None:
        session = await self._own(principal, session_id)
        await self._care.sessions.delete(session, audit=self._entry(principal, Act.SESSION_DELETED, session))

    # -- inside -------------------------------------------------------------------------------------------

    async def _own(self, principal: Principal, session_id: str) -> Session:
        return await owned_session(self._storage, principal, session_id)

    async def _view(self, session: Session) -> SessionView:
        status = await self._care.status(session)
        waits = sorted(self._waits.held(session.id), key=lambda one: one.until)[:_MOST_WAITS]
        state = SessionState(status.state)
        running = status.live
        if not running and session.authorised and state is not SessionState.DISCONNECTED:
            # As the last process left it: what it was then, it is no more.
            return SessionView(session, connected=False, state=SessionState.CONNECTING, cause="STARTING", waits=waits)
        return SessionView(session, status.connected, state, status.cause if running else session.cause, waits)

    async def _dressed(self, new: NewSession) -> Profile:
        if new.proxy is not None:
            await self._care.sessions.check_proxy(new.proxy)
        return Profile(new.device or self._care.device, new.proxy, new.api)

    async def _api_of(self, user: User, session: Session) -> tuple[int, str]:
        """The api_id and api_hash to log in with: the session's own, else the user's, else the service's."""
        own = (await self._care.sessions.profile(session)).api
        found = own or _of_user(user) or service_credentials(self._settings)
        if found is None:
            raise _no_api()
        return found

    def _api_for(self, user: User, new: NewSession, login: StoredLogin) -> tuple[int, str]:
        """What a login was made with stays with it; its hash is only needed to log in anew."""
        known = [api for api in (new.api, _of_user(user), service_credentials(self._settings)) if api is not None]
        if new.api is None and login.api_id is not None:
            return login.api_id, next((api[1] for api in known if api[0] == login.api_id), "")
        if not known:
            raise _no_api()
        return known[0]

    async def _room(self, principal: Principal, user: User, new: NewSession) -> tuple[Session, bool]:
        """The session that the login is for, and whether it was just made."""
        profile = await self._dressed(new)
        name, phone = checked_name(new.name), new.phone or ""
        standing = await self._storage.session_named(principal.user_id, name)
        if standing is not None and (standing.authorised or not principal.sees(standing.id)):
            raise _name_taken()
        now = milliseconds(self._clock.time())
        if standing is not None:
            await self._storage.set_session_state(
                standing.id, SessionState.NEW, cause="LOGIN_BEGUN_ANEW", now=now, phone=phone
            )
            if new.proxy is not None:
                await self._care.sessions.reroute(standing, new.proxy)
            return await self._own(principal, standing.id), False
        _refuse_bound_key(principal)
        if new.api is None and _of_user(user) is None and service_credentials(self._settings) is None:
            raise _no_api()
        if len(await self._storage.sessions(principal.user_id, limit=MOST_SESSIONS)) >= MOST_SESSIONS:
            raise Limited(f"A user has at most {MOST_SESSIONS} sessions", code="TOO_MANY_SESSIONS")
        session = self._session(principal, name, phone)
        audit = self._entry(principal, Act.SESSION_CREATED, session)
        await self._storage.add_session(session, profile, audit=audit)
        return session, True

    async def _failed(self, principal: Principal, session: Session, error: TeleFlowError, *, is_new: bool) -> None:
        if error.code == "LOGIN_FLOOD":
            await self._storage.add_audit(self._entry(principal, Act.SESSION_CODE_REFUSED, session))
        if is_new:
            await self._care.sessions.delete(session)

    def _session(self, principal: Principal, name: str, phone: str) -> Session:
        now = milliseconds(self._clock.time())
        return Session(
            new_id("ses"), principal.user_id, name, phone, SessionState.NEW, None, now, False, None, None, now, None
        )

    def _entry(self, principal: Principal, act: Act, session: Session, **details: str) -> AuditEntry:
        return AuditEntry.by(principal, act, now=milliseconds(self._clock.time()), target=session.id, **details)


def checked_name(name: str) -> str:
    """Raises Invalid."""
    name = name.strip()
    if not 1 <= len(name) <= MOST_NAME or not name.isprintable():
        raise Invalid(f"A session's name has 1 to {MOST_NAME} printable characters", details={"field": "name"})
    return name


def _refuse_bound_key(principal: Principal) -> None:
    if principal.session_ids is not None:
        raise Forbidden("This API key is for named sessions only and makes no new ones")


def _of_user(user: User) -> tuple[int, str] | None:
    if user.telegram_api_id is None or user.telegram_api_hash is None:
        return None
    return user.telegram_api_id, user.telegram_api_hash


def _no_api() -> Invalid:
    return Invalid(
        "Neither you nor the service has Telegram API credentials: give apiId and apiHash",
        code="API_CREDENTIALS_MISSING",
        details={"field": "apiId"},
    )


def _name_taken() -> Conflict:
    return Conflict("There is a session of that name", code="SESSION_NAME_TAKEN", details={"field": "name"})


def _unknown() -> NotFound:
    return NotFound("There is no session of this id", code="SESSION_NOT_FOUND")
