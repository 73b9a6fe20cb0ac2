"""Users, as they are stored."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.users import Role, User


class UserStore(Protocol):
    async def add_user(self, user: User, *, audit: AuditEntry | None = None) -> None:
        """Raises Conflict(code="USERNAME_TAKEN") when the name is in use; names compare exactly."""

    async def user(self, user_id: str) -> User | None: ...

    async def user_named(self, username: str) -> User | None: ...

    async def users(self, *, limit: int, offset: int = 0) -> tuple[list[User], int]:
        """A page, newest first, and how many there are in all."""

    async def set_password(
        self, user_id: str, password_hash: str, *, end_logins: bool, audit: AuditEntry | None = None
    ) -> bool:
        """False when the user is gone. With `end_logins` every login of theirs ends in the same batch.

        So do the keys that were made by logins; those that were made for programs stay.
        """

    async def update_user(
        self,
        user_id: str,
        *,
        role: Role | None = None,
        telegram_phone: str | None = None,
        telegram_api_id: int | None = None,
        telegram_api_hash: str | None = None,
        description: str | None = None,
        audit: AuditEntry | None = None,
    ) -> User | None:
        """Change what is given (None leaves as it is); the user as stored then, None when gone.

        Raises Conflict(code="LAST_ADMIN") when nobody would be left who is an admin.
        """

    async def delete_user(self, user_id: str, *, audit: AuditEntry | None = None) -> bool:
        """Remove the user with logins, keys, tokens, sessions, peers, login attempts, idempotency keys and jobs.

        Jobs that have not ended end first (as in delete_session), so that their log rows tell so; log rows stay,
        owned by the dead id, which no later user of that name can see. False when the user was gone already.
        Ended jobs, which nobody can see any more, may go in steps after the rest. Raises Conflict(code="LAST_ADMIN").
        """
