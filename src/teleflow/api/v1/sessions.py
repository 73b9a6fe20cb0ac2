"""Sessions over `/api/v1`: how they are, what they are called, whether they are connected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import Told, ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.session_shapes import ChangeSessionBody, OneSessionShape, SessionShape, given_proxy

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"])
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(max_length=64, description="The last id of the page before")]


@router.get(
    "", summary="My sessions", **operation("sessions.list", scope="read", data=list[SessionShape], errors=(422,))
)
async def list_sessions(login: Reader, services: Uses, limit: Limit = 1000, after: After = None) -> Response:
    """Newest first."""
    views = await services.sessions.page(login.principal, limit=limit, after=after)
    return ok([SessionShape.of(view) for view in views], nulls=True)


@router.get(
    "/{session_id}",
    summary="One session",
    **operation("sessions.get", scope="read", data=OneSessionShape, errors=(404,)),
)
async def get_session(session_id: str, login: Reader, services: Uses) -> Response:
    view = await services.sessions.get(login.principal, session_id)
    profile = await services.sessions.profile(login.principal, session_id)
    pace = await services.sessions.pace(login.principal, session_id)
    return ok(OneSessionShape.with_profile(view, profile, pace), nulls=True)


@router.patch(
    "/{session_id}",
    summary="Rename a session, or change its proxy",
    **operation("sessions.change", scope="write", data=OneSessionShape, errors=(404, 409), body=ChangeSessionBody),
)
async def change_session(
    session_id: str,
    login: Writer,
    services: Uses,
    body: Annotated[ChangeSessionBody, Depends(json_body(ChangeSessionBody))],
) -> Response:
    """A new proxy takes effect at once: the connection is made anew."""
    await services.sessions.change(
        login.principal,
        session_id,
        name=body.name,
        proxy=given_proxy(body.proxy),
        reroute="proxy" in body.model_fields_set,
    )
    return await get_session(session_id, login, services)


@router.delete(
    "/{session_id}",
    summary="Log a session out and erase it",
    **operation("sessions.delete", scope="write", data=Told, errors=(404,)),
)
async def delete_session(session_id: str, login: Writer, services: Uses) -> Response:
    await services.sessions.delete(login.principal, session_id)
    return ok(Told(message="The session was deleted"))


@router.post(
    "/{session_id}/connect",
    summary="Connect a session",
    **operation("sessions.connect", scope="write", data=Told, errors=(403, 404, 409)),
)
async def connect(session_id: str, login: Writer, services: Uses) -> Response:
    """Idempotent. A session stays connected, over restarts too, until it is disconnected."""
    up = await services.sessions.connect(login.principal, session_id)
    return ok(Told(message="The session is connected" if up else "The session is connecting"))


@router.post(
    "/{session_id}/disconnect",
    summary="Disconnect a session",
    **operation("sessions.disconnect", scope="write", data=Told, errors=(400, 404)),
)
async def disconnect(session_id: str, login: Writer, services: Uses) -> Response:
    """It stays so, over restarts too. The login is kept."""
    await services.sessions.disconnect(login.principal, session_id)
    return ok(Told(message="The session is disconnected"))


@router.post(
    "/{session_id}/logout",
    summary="Log a session out at Telegram",
    **operation("sessions.logout", scope="write", data=Told, errors=(404,)),
)
async def log_out(session_id: str, login: Writer, services: Uses) -> Response:
    """The row stays, to log in again under the same name."""
    await services.sessions.log_out(login.principal, session_id)
    return ok(Told(message="The session is logged out"))
