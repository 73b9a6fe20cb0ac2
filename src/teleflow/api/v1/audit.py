"""The audit log, for admins."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from teleflow.api.access import Uses
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Administrator
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.operation import operation
from teleflow.errors import Invalid
from teleflow.model.audit import AuditEntry
from teleflow.wire.instants import iso, parse_iso

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
_CURSOR = re.compile(r"[0-9]{1,18}")


class EntryShape(Shape):
    """`userId` is whose thing it was, `actorId` who did it; both are missing where nobody was proven."""

    id: str
    action: str
    user_id: str | None = None
    actor_id: str | None = None
    actor: str
    target: str | None = None
    details: dict[str, Any]
    address: str
    request_id: str
    created_at: str


class EntryPage(Shape):
    items: list[EntryShape]
    next_cursor: str | None = None
    has_more: bool


@router.get(
    "",
    summary="What was done that matters for security, newest first",
    **operation("audit.list", scope="admin", data=EntryPage, errors=(422,), unsafe=False),
)
async def list_(
    caller: Administrator,
    services: Uses,
    limit: Annotated[int, plain, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=64, description="`nextCursor` of the page before")] = None,
    action: Annotated[str | None, Query(max_length=64)] = None,
    user_id: Annotated[str | None, Query(alias="userId", max_length=64, description="Owner or actor")] = None,
    since: Annotated[str | None, Query(max_length=40, description="An instant, ISO 8601")] = None,
) -> Response:
    """Entries are kept as long as the setting AUDIT_RETENTION_DAYS says."""
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise Invalid("This is no cursor of ours", code="CURSOR_INVALID")
    entries = await services.audit.page(
        caller.principal,
        limit=limit + 1,
        before=None if cursor is None else int(cursor),
        action=action,
        user_id=user_id,
        since=None if since is None else parse_iso(since, field="since"),
    )
    more = len(entries) > limit
    items = [_shape(entry) for entry in entries[:limit]]
    return ok(EntryPage(items=items, next_cursor=items[-1].id if more else None, has_more=more))


def _shape(entry: AuditEntry) -> EntryShape:
    return EntryShape(
        id=str(entry.id),
        action=entry.action,
        user_id=entry.user_id,
        actor_id=entry.actor_id,
        actor=entry.actor,
        target=entry.target,
        details=dict(entry.details),
        address=entry.address,
        request_id=entry.request_id,
        created_at=iso(entry.created_at),
    )
