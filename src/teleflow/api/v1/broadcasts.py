"""Broadcasts: one text to many who agreed to it, at a pace; their report; and who wants none."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import StreamingResponse

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.broadcast_shapes import (
    AddedShape,
    BroadcastBody,
    BroadcastPage,
    BroadcastShape,
    DryRunBody,
    ForecastShape,
    PreviewBody,
    PreviewShape,
    RecipientPage,
    RecipientsBody,
    broadcast_shape,
    forecast_shape,
    preview_shape,
    recipient_shape,
)
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.operation import operation
from teleflow.errors import Invalid
from teleflow.model.broadcasts import Broadcast, BroadcastState, Recipient, RecipientState
from teleflow.services.everything import Services

router = APIRouter(prefix="/api/v1/broadcasts", tags=["broadcasts"])
_NUMBER = re.compile(r"[0-9]{1,9}")
_COLUMNS = (
    "number",
    "to",
    "state",
    "chatId",
    "jobId",
    "messageId",
    "code",
    "reason",
    "stranger",
    "queuedAt",
    "endedAt",
)

_REPORT = operation("broadcasts.report", scope="read", data=str, errors=(404,))
_REPORT["response_model"] = None
_REPORT["response_class"] = StreamingResponse
_REPORT["responses"][200] = {
    "description": "A line for each recipient",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}


@router.get(
    "",
    summary="My broadcasts, newest first",
    **operation("broadcasts.list", scope="read", data=BroadcastPage, errors=(404, 422)),
)
async def list_(
    login: Reader,
    services: Uses,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=64)] = None,
    state: BroadcastState | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, plain, Query(ge=1, le=200)] = 50,
) -> Response:
    found = await services.broadcasts.mine(
        login.principal, limit=limit + 1, session_id=session_id, state=state, before=cursor
    )
    items = [broadcast_shape(one) for one in found[:limit]]
    more = len(found) > limit
    return ok(BroadcastPage(items=items, next_cursor=items[-1].id if more else None, has_more=more))


@router.post(
    "",
    summary="Prepare a broadcast",
    **operation("broadcasts.create", scope="write", data=BroadcastShape, status=201, body=BroadcastBody, errors=(404,)),
)
async def create(
    login: Writer, body: Annotated[BroadcastBody, Depends(json_body(BroadcastBody))], services: Uses
) -> Response:
    """A draft, to which further recipients may be added, until it is started. What is wrong with a recipient stands in
    the report, and does not keep the others. See docs/broadcasts.md.
    """
    made = await services.broadcasts.create(
        login.principal,
        body.session_id,
        body.name,
        body.plan(),
        [one.named() for one in body.recipients],
        start=body.start,
    )
    return await _told(services, made, 201)


@router.post(
    "/preview",
    summary="See what some recipients would be sent",
    **operation("broadcasts.preview", scope="write", data=list[PreviewShape], body=PreviewBody, errors=(404,)),
)
async def preview(
    login: Writer, body: Annotated[PreviewBody, Depends(json_body(PreviewBody))], services: Uses
) -> Response:
    """Nothing is kept, and nothing sent."""
    named = [one.named() for one in body.recipients]
    seen = await services.broadcasts.preview(login.principal, body.session_id, body.plan(), named)
    return ok([preview_shape(one) for one in seen])


@router.post(
    "/dry-run",
    summary="See who would be skipped, and why",
    **operation("broadcasts.dryRun", scope="write", data=ForecastShape, body=DryRunBody, errors=(404,)),
)
async def dry_run(
    login: Writer, body: Annotated[DryRunBody, Depends(json_body(DryRunBody))], services: Uses
) -> Response:
    """As far as it is known without asking Telegram. Nothing is kept, and nothing sent."""
    named = [one.named() for one in body.recipients]
    seen = await services.broadcasts.dry_run(login.principal, body.session_id, body.plan(), named)
    return ok(forecast_shape(seen))


@router.get(
    "/{broadcast_id}",
    summary="A broadcast and its counts",
    **operation("broadcasts.get", scope="read", data=BroadcastShape, errors=(404,)),
)
async def get(login: Reader, broadcast_id: str, services: Uses) -> Response:
    return await _told(services, await services.broadcasts.get(login.principal, broadcast_id))


@router.post(
    "/{broadcast_id}/recipients",
    summary="Add recipients to a draft",
    **operation("broadcasts.addRecipients", scope="write", data=AddedShape, body=RecipientsBody, errors=(404, 409)),
)
async def add(
    login: Writer,
    broadcast_id: str,
    body: Annotated[RecipientsBody, Depends(json_body(RecipientsBody))],
    services: Uses,
) -> Response:
    count = await services.broadcasts.add(login.principal, broadcast_id, [one.named() for one in body.recipients])
    return ok(AddedShape(recipients=count))


@router.get(
    "/{broadcast_id}/recipients",
    summary="The report: what became of each recipient",
    **operation("broadcasts.recipients", scope="read", data=RecipientPage, errors=(404, 422)),
)
async def recipients(
    login: Reader,
    broadcast_id: str,
    services: Uses,
    state: RecipientState | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, plain, Query(ge=1, le=1_000)] = 100,
) -> Response:
    if cursor is not None and not _NUMBER.fullmatch(cursor):
        raise Invalid("This is no cursor of ours", code="CURSOR_INVALID")
    found = await services.broadcasts.recipients(
        login.principal, broadcast_id, limit=min(limit + 1, 1_000), state=state, after=int(cursor or 0)
    )
    more = len(found) > limit or (limit == 1_000 and len(found) == limit)
    items = [recipient_shape(one) for one in found[:limit]]
    return ok(RecipientPage(items=items, next_cursor=str(items[-1].number) if more else None, has_more=more))


@router.get(
    "/{broadcast_id}/report",
    summary="The whole report as CSV",
    **_REPORT,
)
async def report(login: Reader, broadcast_id: str, services: Uses) -> Response:
    """`text/csv`, streamed: a line for each recipient, with the names of the report's fields above."""
    pages = await services.broadcasts.report(login.principal, broadcast_id)
    headers = {"content-disposition": f'attachment; filename="{broadcast_id}.csv"'}
    return StreamingResponse(_csv(pages), media_type="text/csv; charset=utf-8", headers=headers)


