"""The tenants, in a running service: only admins come here, but for one's own password."""

from __future__ import annotations

from typing import Protocol

import structlog

from teleflow.errors import Forbidden, Invalid, Unauthenticated
from teleflow.model.sessions import Session
from teleflow.model.users import Principal, User
from teleflow.services.accounts import Accounts, FirstAdmin, NewUser
from teleflow.services.auth import Auth
from teleflow.services.passwords import Passwords
from teleflow.services.ports import Sessions
from teleflow.storage.base import LoginStore, SessionStore, UserStore

_log = structlog.get_logger(__name__)
_PAGE = 200

__all__ = ["FirstAdmin", "NewUser", "TenantStore", "Users"]


class TenantStore(UserStore, LoginStore, SessionStore, Protocol):
    """What the tenants' use cases need of the storage."""


class Users:
    """Use cases about users."""

    def __init__(
        self, storage: TenantStore, accounts: Accounts, passwords: Passwords, auth: Auth, sessions: Sessions
    ) -> None:
        self._storage = storage
        self._accounts = accounts
        self._passwords = passwords
        self._auth = auth
        self._sessions = sessions

    async def create(self, principal: Principal, new: NewUser) -> User:
        """Raises Forbidden, Invalid, Conflict (the name is taken)."""
        _only_admins(principal)
        return await self._accounts.create(new, need_credentials=True)

    async def page(self, principal: Principal, *, limit: int, offset: int) -> tuple[list[User], int]:
        """Users, newest first, and how many there are in all."""
        _only_admins(principal)
        return await self._accounts.page(limit=limit, offset=offset)

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
        user = await self._accounts.named(username)
        if user.id == principal.user_id:
            raise Invalid("You can't delete yourself", code="BAD_REQUEST")
        await self._auth.logout_all(user.id)
        for session in await self._sessions_of(user):
            await self._sessions.log_out(session)
        await self._storage.delete_user(user.id)
        await self._auth.logout_all(user.id)
        _log.info("user.deleted", user=user.id, by=principal.user_id)

    async def change_password(self, principal: Principal, current: str, new: str) -> None:
        """One's own password; every login ends, this one too. Raises Forbidden when `current` is wrong."""
        user = await self.get(principal.user_id)
        if not (await self._passwords.verify(current, user.password_hash)).right:
            raise Forbidden("The current password is wrong", code="PASSWORD_WRONG")
        await self._set_password(user.id, new)

    async def ensure_admin(self) -> FirstAdmin | None:
        """Make the first admin unless a user of that name exists; None when there was nothing to do."""
        return await self._accounts.ensure_admin()

    async def _set_password(self, user_id: str, password: str) -> None:
        await self._accounts.set_password_of(user_id, password)
        await self._auth.logout_all(user_id)

    async def _sessions_of(self, user: User) -> list[Session]:
        found: list[Session] = []
        while True:
            page = await self._storage.sessions(user.id, limit=_PAGE, after=found[-1].id if found else None)
            found.extend(page)
            if len(page) < _PAGE:
                return found


def _only_admins(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only an admin may do this")
