"""Messages out: send, reply, forward. Each is a stored job; its outcome is waited for, unless `async` is asked."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from starlette.types import Receive, Scope

from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import decode_json, json_body, read_json, refuse_fields, validated
from teleflow.api.v1.access import Writer, check
from teleflow.api.v1.envelope import Body, Sent, ok
from teleflow.api.v1.gate import Thin
from teleflow.api.v1.job_shapes import JobShape, outcome
from teleflow.api.v1.message_bodies import ChatId, MessageId, MessageIds, SessionId, WithText
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.api.v1.operation import operation
from teleflow.errors import Invalid
from teleflow.model.jobs import SendJob, Text
from teleflow.model.peers import parse_ref
from teleflow.model.users import Scope as Access
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin
from teleflow.wire.jobs import told_job

router = APIRouter(prefix="/api/v1/messages", tags=["messages"])
Instant = Annotated[int, Field(ge=1, lt=2**31, description="Unix seconds at which Telegram is to send it")]
_flag = TypeAdapter(bool).validate_python
Later = Annotated[bool, Query(alias="async", description="Answer 202 with the job at once, and do not wait for it")]
_ERRORS = (403, 404, 409, 502, 504)


class SendBody(WithText):
    """1 to 4,096 UTF-16 units as shown."""

    reply_to_msg_id: MessageId | None = None
    schedule: Instant | None = None
    topic_id: MessageId | None = Field(None, description="The forum topic")
    silent: bool = False


def _needs_what_it_answers(schema: dict[str, Any]) -> None:
    """Told so that nobody leaves it out; who does gets 400 as ever, not 422, so the model does not ask for it."""
    schema["required"].append("replyToMsgId")


class ReplyBody(SendBody):
    model_config = ConfigDict(json_schema_extra=_needs_what_it_answers)

    reply_to_msg_id: MessageId | None = Field(None, description="Required: 400 without")


class ForwardBody(Body):
    session_id: SessionId
    from_chat_id: ChatId
    to_chat_id: ChatId
    message_ids: MessageIds
    silent: bool = False
    drop_author: bool = Field(False, description="Without saying where it is from")
    topic_id: MessageId | None = None
    schedule: Instant | None = None


def _sending(name: str, data: Any, body: type[Body]) -> dict[str, Any]:
    declared = operation(name, scope="write", data=data, status=201, errors=_ERRORS, body=body)
    declared["response_model"] = Sent[data]
    declared["responses"][202] = {"model": Sent[JobShape], "description": "Accepted: the job will tell"}
    return declared


@router.post("/send", summary="Send a message", **_sending("messages.send", MessageShape, SendBody))
async def send(
    request: Request,
    login: Writer,
    body: Annotated[SendBody, Depends(json_body(SendBody))],
    services: Uses,
    later: Later = False,
) -> Response:
    """An error means that it was not sent and will not be, unless it says `uncertain`: then its job will tell."""
    return await _send(request.scope, services, login, body, later=later)


def hot_send(services: Services) -> Thin:
    """The same past the framework, whose way costs more than all the rest of a send."""

    async def thin(scope: Scope, receive: Receive, login: LiveLogin) -> Response:
        check(login, Access.WRITE)
        raw = await read_json(facts_module.of(scope), receive)
        body = validated(SendBody, decode_json(raw))
        return await _send(scope, services, login, body, later=_later(scope["query_string"]))

    return thin


def _later(query: bytes) -> bool:
    if not query:
        return False
    given = [value for name, value in parse_qsl(query.decode("latin-1"), max_num_fields=32) if name == "async"]
    try:
        return _flag(given[-1]) if given else False
    except ValidationError:
        refuse_fields([("async", "must be true or false")])


async def _send(scope: Scope, services: Services, login: LiveLogin, body: SendBody, *, later: bool) -> Response:
    job = await services.sends.text(
        login.user,
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        Text(
            body.text,
            reply_to=body.reply_to_msg_id,
            topic=body.topic_id,
            silent=body.silent,
            link_preview=body.link_preview,
            schedule=body.schedule,
        ),
        parse_mode=body.parse_mode,
        entities=body.marks(),
        key=facts_module.of(scope).idempotency_key(),
        wait=not later,
    )
    return _answer(services, job, later=later)


@router.post("/reply", summary="Reply to a message", **_sending("messages.reply", MessageShape, ReplyBody))
async def reply(
    request: Request,
    login: Writer,
    body: Annotated[ReplyBody, Depends(json_body(ReplyBody))],
    services: Uses,
    later: Later = False,
) -> Response:
    """As send, with `replyToMsgId`."""
    if body.reply_to_msg_id is None:
        raise Invalid("replyToMsgId is needed", code="BAD_REQUEST", details={"field": "replyToMsgId"})
    return await _send(request.scope, services, login, body, later=later)


@router.post("/forward", summary="Forward messages", **_sending("messages.forward", list[MessageShape], ForwardBody))
async def forward(
    request: Request,
    login: Writer,
    body: Annotated[ForwardBody, Depends(json_body(ForwardBody))],
    services: Uses,
    later: Later = False,
) -> Response:
    """The new messages, in the order of the ids."""
    job = await services.sends.forward(
        login.user,
        login.principal,
        body.session_id,
        parse_ref(body.to_chat_id, field="toChatId"),
        parse_ref(body.from_chat_id, field="fromChatId"),
        body.message_ids,
        silent=body.silent,
        drop_author=body.drop_author,
        topic=body.topic_id,
        schedule=body.schedule,
        key=facts_module.of(request.scope).idempotency_key(),
        wait=not later,
    )
    return _answer(services, job, later=later)


def _answer(services: Services, job: SendJob, *, later: bool) -> Response:
    file_id = partial(services.file_ids.token, job.session_id)
    if later:
        location = {"location": f"/api/v1/jobs/{job.id}"}
        return ok(told_job(job, file_id), 202, headers=location, warning=job.warning)
    return outcome(job, file_id, status=201)
