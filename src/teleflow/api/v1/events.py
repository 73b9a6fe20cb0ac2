"""The event log: pulled a page at a time, or followed as a stream."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from teleflow.api import access, facts
from teleflow.api.access import Uses
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, check
from teleflow.api.v1.envelope import Shape, plain
from teleflow.api.v1.event_stream import HEADERS, EventStream
from teleflow.api.v1.operation import operation
from teleflow.api.v1.streaming import Place, Streaming
from teleflow.model.users import Principal, Scope

router = APIRouter(prefix="/api/v1/events", tags=["events"])
Types = Annotated[str | None, Query(max_length=1000, description="Types, comma-separated: exact, `message.*`, or `*`")]
SessionId = Annotated[str | None, Query(alias="sessionId", max_length=64)]
After = Annotated[str | None, Query(max_length=64, description="An event's id, or a page's `nextCursor`")]


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
    wanted = await services.events.wanted(login.principal, types=types, session_id=session_id)
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
) -> Response:
    """Server-sent events: `id`, `event` and `data` of each. `Last-Event-ID`, or `after`, goes on where one was.

    `stream.reset`: the log no longer goes back so far, and goes on from its oldest. `stream.closed`: ended, for its
    `reason`: `credentials_ended`, `unverified`, `slow`, `shutdown` or `failed`.
    """
    wanted = await services.events.wanted(login.principal, types=types, session_id=session_id)
    place = Place(await services.events.start(login.principal, after=after, last_seen=last_event_id))
    known = facts.of(request.scope)
    if known.method == "HEAD":
        return Response(headers=HEADERS)

    async def still() -> Principal:
        fresh = await access.proven(known, services)
        check(fresh, Scope.READ)
        return fresh.principal

    return EventStream(Streaming(services.events, services.clock), login.principal, wanted, place, still)
