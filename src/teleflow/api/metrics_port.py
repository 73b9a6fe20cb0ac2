"""The application behind METRICS_PORT: the metrics and how the node is, and nothing else, to whoever gets here."""

from __future__ import annotations

import json

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from teleflow.services.everything import Services


def build_metrics_app(services: Services) -> ASGIApp:
    """For an ASGI server. `GET /metrics`; `GET /ready`, in short."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await _answer(services, scope))(scope, receive, send)

    return app


async def _answer(services: Services, scope: Scope) -> Response:
    if scope["method"] not in {"GET", "HEAD"}:
        return Response(status_code=405, headers={"allow": "GET, HEAD"})
    if scope["path"] == "/metrics":
        body, media_type = await services.metrics.exposed(Headers(scope=scope).get("accept", ""))
        return Response(body, media_type=media_type)
    if scope["path"] == "/ready":
        checks = await services.readiness.checks()
        told = {name: check.cause or "ok" for name, check in checks.items()}
        ready = all(check.ok for check in checks.values())
        return Response(json.dumps(told), 200 if ready else 503, media_type="application/json")
    return Response(status_code=404)
