"""Who wants no broadcasts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.broadcast_shapes import OptOutBody, OptOutPage, OptOutShape, opt_out_shape
from teleflow.api.v1.envelope import ok
from teleflow.api.v1.operation import operation
from teleflow.api.v1.webhook_shapes import GoneShape
from teleflow.model.peers import parse_ref

router = APIRouter(prefix="/api/v1/opt-outs", tags=["broadcasts"])


@router.get(
    "",
    summary="Who wants no broadcasts, newest first",
    **operation("optouts.list", scope="read", data=OptOutPage, errors=(422,)),
)
async def list_(
    login: Reader,
    services: Uses,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, plain, Query(ge=1, le=500)] = 100,
) -> Response:
    found = await services.broadcasts.opt_outs(login.principal, limit=limit + 1, before=cursor)
    items = [opt_out_shape(one) for one in found[:limit]]
    more = len(found) > limit
    return ok(OptOutPage(items=items, next_cursor=items[-1].id if more else None, has_more=more))


@router.post(
    "",
    summary="Write nobody's broadcasts to somebody",
    **operation("optouts.create", scope="write", data=OptOutShape, status=201, body=OptOutBody, errors=(404, 409)),
)
async def create(
    login: Writer, body: Annotated[OptOutBody, Depends(json_body(OptOutBody))], services: Uses
) -> Response:
    """Counts for all broadcasts of yours, of whatever session, from now on. With `sessionId` they are looked up, and
    found again by whatever name a broadcast has for them. Somebody who is on the list stays as they are.
    """
    made = await services.broadcasts.opt_out(
        login.principal, parse_ref(body.peer, field="peer"), body.note, session_id=body.session_id
    )
    return ok(opt_out_shape(made), 201)


@router.delete(
    "/{opt_out_id}",
    summary="Take somebody off the list",
    **operation("optouts.delete", scope="write", data=GoneShape, errors=(404,)),
)
async def delete(login: Writer, opt_out_id: str, services: Uses) -> Response:
    await services.broadcasts.opt_in(login.principal, opt_out_id)
    return ok(GoneShape(id=opt_out_id))
