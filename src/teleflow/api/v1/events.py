"""The event log: pulled a page at a time, or followed as a stream."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import ConfigDict, Field

from teleflow.api import facts
from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1 import admission
from teleflow.api.v1.access import Reader
from teleflow.api.v1.envelope import Body, Shape, ok, plain
from teleflow.api.v1.event_stream import HEADERS, EventStream
from teleflow.api.v1.operation import operation
from teleflow.api.v1.streaming import Place, Streaming
from teleflow.errors import Invalid
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/events", tags=["events"])
Types = Annotated[str | None, Query(max_length=1000, description="Types, comma-separated: exact, `message.*`, or `*`")]
SessionId = Annotated[str | None, Query(alias="sessionId", max_length=64)]
After = Annotated[str | None, Query(max_length=64, description="An event's id, or a page's `nextCursor`")]


Ticket = Annotated[str | None, Query(max_length=64, description="A one-time ticket, in place of other proof")]


class EventShape(Shape):
    """Something that happened. Its id is the same however often it is sent."""

    id: str
    type: str
    session_id: str | None
    timestamp: str
    data: dict[str, Any]


class EventPage(Shape):
    """Oldest first. `nextCursor` is always set; a page may be empty and yet have a next one (`hasMore`)."""

    items: list[EventShape]
    next_cursor: str
    oldest_cursor: str
    has_more: bool


@router.get(
    "/log",
    summary="What has happened, oldest first",
    **operation("events.list", scope="read", data=EventPage, errors=(404, 409, 422)),
)
async def log(
    login: Reader,
    services: Uses,
    after: After = None,
    types: Types = None,
    session_id: SessionId = None,
    limit: Annotated[int, digits, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Without `after`, from the oldest that is kept. 409 CURSOR_EXPIRED: the log no longer goes back so far."""
    wanted = await services.events.wanted(login.principal, types=admission.listed(types), session_id=session_id)
    page = await services.events.page(login.principal, wanted, after=after, limit=limit)
    return plain(
        {
            "items": [msgspec.Raw(event.body) for event in page.events],
            "nextCursor": page.next_cursor,
            "oldestCursor": page.oldest_cursor,
            "hasMore": page.has_more,
        }
    )


_STREAM = operation("events.stream", scope="read", data=EventShape, errors=(404, 422))
_STREAM["response_model"] = None
_STREAM["responses"][200] = {
    "description": "Events, as they happen, until either side ends it",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.get("", summary="What happens, as it happens", response_class=EventStream, **_STREAM)
async def stream(
    request: Request,
    login: Reader,
    services: Uses,
    after: After = None,
    types: Types = None,
    session_id: SessionId = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    ticket: Ticket = None,  # noqa: ARG001 - the gate has taken it
) -> Response:
    """Server-sent events: `id`, `event` and `data` of each. `Last-Event-ID`, or `after`, goes on where one was.

    `stream.reset`: the log no longer goes back so far, and goes on from its oldest. `stream.closed`: ended, for its
    `reason`: `credentials_ended`, `unverified`, `slow`, `shutdown` or `failed`.
    """
    known = facts.of(request.scope)
    wanted = await admission.wanted(request.scope, services, types=admission.listed(types), session_id=session_id)
    place = Place(await services.events.start(login.principal, after=after, last_seen=last_event_id))
    if known.method == "HEAD":
        return Response(headers=HEADERS)
    still = admission.still(request.scope, known, services)
    return EventStream(Streaming(services.events, services.clock), login.principal, wanted, place, still)


class TicketBody(Body):
    """What the stream may tell: all that the caller sees, unless it is narrowed here."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": ["message.*"]}]})

    events: list[Annotated[str, Field(max_length=64)]] | None = Field(None, min_length=1, max_length=50)
    session_id: str | None = Field(None, max_length=64)


class TicketShape(Shape):
    """Shown in this answer only."""

    ticket: str
    expires_at: str


@router.post(
    "/tickets",
    summary="Make a one-time ticket for a stream",
    **operation("events.createTicket", scope="read", data=TicketShape, status=201, body=TicketBody, errors=(404,)),
)
async def ticket(
    request: Request, login: Reader, body: Annotated[TicketBody, Depends(json_body(TicketBody))], services: Uses
) -> Response:
    """For browsers, which can set no header there: `?ticket=` opens one stream within 30 seconds, by SSE or WebSocket.

    The stream sees what the caller sees, and ends when what proved the caller does.
    """
    until = admission.token_end(facts.of(request.scope), services)
    made = await services.tickets.make(login.principal, types=body.events, session_id=body.session_id, until=until)
    return ok(TicketShape(ticket=made.ticket, expires_at=iso(made.expires_at)), 201)


_SOCKET = operation("events.socket", scope="read", data=EventShape, status=101, errors=(404, 409, 422, 426))
_SOCKET["response_model"] = None
_SOCKET["responses"][101] = {"description": "The connection is a WebSocket: a JSON object a frame"}
sockets = APIRouter(prefix="/api/v1", tags=["events"])


@sockets.get("/ws", summary="What happens, over a WebSocket", **_SOCKET)
async def socket(
    request: Request,
    login: Reader,  # noqa: ARG001 - it has a scope
    services: Uses,
    after: After = None,  # noqa: ARG001 - for the document
    types: Types = None,
    session_id: SessionId = None,
    ticket: Ticket = None,  # noqa: ARG001 - the gate has taken it
) -> Response:
    """The first frame is `connected`. Then events, and answers to what is said.

    Say `{"action": "subscribe"|"unsubscribe", "events": […]}` or `{"action": "resume", "after": …}`. Everything, or
    what `types` names, is subscribed at first.

    Close codes: 4401 what proved the reader has ended, 4408 too slow, 1001 the service stops, 1008 too many frames,
    1009 a frame too large.
    """
    await admission.wanted(request.scope, services, types=admission.listed(types), session_id=session_id)
    facts.of(request.scope).told.append((b"upgrade", b"websocket"))
    raise Invalid("This is a WebSocket: connect with a WebSocket client", code="UPGRADE_REQUIRED")
