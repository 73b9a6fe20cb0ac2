"""Those who log in to this service, and what proves that they did."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from teleflow.errors import Invalid

USERNAME_LENGTH = range(3, 51)
_USERNAME = re.compile(r"[^\x00-\x1f\x7f/\\\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


class Role(enum.StrEnum):
    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class User:
    """A tenant: everything else in the service belongs to one. Instants are Unix milliseconds."""

    id: str
    username: str
    role: Role
    password_hash: str
    telegram_phone: str | None
    telegram_api_id: int | None
    telegram_api_hash: str | None
    description: str | None
    created_at: int


class Scope(enum.StrEnum):
    """What an API key may do. Each includes those before it; `admin` is of use to an admin only."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def included(self) -> frozenset[Scope]:
        order = list(Scope)
        return frozenset(order[: order.index(self) + 1])


def scopes_of(role: Role) -> frozenset[Scope]:
    """What somebody of this role may do with their password."""
    return (Scope.ADMIN if role is Role.ADMIN else Scope.WRITE).included


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes this call, and what proves it.

    `login_id` is the login's or the key's whose token came; `key_id` the key's, whether it came itself (`by_key`)
    or as the token that was made with it. `session_ids` None means all of the user's sessions. `address` and
    `request_id` are those of the request, where there is one: the audit log tells them. `act` names what a request with
    an Idempotency-Key asks for, the same whenever it comes: what is made for it takes its id from there. `begun_at`
    (Unix milliseconds): a process that has died had begun with it then, and may have done it.
    """

    user_id: str
    username: str
    role: Role
    login_id: str | None = None
    key_id: str | None = None
    by_key: bool = False
    scopes: frozenset[Scope] = Scope.WRITE.included
    session_ids: frozenset[str] | None = None
    address: str = ""
    request_id: str = ""
    act: str | None = None
    begun_at: int | None = None

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    def may(self, scope: Scope) -> bool:
        """May they do what needs this scope? Administration needs the role too."""
        return scope in self.scopes and (scope is not Scope.ADMIN or self.is_admin)

    def sees(self, session_id: str) -> bool:
        """Does what proves them reach this session? Whose it is, is another question."""
        return self.session_ids is None or session_id in self.session_ids


@dataclass(frozen=True, slots=True)
class Login:
    """One log-in of a user, from password to log-out: every token that grew out of it carries its id.

    An access token lives as long as its login's row does, and no longer: log-out, log-out of all, a new
    password and a deleted user take effect by removing rows.
    """

    id: str
    user_id: str
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as we keep it: its SHA-256 (hex), never itself.

    `used_at` is set by the rotation that replaced it. A token used again after that is in two hands, and its
    login ends (RFC 9700 §4.14.2).
    """

    hash: str
    login_id: str
    user_id: str
    created_at: int
    expires_at: int
    used_at: int | None = None


def check_username(name: str) -> str:
    """Return the name that will be stored. Raises Invalid."""
    if len(name) not in USERNAME_LENGTH:
        raise Invalid("A username has 3 to 50 characters", details={"field": "username"})
    if not _USERNAME.fullmatch(name) or name != name.strip() or name in {".", ".."}:
        raise Invalid(
            "A username has no slashes, control characters or surrounding blanks",
            details={"field": "username"},
        )
    return name
