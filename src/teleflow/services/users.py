"""The tenants: made and removed by admins, the first admin made by the service itself."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Protocol

import structlog

from teleflow.config import Settings
from teleflow.errors import Conflict, Forbidden, Invalid, NotFound, SettingsError, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.peers import normalize_phone
from teleflow.model.sessions import Session
from teleflow.model.users import Principal, Role, User, check_username
from teleflow.services.auth import Auth, may_be_a_name
from teleflow.services.passwords import Passwords, check_new_password
from teleflow.services.ports import Sessions
from teleflow.storage.base import LoginStore, SessionStore, UserStore

_log = structlog.get_logger(__name__)
_PAGE = 200
_KNOWN_PASSWORD = re.compile(
    r"change[-_ ]?(me|this)|your[-_ ]?(strong)?[-_ ]?password|^securepass|^password|^admin|^12345678|^qwerty|"
    r"placeholder|example",
    re.IGNORECASE,
)


class TenantStore(UserStore, LoginStore, SessionStore, Protocol):
    """What the tenants' use cases need of the storage."""


@dataclass(frozen=True, slots=True, repr=False)
class NewUser:
    """What an admin says of a user to be. Telegram's fields may be missing where the service has its own."""

    username: str
    password: str
    role: Role = Role.USER
    telegram_phone: str | None = None
    telegram_api_id: int | None = None
    telegram_api_hash: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class FirstAdmin:
    """The admin that was just made. `password` is set when it was generated: to be shown once."""

    username: str
    password: str | None


class Users:
    """Use cases about users. Ownership: only admins come here, but for one's own password."""

    def __init__(
        self,
        storage: TenantStore,
        passwords: Passwords,
        auth: Auth,
        sessions: Sessions,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._auth = auth
        self._sessions = sessions
        self._settings = settings
        self._clock = clock

    async def create(self, new: NewUser) -> User:
        """Raises Invalid, Conflict (the name is taken)."""
        check_username(new.username)
        check_new_password(new.password, shortest=self._settings.password_min_length)
        phone = _phone(new.telegram_phone)
        self._check_api(new)
        if await self._storage.user_named(new.username) is not None:
            raise Conflict("This username is taken", code="USERNAME_TAKEN")
        user = User(
            id=new_id("usr"),
            username=new.username,
            role=new.role,
            password_hash=await self._passwords.hash(new.password),
            telegram_phone=phone,
            telegram_api_id=new.telegram_api_id,
            telegram_api_hash=new.telegram_api_hash,
            description=new.description,
            created_at=milliseconds(self._clock.time()),
        )
        await self._storage.add_user(user)
        _log.info("user.created", user=user.id, role=user.role.value)
        return user

    async def page(self, *, limit: int, offset: int) -> tuple[list[User], int]:
        """Users, newest first, and how many there are in all."""
        return await self._storage.users(limit=limit, offset=offset)

    async def get(self, user_id: str) -> User:
        user = await self._storage.user(user_id)
        if user is None:
            raise Unauthenticated("The login of this token has ended")
        return user

    async def connected(self, user: User) -> bool:
        """Is the user's own Telegram account online now?"""
        session = await self._storage.session_named(user.id, user.username)
        return session is not None and (await self._sessions.status(session)).connected

    async def delete(self, principal: Principal, username: str) -> None:
        """Log the user's accounts out at Telegram, then remove all that is theirs. Raises NotFound, Invalid."""
        _only_admins(principal)
        user = await self._named(username)
        if user.id == principal.user_id:
            raise Invalid("You can't delete yourself", code="BAD_REQUEST")
        await self._auth.logout_all(user.id)
        for session in await self._sessions_of(user):
            await self._sessions.log_out(session)
        await self._storage.delete_user(user.id)
        await self._auth.logout_all(user.id)
        _log.info("user.deleted", user=user.id, by=principal.user_id)

    async def set_password(self, username: str, password: str) -> None:
        """An operator sets somebody's password; every login of theirs ends."""
        user = await self._named(username)
        await self._set_password(user.id, password)

    async def change_password(self, principal: Principal, current: str, new: str) -> None:
        """One's own password; every login ends, this one too. Raises Forbidden when `current` is wrong."""
        user = await self.get(principal.user_id)
        if not (await self._passwords.verify(current, user.password_hash)).right:
            raise Forbidden("The current password is wrong", code="PASSWORD_WRONG")
        await self._set_password(user.id, new)

    async def ensure_admin(self) -> FirstAdmin | None:
        """Make the first admin unless a user of that name exists; None when there was nothing to do."""
        check_admin_password(self._settings)
        name = self._settings.admin_username
        if await self._storage.user_named(name) is not None:
            return None
        given = self._settings.admin_password
        password = given.get_secret_value() if given else secrets.token_urlsafe(18)
        try:
            await self.create(NewUser(name, password, role=Role.ADMIN))
        except Conflict:  # another process was faster, and it prints its own
            return None
        except Invalid as error:
            variable = "ADMIN_USERNAME" if error.details.get("field") == "username" else "ADMIN_PASSWORD"
            raise SettingsError(f"{variable}: {error.message}") from error
        return FirstAdmin(name, None if given else password)

    async def _named(self, username: str) -> User:
        user = await self._storage.user_named(username) if may_be_a_name(username) else None
        if user is None:
            raise NotFound("There is no user of that name", code="USER_NOT_FOUND")
        return user

    async def _set_password(self, user_id: str, password: str) -> None:
        check_new_password(password, shortest=self._settings.password_min_length)
        await self._storage.set_password(user_id, await self._passwords.hash(password), end_logins=True)
        await self._auth.logout_all(user_id)

    async def _sessions_of(self, user: User) -> list[Session]:
        found: list[Session] = []
        while True:
            page = await self._storage.sessions(user.id, limit=_PAGE, after=found[-1].id if found else None)
            found.extend(page)
            if len(page) < _PAGE:
                return found

    def _check_api(self, new: NewUser) -> None:
        if (new.telegram_api_id is None) != (new.telegram_api_hash is None):
            raise Invalid("telegram_api_id and telegram_api_hash go together", details={"field": "telegram_api_hash"})
        if new.role is Role.USER and new.telegram_api_id is None and not service_credentials(self._settings):
            raise Invalid(
                "telegram_api_id and telegram_api_hash are needed: the service has none of its own",
                details={"field": "telegram_api_id"},
            )


def service_credentials(settings: Settings) -> tuple[int, str] | None:
    """The service's own api_id and api_hash, where it has both."""
    if settings.telegram_api_id is None or settings.telegram_api_hash is None:
        return None
    return settings.telegram_api_id, settings.telegram_api_hash.get_secret_value()


def check_admin_password(settings: Settings) -> None:
    """Refuse the start with an ADMIN_PASSWORD that everybody knows. Raises SettingsError."""
    if settings.admin_password is None:
        return
    password = settings.admin_password.get_secret_value()
    if _KNOWN_PASSWORD.search(password) or password == settings.admin_username:
        raise SettingsError("ADMIN_PASSWORD is a placeholder or known to everybody: choose another, or leave it unset")
    try:
        check_new_password(password, shortest=settings.password_min_length)
    except Invalid as error:
        raise SettingsError(f"ADMIN_PASSWORD: {error.message}") from error


def _only_admins(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only an admin may do this")


def _phone(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return normalize_phone(given)
    except Invalid as error:
        raise Invalid(error.message, code=error.code, details={"field": "telegram_phone"}) from error
