"""Sending files, albums, polls, places, contacts and dice: each a stored job, as every send is.

A request that brings files is a form; one that names them is JSON. Both say the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response

from teleflow.api import facts as facts_module
from teleflow.api.access import Uses
from teleflow.api.bodies import decode_json, json_body, read_body, validated
from teleflow.api.multipart import FileHead, Sink, read_parts
from teleflow.api.v1.access import Writer
from teleflow.api.v1.envelope import Body, Sent, ok
from teleflow.api.v1.job_shapes import JobShape, outcome
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.api.v1.operation import operation, schema_of
from teleflow.api.v1.parcel_bodies import (
    FILE,
    THUMBNAIL,
    AlbumBody,
    ContactBody,
    DiceBody,
    LocationBody,
    MediaBody,
    PollBody,
    VenueBody,
    of_form,
)
from teleflow.errors import Invalid
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.parcels import Item
from teleflow.model.peers import parse_ref
from teleflow.services.everything import Services
from teleflow.services.incoming import Incoming, ReceivedFile
from teleflow.services.logins import LiveLogin
from teleflow.services.parcels import Asked, Options
from teleflow.wire.jobs import told_job

router = APIRouter(prefix="/api/v1/messages", tags=["messages"])
Later = Annotated[bool, Query(alias="async", description="Answer 202 with the job at once, and do not wait for it")]
UPLOADS = frozenset({"/api/v1/messages/media", "/api/v1/messages/album"})
"""Where forms with files are taken."""
_FORM = b"multipart/form-data"
_ERRORS = (403, 404, 409, 429, 502, 504)
_FormBody = TypeVar("_FormBody", MediaBody, AlbumBody)


def _sending(name: str, data: Any, body: type[Body], *, files: tuple[str, ...] = ()) -> dict[str, Any]:
    errors = (*_ERRORS, 400, 408, 413, 415, 422) if files else _ERRORS
    declared = operation(name, scope="write", data=data, status=201, errors=errors, body=body)
    declared["response_model"] = Sent[data]
    declared["responses"][202] = {"model": Sent[JobShape], "description": "Accepted: the job will tell"}
    if files:
        declared["openapi_extra"]["requestBody"]["content"]["multipart/form-data"] = {
            "schema": partial(_form_schema, body, files)
        }
    return declared


def _form_schema(body: type[Body], files: tuple[str, ...]) -> dict[str, Any]:
    schema = schema_of(body)
    binary = {name: {"type": "string", "format": "binary"} for name in files}
    return {**schema, "properties": {**schema["properties"], **binary}}


@router.post(
    "/media",
    summary="Send a file",
    **_sending("messages.sendMedia", MessageShape, MediaBody, files=(FILE, THUMBNAIL)),
)
async def media(request: Request, login: Writer, services: Uses, later: Later = False) -> Response:
    """A photo, video, round video, voice message, audio, document, sticker or gif.

    As a form with a part `file` (and `thumbnail`), or as JSON with `url` or `fileId`. What is not sent within the time
    that a caller waits (`SEND_WAIT_SECONDS`) is answered with 202 and its job, which tells `uploadedBytes`.
    """
    async with _read(request, login, services, MediaBody) as (body, coming, files):
        items = [body.asked(frozenset(files))]
        return await _send(request, services, login, body, items, later=later, coming=coming, files=files)


@router.post(
    "/album",
    summary="Send an album",
    **_sending("messages.sendAlbum", list[MessageShape], AlbumBody, files=("file1", "file2")),
)
async def album(request: Request, login: Writer, services: Uses, later: Later = False) -> Response:
    """The new messages, in order. In a form, `items` is JSON, and each item's `file` names the part that has it."""
    async with _read(request, login, services, AlbumBody) as (body, coming, files):
        items = [item.asked() for item in body.items]
        return await _send(request, services, login, body, items, later=later, coming=coming, files=files)


@router.post("/poll", summary="Send a poll or a quiz", **_sending("messages.sendPoll", MessageShape, PollBody))
async def poll(
    request: Request,
    login: Writer,
    services: Uses,
    body: Annotated[PollBody, Depends(json_body(PollBody))],
    later: Later = False,
) -> Response:
    """How people vote is told by the events `message.edited` and `poll.voted`, as far as Telegram tells."""
    return await _plain(request, services, login, body, body.item(), later=later)


