"""How the service is, and what it was told to be."""

from __future__ import annotations

import platform

from fastapi import APIRouter, Response

from teleflow import __version__
from teleflow.api.access import Uses
from teleflow.api.v1.access import Administrator, Reader
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.operation import operation
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/system", tags=["service"])


class SystemShape(Shape):
    """`uptime` in seconds, `loopLag` in milliseconds. `sessions`: how many of the caller's are in which state.

    `sandbox`: the service talks to the data centre in the box.
    """

    version: str
    runtime: str
    healthy: bool
    uptime: float
    started_at: str
    loop_lag: float
    sandbox: bool
    sessions: dict[str, int]


class SettingShape(Shape):
    """`value` is ``***`` for a secret, null where nothing is set and there is no default."""

    name: str
    value: str | None
    is_set: bool
    is_secret: bool
    description: str


@router.get("", summary="How is the service?", **operation("system.get", scope="read", data=SystemShape))
async def get(caller: Reader, services: Uses) -> Response:
    found = await services.system.condition(caller.principal)
    shape = SystemShape(
        version=__version__,
        runtime=f"python {platform.python_version()}",
        healthy=found.healthy,
        uptime=round(found.uptime, 3),
        started_at=iso(found.started_at),
        loop_lag=found.lag,
        sandbox=services.virtual_phones is not None,
        sessions=found.states,
    )
    return ok(shape)


@router.get(
    "/settings",
    summary="The settings in force",
    **operation("system.settings", scope="admin", data=list[SettingShape], unsafe=False),
)
async def settings(caller: Administrator, services: Uses) -> Response:
    """As docs/settings.md lists them. What is secret is not told."""
    found = services.system.settings(caller.principal)
    return ok(
        [
            SettingShape(
                name=one.name,
                value=one.value,
                is_set=one.is_set,
                is_secret=one.is_secret,
                description=one.description,
            )
            for one in found
        ],
        nulls=True,
    )
