"""How the service is, and what it was told to be."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from teleflow import __version__
from teleflow.api.access import Uses
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Administrator, Reader
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.operation import operation
from teleflow.kit.clock import milliseconds
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


class SampleShape(Shape):
    """Ten seconds of this node, up to `at`. `deliveryLag` (the mean) and `loopLag` (the worst) in milliseconds."""

    at: str
    sends: int
    sends_failed: int
    flood_waits: int
    requests: int
    requests_failed: int
    events: int
    delivered: int
    delivery_failed: int
    delivery_lag: float | None
    loop_lag: float
    sessions: dict[str, int]


@router.get(
    "/history",
    summary="How the last hours went",
    **operation("system.history", scope="admin", data=list[SampleShape], errors=(422,), unsafe=False),
)
async def history(
    caller: Administrator,
    services: Uses,
    minutes: Annotated[int, digits, Query(ge=1, le=360, description="How far back")] = 60,
) -> Response:
    """Of this node, all users together, oldest first: six hours at most, and none from before its start."""
    since = milliseconds(services.clock.time() - minutes * 60)
    found = services.metrics.history(caller.principal, since=since)
    return ok([SampleShape(**{**asdict(one), "at": iso(one.at)}) for one in found], nulls=True)


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
