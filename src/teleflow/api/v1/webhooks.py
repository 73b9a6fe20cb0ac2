"""Webhooks: made, changed, tried out, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.webhook_shapes import (
    DeliveryDetailShape,
    GoneShape,
    NewWebhookBody,
    RotateBody,
    WebhookBody,
    WebhookShape,
    detail_shape,
    webhook_shape,
)

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])


@router.get(
    "", summary="List my webhooks, newest first", **operation("webhooks.list", scope="read", data=list[WebhookShape])
)
async def list_(caller: Reader, services: Uses) -> Response:
    return ok([webhook_shape(one) for one in await services.webhooks.mine(caller.principal)], nulls=True)


@router.post(
    "",
    summary="Have events sent to a URL",
    **operation(
        "webhooks.create", scope="write", data=WebhookShape, status=201, body=NewWebhookBody, errors=(404, 409)
    ),
)
async def create(
    caller: Writer, body: Annotated[NewWebhookBody, Depends(json_body(NewWebhookBody))], services: Uses
) -> Response:
    """The secret is shown in this answer only. It signs every delivery: see docs/webhooks.md."""
    return ok(webhook_shape(await services.webhooks.create(caller.principal, body.wish()), shown=True), 201, nulls=True)


@router.get(
    "/{webhook_id}",
    summary="Get a webhook",
    **operation("webhooks.get", scope="read", data=WebhookShape, errors=(404,)),
)
async def get(caller: Reader, webhook_id: str, services: Uses) -> Response:
    return ok(webhook_shape(await services.webhooks.get(caller.principal, webhook_id)), nulls=True)


@router.put(
    "/{webhook_id}",
    summary="Change a webhook",
    **operation("webhooks.update", scope="write", data=WebhookShape, body=WebhookBody, errors=(404,)),
)
async def update(
    caller: Writer, webhook_id: str, body: Annotated[WebhookBody, Depends(json_body(WebhookBody))], services: Uses
) -> Response:
    """A new secret counts at once: to have both count for a while, rotate it. Inactive, what waits is cancelled."""
    changed = await services.webhooks.update(caller.principal, webhook_id, body.wish())
    return ok(webhook_shape(changed), nulls=True)


@router.delete(
    "/{webhook_id}",
    summary="Delete a webhook and its deliveries",
    **operation("webhooks.delete", scope="write", data=GoneShape, errors=(404,)),
)
async def delete(caller: Writer, webhook_id: str, services: Uses) -> Response:
    await services.webhooks.delete(caller.principal, webhook_id)
    return ok(GoneShape(id=webhook_id))


@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Give a webhook a new secret",
    **operation("webhooks.rotate", scope="write", data=WebhookShape, body=RotateBody, errors=(404,)),
)
async def rotate(
    caller: Writer, webhook_id: str, body: Annotated[RotateBody, Depends(json_body(RotateBody))], services: Uses
) -> Response:
    """The new one is shown in this answer only; for a while deliveries carry signatures of both."""
    rotated = await services.webhooks.rotate(
        caller.principal, webhook_id, secret=body.secret, overlap=body.overlap_seconds
    )
    return ok(webhook_shape(rotated, shown=True), nulls=True)


@router.post(
    "/{webhook_id}/enable",
    summary="Enable a webhook, also one that the service has disabled",
    **operation("webhooks.enable", scope="write", data=WebhookShape, errors=(404,)),
)
async def enable(caller: Writer, webhook_id: str, services: Uses) -> Response:
    return ok(webhook_shape(await services.webhooks.enable(caller.principal, webhook_id)), nulls=True)


@router.post(
    "/{webhook_id}/test",
    summary="Send a test to a webhook",
    **operation("webhooks.test", scope="write", data=DeliveryDetailShape, errors=(404, 409)),
)
async def test(caller: Writer, webhook_id: str, services: Uses) -> Response:
    """One attempt with an event of type `webhook.test`, and how it ended."""
    return ok(detail_shape(await services.deliveries.test(caller.principal, webhook_id)), nulls=True)
