"""What anybody may ask: is it up, can it work, and which version is it; and for admins, its metrics.

Clients of one older service read the fields at the top, clients of the other one in the envelope's `data`: both
are there.
"""

from __future__ import annotations

import platform
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from teleflow import __version__
from teleflow.api import access
from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.errors import Refusal
from teleflow.api.operation import operation
from teleflow.errors import Forbidden, StorageUnavailable, Unavailable
from teleflow.kit.clock import milliseconds
from teleflow.model.users import Scope
from teleflow.services.readiness import Check
from teleflow.wire.instants import iso

router = APIRouter(tags=["service"])


class SessionCount(BaseModel):
    active: int


class HealthData(BaseModel):
    """`uptime` in seconds."""

    status: Literal["ok", "degraded"]
    uptime: float
    timestamp: str
    sessions: SessionCount


class HealthAnswer(HealthData):
    success: bool
    data: HealthData


class CheckData(BaseModel):
    ok: bool
    cause: str | None = None


class ReadyData(BaseModel):
    """`checks` by the name of what is needed."""

    ready: bool
    checks: dict[str, CheckData]


class ReadyAnswer(ReadyData):
    success: bool
    data: ReadyData


class VersionData(BaseModel):
    name: str
    version: str
    runtime: str


class VersionAnswer(VersionData):
    success: Literal[True]
    data: VersionData


def _metrics() -> dict[str, Any]:
    declared = operation("service.metrics", errors=(403,))
    declared["responses"][200] = {"description": "Prometheus's text format", "content": {"text/plain": {}}}
    declared["openapi_extra"]["security"] = [{"BearerAuth": []}, {"ApiKeyAuth": []}]
    return declared


@router.get(
    "/health",
    summary="Is the service up?",
    response_model=HealthAnswer,
    **operation("service.health", access="anybody"),
)
async def health(services: Uses) -> dict[str, Any]:
    """`degraded` (with 503) means that the database does not answer: nothing can be accepted."""
    report = await services.health.report()
    data: dict[str, Any] = {
        "status": "ok" if report.healthy else "degraded",
        "uptime": round(report.uptime, 3),
        "timestamp": iso(milliseconds(report.timestamp)),
        "sessions": {"active": report.active_sessions},
    }
    if not report.healthy:
        error = StorageUnavailable("The database does not answer")
        raise Refusal(error, status=503, fields={"data": data, **data})
    return {"success": True, "data": data, **data}


@router.get(
    "/ready",
    summary="Can this node do its work now?",
    response_model=ReadyAnswer,
    **operation("service.ready", access="anybody"),
)
async def ready(services: Uses) -> dict[str, Any]:
    """200 when all that it needs answers, else 503 with what is in the way: `database` (nothing can be accepted),
    `telegram` (sends are accepted and wait).
    """
    checks = await services.readiness.checks()
    data: dict[str, Any] = {
        "ready": all(check.ok for check in checks.values()),
        "checks": {name: _told(check) for name, check in checks.items()},
    }
    if not data["ready"]:
        missing = ", ".join(name for name, check in checks.items() if not check.ok)
        raise Refusal(Unavailable(f"Not ready: {missing}", code="NOT_READY"), status=503, fields={"data": data, **data})
    return {"success": True, "data": data, **data}


def _told(check: Check) -> dict[str, Any]:
    return {"ok": check.ok} if check.cause is None else {"ok": check.ok, "cause": check.cause}


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    **_metrics(),
)
async def metrics(request: Request, services: Uses) -> Response:
    """For admins: `Authorization: Bearer`, or an API key with the scope `admin` in `X-API-Key`. With METRICS_PORT they
    are told at a port of their own instead, to whoever reaches it.
    """
    login = await access.proven(facts_module.of(request.scope), services)
    if not login.principal.may(Scope.ADMIN):
        raise Forbidden("Only an admin may do this")
    body, media_type = await services.metrics.exposed(request.headers.get("accept", ""))
    return Response(body, media_type=media_type)


@router.get("/version", summary="Which version is it?", **operation("service.version", access="anybody"))
async def version() -> VersionAnswer:
    data = VersionData(name="teleflow", version=__version__, runtime=f"python {platform.python_version()}")
    return VersionAnswer(success=True, data=data, **data.model_dump())
