"""The tenants, in a running service: only admins come here, but for one's own password."""

from __future__ import annotations

from typing import Protocol

import structlog

from teleflow.errors import Conflict, Forbidden, Invalid, NotFound
from teleflow.model.sessions import Session
from teleflow.model.users import Principal, Role, Scope, User
from teleflow.services.accounts import Accounts, FirstAdmin, NewUser, may_be_a_name
from teleflow.services.auth import Auth
from teleflow.services.ports import Sessions
from teleflow.storage.base import LoginStore, SessionStore, UserStore

_log = structlog.get_logger(__name__)
_PAGE = 200

__all__ = ["FirstAdmin", "NewUser", "TenantStore", "Users"]


class TenantStore(UserStore, LoginStore, SessionStore, Protocol):
    """What the tenants' use cases need of the storage."""


class Users:
    """Use cases about users."""

    def __init__(self, storage: TenantStore, accounts: Accounts, auth: Auth, sessions: Sessions) -> None:
        self._storage = storage
        self._accounts = accounts
        self._auth = auth
        self._sessions = sessions

    async def create(self, principal: Principal, new: NewUser, *, need_credentials: bool = True) -> User:
        """Raises Forbidden, Invalid, Conflict (the name is taken)."""
        _only_admins(principal)
        return await self._accounts.create(new, need_credentials=need_credentials, by=principal)

    async def page(self, principal: Principal, *, limit: int, offset: int) -> tuple[list[User], int]:
        """Users, newest first, and how many there are in all."""
        _only_admins(principal)
        return await self._accounts.page(limit=limit, offset=offset)

    async def get(self, principal: Principal, user_id: str) -> User:
        """Raises Forbidden, NotFound."""
        _only_admins(principal)
        user = await self._storage.user(user_id) if may_be_a_name(user_id) else None
        if user is None:
            raise NotFound("There is no user of this id", code="USER_NOT_FOUND")
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
        await self._remove(principal, user)

    async def delete_by_id(self, principal: Principal, user_id: str) -> None:
        """The same. Raises NotFound, Conflict (oneself)."""
        user = await self.get(principal, user_id)
        if user.id == principal.user_id:
            raise Conflict("You can't delete yourself", code="OWN_ACCOUNT")
        await self._remove(principal, user)

    async def set_role(self, principal: Principal, user_id: str, role: Role) -> User:
        """Raises NotFound, Conflict (oneself; nobody would be left who is an admin)."""
        user = await self.get(principal, user_id)
        if user.role is role:
            return user
        if user.id == principal.user_id:
            raise Conflict("You can't change your own role", code="OWN_ACCOUNT")
        changed = await self._accounts.set_role(user, role, by=principal)
        self._auth.forget_user(user.id)
        if changed is None:
            raise NotFound("There is no user of this id", code="USER_NOT_FOUND")
        return changed

    async def reset_password(self, principal: Principal, user_id: str, password: str) -> None:
        """Another user's; every login of theirs ends. Raises NotFound, Invalid, Conflict (oneself)."""
        user = await self.get(principal, user_id)
        if user.id == principal.user_id:
            raise Conflict("Your own password is changed at /api/v1/auth/password", code="OWN_ACCOUNT")
        await self._set_password(principal, user, password)

    async def change_password(self, principal: Principal, user: User, current: str, new: str) -> None:
        """One's own; every login ends, this one too. Raises Forbidden when `current` is wrong, Limited, Invalid."""
        await self._auth.confirm(principal, current, code="PASSWORD_WRONG")
        await self._set_password(principal, user, new)

    async def ensure_admin(self) -> FirstAdmin | None:
        """Make the first admin unless a user of that name exists; None when there was nothing to do."""
        return await self._accounts.ensure_admin()

    async def _set_password(self, principal: Principal, user: User, password: str) -> None:
        await self._accounts.set_password_of(user, password, by=principal)
        await self._auth.logout_all(user.id)

    async def _remove(self, principal: Principal, user: User) -> None:
        await self._auth.logout_all(user.id)
        for session in await self._sessions_of(user):
            await self._sessions.log_out(session)
        await self._accounts.remove_rows(user, by=principal)
        await self._auth.logout_all(user.id)
        _log.info("user.deleted", user=user.id, by=principal.user_id)

    async def _sessions_of(self, user: User) -> list[Session]:
        found: list[Session] = []
        while True:
            page = await self._storage.sessions(user.id, limit=_PAGE, after=found[-1].id if found else None)
            found.extend(page)
            if len(page) < _PAGE:
                return found


def _only_admins(principal: Principal) -> None:
    if not principal.may(Scope.ADMIN):
        raise Forbidden("Only an admin may do this")
