"""POST /send and GET /logs.

The send is the hot path: it is answered by the edge, past the framework, with one pass over a small body. The
route below declares it and runs the same code for whoever comes through the framework.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive

from teleflow.api import facts as facts_module
from teleflow.api.access import Caller, Uses, recognised, services_of
from teleflow.api.bodies import decode_json, read_json, refuse_unreadable, validated
from teleflow.api.edge import HotRoute
from teleflow.api.errors import Answer, json_answer
from teleflow.api.facts import Facts
from teleflow.api.numbers import plain
from teleflow.api.operation import operation
from teleflow.api.simple.failures import not_sent
from teleflow.api.simple.models import LogList, LogRow, SendAnswer, SendBody
from teleflow.errors import Unauthenticated
from teleflow.model.jobs import SendState
from teleflow.services.everything import Services
from teleflow.wire.instants import iso

router = APIRouter(tags=["messages"])
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeating a request with the same key never sends twice: it gets the first one's outcome.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class _Plain(msgspec.Struct):
    phone: str
    message: str


_decode_plain = msgspec.json.Decoder(_Plain).decode


def hot_send(services: Services) -> HotRoute:
    """The handler of POST /send."""
    messages = services.messages

    async def send(facts: Facts, receive: Receive) -> Answer:
        try:
            login = await recognised(facts, services)
        except Unauthenticated:
            await refuse_unreadable(facts, receive)
            raise
        key = facts.idempotency_key()
        phone, text = _decoded(await read_json(facts, receive))
        job = await messages.send(login.user, phone=phone, text=text, idempotency_key=key)
        if job.state is not SendState.SENT:
            raise not_sent(job)
        told: dict[str, object] = {"success": True, "detail": "Message sent", "jobId": job.id}
        if job.message_id is not None:
            told["messageId"] = job.message_id
        if job.warning is not None:
            told["warning"] = job.warning
        return json_answer(200, told)

    return send


def _decoded(raw: bytes) -> tuple[str, str]:
    """Phone and message. Four strings without an escape leave no room for surprises; the rest is read slowly."""
    if b"\\" not in raw and raw.count(b'"') == 8:
        try:
            plain_body = _decode_plain(raw)
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # told by the slow reader below, in its words
        else:
            return plain_body.phone, plain_body.message
    body = validated(SendBody, decode_json(raw))
    return body.phone, body.message


@router.post(
    "/send",
    summary="Send a message from my account to a phone number",
    response_model=SendAnswer,
    **operation("simple.send", body=SendBody, errors=(409, 429), parameters=[_IDEMPOTENCY_KEY]),
)
async def send(request: Request) -> Response:
    """Waits for the outcome. An error means that it was not sent and will not be, unless it says `uncertain`."""
    answer = await hot_send(services_of(request))(facts_module.of(request.scope), request.receive)
    return Response(answer.body, answer.status, media_type="application/json")


@router.get(
    "/logs",
    summary="The message log, newest first",
    **{**operation("logs.list", errors=(422,)), "response_model_exclude_none": False},
)
async def logs(login: Caller, services: Uses, limit: Annotated[int, plain, Query(ge=1, le=1000)] = 50) -> LogList:
    """An admin sees everybody's, a user their own."""
    rows = [
        LogRow(
            username=entry.username,
            from_phone=entry.from_phone,
            to_phone=entry.to_phone,
            message=entry.message,
            success=entry.success,
            detail=entry.detail,
            created_at=iso(entry.created_at),
        )
        for entry in await services.messages.log(login.principal, limit=limit)
    ]
    return LogList(logs=rows, count=len(rows))
