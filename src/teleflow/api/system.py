"""What anybody may ask: is it up, and which version is it.

Clients of one older service read the fields at the top, clients of the other one in the envelope's `data`: both
are there.
"""

from __future__ import annotations

import platform
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from teleflow import __version__
from teleflow.api.access import Uses
from teleflow.api.errors import Refusal
from teleflow.api.operation import operation
from teleflow.errors import StorageUnavailable
from teleflow.kit.clock import milliseconds
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


class VersionData(BaseModel):
    name: str
    version: str
    runtime: str


class VersionAnswer(VersionData):
    success: Literal[True]
    data: VersionData


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


@router.get("/version", summary="Which version is it?", **operation("service.version", access="anybody"))
async def version() -> VersionAnswer:
    data = VersionData(name="teleflow", version=__version__, runtime=f"python {platform.python_version()}")
    return VersionAnswer(success=True, data=data, **data.model_dump())
