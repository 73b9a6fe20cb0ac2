"""What every request under `/api/v1` passes before the framework sees it.

Promises: nothing under `/api/v1` but what is named in OPEN is reached by somebody who is not proven; each caller is
held to their number of requests and told how they stand; an unsafe request with an Idempotency-Key is carried out
once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from teleflow.api import access, facts
from teleflow.api.facts import Facts
from teleflow.api.v1 import admission, idempotency
from teleflow.api.v1.access import KEY
from teleflow.api.v1.limits import Limits
from teleflow.errors import Malformed, Unauthenticated
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin

# A route that is answered right here, for a caller who is proven and within their limit; None leaves it to the
# framework, for whatever is not asked in the usual way.
Thin = Callable[[Scope, Receive, LiveLogin], Awaitable[Response | None]]
PREFIX = "/api/v1/"
OPEN = frozenset({"/api/v1/auth/login", "/api/v1/auth/sign-in"})


class Gate:
    """An ASGI application around the framework's, inside the edge."""

    def __init__(
        self, app: ASGIApp, services: Services, limits: Limits, *, thin: Mapping[tuple[str, str], Thin], socket: ASGIApp
    ) -> None:
        self._app = app
        self._thin = dict(thin)
        self._services = services
        self._limits = limits
        self._socket = socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if not path.startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        known = facts.of(scope)
        login = await self._proven(scope, known, path)
        self._limits.count(known, login)
        scope[KEY] = login
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        thin = self._thin.get((known.method, path)) or self._thin.get((known.method, _of_a_session(path)))
        if thin is not None and login is not None:
            answer = await thin(scope, receive, login)
            if answer is not None:
                await answer(scope, receive, send)
                return
        key = None if login is None else idempotency.wanted(known, path)
        if login is None or key is None:
            await self._app(scope, receive, send)
            return
        await idempotency.once(self._app, self._services.requests, login, key, scope, receive, send)

    async def _proven(self, scope: Scope, known: Facts, path: str) -> LiveLogin | None:
        """Who it is; None for somebody unknown where anybody may come. Raises Unauthenticated, Malformed, Limited."""
        try:
            if path in OPEN and b"x-api-key" not in known.headers:
                return None
            if path.startswith(facts.LINKS):
                return access.seen(await self._services.file_links.holder(path.removeprefix(facts.LINKS)), known)
            return await admission.proven(scope, known, self._services)
        except (Unauthenticated, Malformed):
            self._limits.count(known, None)
            raise


def _of_a_session(path: str) -> str:
    """`/api/v1/sessions/abc/invoke` as it is written in `thin`: `/api/v1/sessions/{}/invoke`."""
    parts = path.split("/")
    if len(parts) != 6 or parts[3] != "sessions":
        return path
    return f"{PREFIX}sessions/{{}}/{parts[5]}"
