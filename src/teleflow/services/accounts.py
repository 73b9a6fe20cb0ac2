"""The rows behind the tenants: made, listed, given passwords and removed, with nothing but a database.

The command line uses this beside a running service; the service itself adds what must happen in its memory and
at Telegram (`services.users`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

import structlog

from teleflow.config import Settings
from teleflow.errors import Conflict, Invalid, NotFound, SettingsError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.peers import normalize_phone
from teleflow.model.users import Principal, Role, User, check_username
from teleflow.services.passwords import Passwords, check_new_password
from teleflow.storage.base import UserStore

_log = structlog.get_logger(__name__)
# Placeholders, the examples of the older services, and what everybody tries first.
_KNOWN_PASSWORD = re.compile(
    r".*change[-_ ]?(me|this).*|your[-_ ].*|yourstrongpassword.*|securepass\d*|placeholder.*|example.*|"
    r"(admin|administrator|password|passw0rd|qwerty|letmein|secret|default)\d{0,4}!?|12345678\d*",
    re.IGNORECASE | re.DOTALL,
)


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


class Accounts:
    """Users as rows."""

    def __init__(self, storage: UserStore, passwords: Passwords, settings: Settings, clock: Clock) -> None:
        self._storage = storage
        self._passwords = passwords
        self._settings = settings
        self._clock = clock

    async def create(self, new: NewUser, *, need_credentials: bool = False, by: Principal | None = None) -> User:
        """Raises Invalid, Conflict (the name is taken).

        With `need_credentials` a user without api_id and api_hash is refused where the service has none either.
        """
        check_username(new.username)
        check_new_password(new.password, shortest=self._settings.password_min_length)
        phone = _phone(new.telegram_phone)
        self._check_api(new, need=need_credentials)
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
        await self._storage.add_user(user, audit=self._entry(by, Act.USER_CREATED, user, role=user.role.value))
        _log.info("user.created", user=user.id, role=user.role.value)
        return user

    async def page(self, *, limit: int, offset: int) -> tuple[list[User], int]:
        """Users, newest first, and how many there are in all."""
        return await self._storage.users(limit=limit, offset=offset)

    async def named(self, username: str) -> User:
        """Raises NotFound."""
        user = await self._storage.user_named(username) if may_be_a_name(username) else None
        if user is None:
            raise NotFound("There is no user of that name", code="USER_NOT_FOUND")
        return user

    async def set_password(self, username: str, password: str) -> None:
        """Every login of theirs ends. Raises NotFound, Invalid."""
        await self.set_password_of(await self.named(username), password)

    async def set_password_of(self, user: User, password: str, *, by: Principal | None = None) -> None:
        check_new_password(password, shortest=self._settings.password_min_length)
        hash_ = await self._passwords.hash(password)
        entry = self._entry(by, Act.PASSWORD_CHANGED, user)
        await self._storage.set_password(user.id, hash_, end_logins=True, audit=entry)

    async def set_role(self, user: User, role: Role, *, by: Principal | None = None) -> User | None:
        """The user as stored then, None when gone. Raises Conflict (LAST_ADMIN)."""
        entry = self._entry(by, Act.ROLE_CHANGED, user, role=role.value)
        return await self._storage.update_user(user.id, role=role, audit=entry)

    async def remove(self, username: str) -> None:
        """Only the rows: for when no service runs. Raises NotFound, Conflict (LAST_ADMIN)."""
        await self.remove_rows(await self.named(username))

    async def remove_rows(self, user: User, *, by: Principal | None = None) -> None:
        await self._storage.delete_user(user.id, audit=self._entry(by, Act.USER_DELETED, user))

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

    def _entry(self, by: Principal | None, act: Act, user: User, **details: Any) -> AuditEntry:
        now = milliseconds(self._clock.time())
        details["name"] = user.username
        if by is None:  # the command line, or the service itself at its first start
            return AuditEntry(act, now, user_id=user.id, actor="the operator", target=user.id, details=details)
        return AuditEntry.by(by, act, now=now, target=user.id, user_id=user.id, **details)

    def _check_api(self, new: NewUser, *, need: bool) -> None:
        if (new.telegram_api_id is None) != (new.telegram_api_hash is None):
            raise Invalid("telegram_api_id and telegram_api_hash go together", details={"field": "telegram_api_hash"})
        if need and new.telegram_api_id is None and not service_credentials(self._settings):
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
    if _KNOWN_PASSWORD.fullmatch(password) or password == settings.admin_username:
        raise SettingsError("ADMIN_PASSWORD is a placeholder or known to everybody: choose another, or leave it unset")
    try:
        check_new_password(password, shortest=settings.password_min_length)
    except Invalid as error:
        raise SettingsError(f"ADMIN_PASSWORD: {error.message}") from error


def _phone(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        return normalize_phone(given)
    except Invalid as error:
        raise Invalid(error.message, code=error.code, details={"field": "telegram_phone"}) from error


def may_be_a_name(text: str) -> bool:
    """Is it worth asking the database for? What no database takes is nobody's name."""
    return 0 < len(text) <= 256 and "\x00" not in text