@router.post("/location", summary="Send a location", **_sending("messages.sendLocation", MessageShape, LocationBody))
async def location(
    request: Request,
    login: Writer,
    services: Uses,
    body: Annotated[LocationBody, Depends(json_body(LocationBody))],
    later: Later = False,
) -> Response:
    return await _plain(request, services, login, body, body.item(), later=later)


@router.post("/venue", summary="Send a venue", **_sending("messages.sendVenue", MessageShape, VenueBody))
async def venue(
    request: Request,
    login: Writer,
    services: Uses,
    body: Annotated[VenueBody, Depends(json_body(VenueBody))],
    later: Later = False,
) -> Response:
    return await _plain(request, services, login, body, body.item(), later=later)


@router.post("/contact", summary="Send a contact", **_sending("messages.sendContact", MessageShape, ContactBody))
async def contact(
    request: Request,
    login: Writer,
    services: Uses,
    body: Annotated[ContactBody, Depends(json_body(ContactBody))],
    later: Later = False,
) -> Response:
    return await _plain(request, services, login, body, body.item(), later=later)


@router.post("/dice", summary="Throw a dice", **_sending("messages.sendDice", MessageShape, DiceBody))
async def dice(
    request: Request,
    login: Writer,
    services: Uses,
    body: Annotated[DiceBody, Depends(json_body(DiceBody))],
    later: Later = False,
) -> Response:
    """Telegram throws it: `media.details.value` tells how it fell."""
    return await _plain(request, services, login, body, body.item(), later=later)


async def _plain(
    request: Request, services: Services, login: LiveLogin, body: Any, item: Item, *, later: bool
) -> Response:
    return await _send(request, services, login, body, [Asked(whole=item)], later=later)


async def _send(
    request: Request,
    services: Services,
    login: LiveLogin,
    body: Any,
    items: list[Asked],
    *,
    later: bool,
    coming: Incoming | None = None,
    files: dict[str, ReceivedFile] | None = None,
) -> Response:
    options = Options(
        reply_to=body.reply_to_msg_id,
        topic=body.topic_id,
        silent=body.silent,
        schedule=body.schedule,
        key=facts_module.of(request.scope).idempotency_key(),
        wait=not later,
    )
    chat = parse_ref(body.chat_id)
    job = await services.parcels.send(
        login.user, login.principal, body.session_id, chat, items, options, coming=coming, files=files
    )
    return _answer(services, job, later=later)


def _answer(services: Services, job: SendJob, *, later: bool) -> Response:
    file_id = partial(services.file_ids.token, job.session_id)
    # What is still on its way up has not left: that is no failure, and nothing uncertain.
    waits = job.state in {SendState.QUEUED, SendState.SENDING}
    if later or waits:
        location_ = {"location": f"/api/v1/jobs/{job.id}"}
        return ok(told_job(job, file_id), 202, headers=location_, warning=job.warning)
    return outcome(job, file_id, status=201)


@asynccontextmanager
async def _read(
    request: Request, login: LiveLogin, services: Services, model: type[_FormBody]
) -> AsyncIterator[tuple[_FormBody, Incoming, dict[str, ReceivedFile]]]:
    """The body, and the files that came with it. They are gone at the end, unless a job was accepted with them."""
    known = facts_module.of(request.scope)
    kind, charset = known.media_type()
    async with services.parcels.intake.open(login.principal.user_id) as coming:
        files: dict[str, ReceivedFile] = {}
        if kind == _FORM:
            place = partial(_placed, coming, files)
            fields = await read_parts(known.headers[b"content-type"], request.receive, place)
            for name in fields.keys() & files.keys():
                raise Invalid(f"{name} is a file", details={"field": name})
            said = of_form(model, fields)
        elif kind == b"application/json" and charset in {b"", b"utf-8", b"utf8"}:
            said = decode_json(await read_body(request.receive))
        else:
            raise Invalid(
                "The content type must be multipart/form-data or application/json", code="UNSUPPORTED_MEDIA_TYPE"
            )
        yield validated(model, said), coming, files


@asynccontextmanager
async def _placed(coming: Incoming, files: dict[str, ReceivedFile], head: FileHead) -> AsyncIterator[Sink]:
    """Room in the spool for a file of a form."""
    async with coming.file() as (number, receiving):
        yield receiving
        files[head.field] = ReceivedFile(
            number, head.name, head.mime_type, receiving.size, receiving.head, receiving.digest
        )
