"""Who calls a route of `/api/v1`, and whether they may.

The gate has found out who it is before the framework saw the request; here their scopes are looked at.
`Reader`, `Writer` and `Administrator` are what a route asks for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope as AsgiScope

from teleflow.errors import Forbidden, Unauthenticated
from teleflow.model.users import Scope
from teleflow.services.logins import LiveLogin

KEY = "teleflow.login"  # where a scope keeps who calls


def caller_of(scope: AsgiScope) -> LiveLogin:
    login: LiveLogin | None = scope.get(KEY)
    if login is None:
        raise Unauthenticated("Not authenticated")
    return login


def needs(wanted: Scope) -> Callable[[Request], Awaitable[LiveLogin]]:
    """A dependency: the caller, if they may do what needs this scope. Raises Forbidden."""
    return _CHECKS[wanted]


def check(login: LiveLogin, wanted: Scope) -> None:
    """Raises Forbidden."""
    if not login.principal.may(wanted):
        if wanted is Scope.ADMIN and not login.principal.is_admin:
            raise Forbidden("Only an admin may do this")
        raise Forbidden(f"This API key has not the scope {wanted.value}")


def _check(wanted: Scope) -> Callable[[Request], Awaitable[LiveLogin]]:
    async def checked(request: Request) -> LiveLogin:
        login = caller_of(request.scope)
        check(login, wanted)
        return login

    return checked


_CHECKS = {scope: _check(scope) for scope in Scope}
Reader = Annotated[LiveLogin, Depends(needs(Scope.READ))]
Writer = Annotated[LiveLogin, Depends(needs(Scope.WRITE))]
Administrator = Annotated[LiveLogin, Depends(needs(Scope.ADMIN))]
