"""Logins of users and their refresh tokens, as they are stored."""

from __future__ import annotations

import enum
from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.users import Login, RefreshToken, User


class Rotation(enum.Enum):
    """How the use of a refresh token ended."""

    ROTATED = "rotated"  # the successor is stored, the old token is dead
    UNKNOWN = "unknown"  # never issued, expired, or its login is gone
    LOST_RACE = "lost_race"  # a parallel use won; this one arrived before that was decided, and harms nothing
    REUSED = "reused"  # a dead token came back: its whole login is gone now


class LoginStore(Protocol):
    async def add_login(self, login: Login, token: RefreshToken, *, audit: AuditEntry | None = None) -> None:
        """Raises NotFound(code="USER_NOT_FOUND") when the user is gone."""

    async def login_user(self, login_id: str, *, now: int) -> User | None:
        """Whose login this is, while it lives: the check behind every access token."""

    async def login_of_token(self, token_hash: str, *, now: int) -> str | None:
        """The login that this token, unused and unexpired, belongs to."""

    async def rotate_refresh(
        self,
        old_hash: str,
        successor_hash: str,
        *,
        arrived_at: int,
        now: int,
        expires_at: int,
        reuse: AuditEntry | None = None,
    ) -> tuple[Rotation, User | None, str | None]:
        """Replace a refresh token by its successor: (outcome, user, login id).

        Exactly one of parallel uses gets ROTATED. A used token gives LOST_RACE when `arrived_at` is not
        later than the moment at which its rotation was on disk, else REUSED, and the login with all its tokens is
        removed, and `reuse` is written down as of its user. The login's expiry moves to `expires_at`.
        """

    async def end_login(self, refresh_hash: str, *, audit: AuditEntry | None = None) -> str | None:
        """Remove the login that this token (used or not) belongs to; its id, None when there is none.

        The entry is written as of the user whose login it was.
        """

    async def end_login_id(self, login_id: str, *, audit: AuditEntry | None = None) -> bool: ...

    async def end_logins(self, user_id: str, *, audit: AuditEntry | None = None) -> list[str]:
        """Remove every login of the user, and the keys that were made by logins; their ids."""
