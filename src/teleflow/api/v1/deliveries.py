"""The delivery console: what became of each delivery, and sending again what did not arrive."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.webhook_shapes import (
    DeliveryDetailShape,
    DeliveryPage,
    RecoverBody,
    RecoveryShape,
    StateName,
    StatsShape,
    delivery_shape,
    detail_shape,
    recovery_shape,
    stats_shape,
)
from teleflow.kit.clock import milliseconds
from teleflow.model.webhooks import DeliveryState
from teleflow.services.deliveries import DAY_MS, Wanted
from teleflow.wire.instants import parse_iso

router = APIRouter(prefix="/api/v1/webhooks/{webhook_id}", tags=["webhooks"])
Since = Annotated[str | None, Query(max_length=40, description="An instant, ISO 8601")]
_NOT_GOT = frozenset(DeliveryState) - {DeliveryState.DELIVERED}


@router.get(
    "/deliveries",
    summary="What became of deliveries, newest first",
    **operation("deliveries.list", scope="read", data=DeliveryPage, errors=(404, 422)),
)
async def list_(
    caller: Reader,
    webhook_id: str,
    services: Uses,
    limit: Annotated[int, plain, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=64, description="`nextCursor` of the page before")] = None,
    success: Annotated[bool | None, Query(description="Delivered, or not (yet)")] = None,
    state: Annotated[StateName | None, Query()] = None,
    event: Annotated[str | None, Query(max_length=64, description="An event type")] = None,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=64)] = None,
    since: Since = None,
) -> Response:
    """They are kept as long as events are, by their age (EVENT_RETENTION_DAYS)."""
    states = None if state is None else frozenset({DeliveryState(state)})
    if success is not None:
        asked = frozenset({DeliveryState.DELIVERED}) if success else _NOT_GOT
        states = asked if states is None else states & asked
    wanted = Wanted(states, event, session_id, None if since is None else parse_iso(since, field="since"))
    found = await services.deliveries.page(caller.principal, webhook_id, wanted, limit=limit + 1, before=cursor)
    more = len(found) > limit
    items = [delivery_shape(one) for one in found[:limit]]
    return ok(DeliveryPage(items=items, next_cursor=items[-1].id if more else None, has_more=more), nulls=True)


@router.get(
    "/deliveries/{delivery_id}",
    summary="Get a delivery with its attempts",
    **operation("deliveries.get", scope="read", data=DeliveryDetailShape, errors=(404,)),
)
async def get(caller: Reader, webhook_id: str, delivery_id: str, services: Uses) -> Response:
    return ok(detail_shape(await services.deliveries.get(caller.principal, webhook_id, delivery_id)), nulls=True)


@router.post(
    "/deliveries/{delivery_id}/resend",
    summary="Deliver once more",
    **operation("deliveries.resend", scope="write", data=DeliveryDetailShape, status=202, errors=(404, 409)),
)
async def resend(caller: Writer, webhook_id: str, delivery_id: str, services: Uses) -> Response:
    """Under the same id and with the same bytes; the retry policy begins anew."""
    told = await services.deliveries.resend(caller.principal, webhook_id, delivery_id)
    return ok(detail_shape(told), 202, nulls=True)


@router.get(
    "/stats",
    summary="How deliveries went",
    **operation("deliveries.stats", scope="read", data=StatsShape, errors=(404, 422)),
)
async def stats(caller: Reader, webhook_id: str, services: Uses, since: Since = None) -> Response:
    """Of those planned since an instant; without one, in the last 24 hours."""
    from_ = milliseconds(services.clock.time()) - DAY_MS if since is None else parse_iso(since, field="since")
    found = await services.deliveries.stats(caller.principal, webhook_id, since=from_)
    return ok(stats_shape(found, from_), nulls=True)


@router.post(
    "/recoveries",
    summary="Send again what did not arrive",
    **operation(
        "recoveries.create", scope="write", data=RecoveryShape, status=202, body=RecoverBody, errors=(404, 409)
    ),
)
async def recover(
    caller: Writer, webhook_id: str, body: Annotated[RecoverBody, Depends(json_body(RecoverBody))], services: Uses
) -> Response:
    """Of the events from `since` to `until` (now): what failed, was cancelled, or was never planned because the webhook
    was not active. A job, which goes on after a restart.
    """
    recovery = await services.deliveries.recover(
        caller.principal,
        webhook_id,
        since=parse_iso(body.since, field="since"),
        until=None if body.until is None else parse_iso(body.until, field="until"),
    )
    return ok(recovery_shape(recovery), 202, nulls=True)


@router.get(
    "/recoveries",
    summary="The last hundred recoveries, newest first",
    **operation("recoveries.list", scope="read", data=list[RecoveryShape], errors=(404,)),
)
async def recoveries(caller: Reader, webhook_id: str, services: Uses) -> Response:
    found = await services.deliveries.recoveries(caller.principal, webhook_id)
    return ok([recovery_shape(one) for one in found], nulls=True)


@router.get(
    "/recoveries/{recovery_id}",
    summary="Get a recovery",
    **operation("recoveries.get", scope="read", data=RecoveryShape, errors=(404,)),
)
async def recovery(caller: Reader, webhook_id: str, recovery_id: str, services: Uses) -> Response:
    found = await services.deliveries.recovery(caller.principal, webhook_id, recovery_id)
    return ok(recovery_shape(found), nulls=True)


@router.delete(
    "/recoveries/{recovery_id}",
    summary="Cancel a recovery",
    **operation("recoveries.cancel", scope="write", data=RecoveryShape, errors=(404,)),
)
async def cancel(caller: Writer, webhook_id: str, recovery_id: str, services: Uses) -> Response:
    """What it has begun goes on."""
    return ok(recovery_shape(await services.deliveries.cancel(caller.principal, webhook_id, recovery_id)), nulls=True)