@router.post(
    "/{broadcast_id}/start",
    summary="Start a draft",
    **operation("broadcasts.start", scope="write", data=BroadcastShape, errors=(404, 409)),
)
async def start(login: Writer, broadcast_id: str, services: Uses) -> Response:
    return await _told(services, await services.broadcasts.move(login.principal, broadcast_id, BroadcastState.RUNNING))


@router.post(
    "/{broadcast_id}/pause",
    summary="Pause a broadcast",
    **operation("broadcasts.pause", scope="write", data=BroadcastShape, errors=(404, 409)),
)
async def pause(login: Writer, broadcast_id: str, services: Uses) -> Response:
    """What is on its way to Telegram at this moment still arrives; nothing else does."""
    return await _told(services, await services.broadcasts.move(login.principal, broadcast_id, BroadcastState.PAUSED))


@router.post(
    "/{broadcast_id}/resume",
    summary="Go on with one that was paused, or has stopped",
    **operation("broadcasts.resume", scope="write", data=BroadcastShape, errors=(404, 409)),
)
async def resume(login: Writer, broadcast_id: str, services: Uses) -> Response:
    """After a stop: look at its `cause` first. Whoever was reached is not written to again."""
    return await _told(services, await services.broadcasts.move(login.principal, broadcast_id, BroadcastState.RUNNING))


@router.post(
    "/{broadcast_id}/cancel",
    summary="End a broadcast for good",
    **operation("broadcasts.cancel", scope="write", data=BroadcastShape, errors=(404, 409)),
)
async def cancel(login: Writer, broadcast_id: str, services: Uses) -> Response:
    return await _told(
        services, await services.broadcasts.move(login.principal, broadcast_id, BroadcastState.CANCELLED)
    )


async def _told(services: Services, one: Broadcast, status: int = 200) -> Response:
    return ok(broadcast_shape(one, await services.broadcasts.counts(one)), status)


async def _csv(pages: AsyncIterator[list[Recipient]]) -> AsyncIterator[str]:
    yield _lines([list(_COLUMNS)])
    async for page in pages:
        yield _lines([_cells(one) for one in page])


def _cells(one: Recipient) -> list[Any]:
    told = recipient_shape(one).model_dump(by_alias=True)
    return [_safe(told[name]) for name in _COLUMNS]


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is quoted; numbers, refs and instants are none."""
    if isinstance(value, str) and value.startswith(("=", "-", "\t", "\r")):
        return f"'{value}" if not value[1:].isdigit() else value
    return value


def _lines(rows: list[list[Any]]) -> str:
    made = io.StringIO()
    csv.writer(made).writerows(rows)
    return made.getvalue()
