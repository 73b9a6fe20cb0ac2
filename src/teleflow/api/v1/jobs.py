"""Sends as jobs: look at them, list them, cancel what has not left."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from teleflow.api.access import Uses
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.job_shapes import JobShape, JobsShape
from teleflow.api.v1.operation import operation
from teleflow.model.jobs import SendJob, SendState
from teleflow.services.everything import Services
from teleflow.wire.jobs import told_job

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.get(
    "", summary="My jobs, newest first", **operation("jobs.list", scope="read", data=JobsShape, errors=(404, 422))
)
async def list_(
    login: Reader,
    services: Uses,
    session_id: Annotated[str | None, Query(alias="sessionId", max_length=64)] = None,
    state: SendState | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, plain, Query(ge=1, le=200)] = 50,
) -> Response:
    """`cursor` is the `nextCursor` of the page before. A page may be short and yet have a next one."""
    jobs, more = await services.sends.jobs(
        login.principal, limit=limit, session_id=session_id, state=state, before=cursor
    )
    page: dict[str, Any] = {"items": [_told(services, job) for job in jobs], "hasMore": more is not None}
    if more is not None:
        page["nextCursor"] = more
    return ok(page)


@router.get("/{id}", summary="One job", **operation("jobs.get", scope="read", data=JobShape, errors=(404,)))
async def get(login: Reader, id: str, services: Uses) -> Response:  # noqa: A002 - the path's name
    return ok(_told(services, await services.sends.job(login.principal, id)))


@router.post(
    "/{id}/cancel", summary="Cancel a job", **operation("jobs.cancel", scope="write", data=JobShape, errors=(404, 409))
)
async def cancel(login: Writer, id: str, services: Uses) -> Response:  # noqa: A002 - the path's name
    """Only what has not left can be cancelled (409 otherwise); a second time changes nothing."""
    return ok(_told(services, await services.sends.cancel(login.principal, id)))


def _told(services: Services, job: SendJob) -> dict[str, Any]:
    return told_job(job, partial(services.file_ids.token, job.session_id))
