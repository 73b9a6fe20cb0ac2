"""Only for this machine: the control API has no password, so it listens on loopback and answers nobody else's page.

A page in a browser can make requests to loopback too. It cannot hide its origin, nor (by a name that resolves to
loopback) the host it believes to speak to; a request that shows either is refused.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def is_loopback(host: str | None) -> bool:
    """Whether a host as written in an address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def loopback_of(host: str) -> str:
    """Where the control API of a data centre on `host` listens."""
    return host if is_loopback(host) and host != "localhost" else "127.0.0.1"


class LocalOnly:
    """ASGI middleware: 403 unless Host, and Origin where there is one, are this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _local(dict(scope["headers"])):
            error = {"error": {"code": "FORBIDDEN", "message": "the control API is for this machine only"}}
            await JSONResponse(error, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _local(headers: dict[bytes, bytes]) -> bool:
    try:
        host = urlsplit("//" + headers.get(b"host", b"").decode("latin-1")).hostname
        origin = headers.get(b"origin")
        return is_loopback(host) and (origin is None or is_loopback(urlsplit(origin.decode("latin-1")).hostname))
    except ValueError:
        return False
