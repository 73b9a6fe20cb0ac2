"""What every request under `/api/v1` passes before the framework sees it: who is it?

Promises: nothing under `/api/v1` but what is named in OPEN is reached by somebody who is not proven.
"""

from __future__ import annotations

import dataclasses

from starlette.types import ASGIApp, Receive, Scope, Send

from teleflow.api import access, facts
from teleflow.api.v1.access import KEY
from teleflow.services.everything import Services

PREFIX = "/api/v1/"
OPEN = frozenset({"/api/v1/auth/login"})


class Gate:
    """An ASGI application around the framework's, inside the edge."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(PREFIX) and path not in OPEN:
            known = facts.of(scope)
            login = await access.recognised(known, self._services)
            principal = dataclasses.replace(login.principal, address=known.address, request_id=known.request_id)
            scope[KEY] = dataclasses.replace(login, principal=principal)
        await self._app(scope, receive, send)
