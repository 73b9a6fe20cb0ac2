"""Groups and channels: made, set up, ended."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Writer
from teleflow.api.v1.chat_shapes import ChatShape, chat
from teleflow.api.v1.envelope import plain
from teleflow.api.v1.group_shapes import (
    THROUGH,
    ChangeChatBody,
    ChatPath,
    CreateChatBody,
    CreatedShape,
    DoneShape,
    PhotoOfChatBody,
    SessionPath,
    told_missing,
)
from teleflow.api.v1.operation import operation
from teleflow.api.v1.pictures import FORM, read_picture
from teleflow.model.peers import parse_ref
from teleflow.services.creations import NewChat

router = APIRouter(prefix="/api/v1/sessions/{session_id}/chats", tags=["groups"])


@router.post(
    "",
    summary="Make a group, supergroup or channel",
    **operation("chats.create", scope="write", data=CreatedShape, status=201, errors=THROUGH, body=CreateChatBody),
)
async def create(
    session_id: SessionPath,
    login: Writer,
    services: Uses,
    body: Annotated[CreateChatBody, Depends(json_body(CreateChatBody))],
) -> Response:
    """Never tried twice. `missing` are those who could not be taken along. With an Idempotency-Key a repeat makes no
    second chat, also when the service died in between; 502 `OUTCOME_UNKNOWN` where nobody can tell what became of it.
    """
    new = NewChat(
        body.kind(),
        body.title,
        body.about,
        tuple(parse_ref(one, field="memberIds") for one in body.member_ids),
        body.is_forum,
    )
    made = await services.creations.create(login.principal, session_id, new)
    told = chat(made.chat, partial(services.file_ids.token, session_id))
    return plain({"chat": told, "missing": told_missing(made.missing)}, 201)


@router.patch(
    "/{chat_id}",
    summary="Change a group or channel",
    **operation("chats.change", scope="write", data=ChatShape, errors=THROUGH, body=ChangeChatBody),
)
async def change(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[ChangeChatBody, Depends(json_body(ChangeChatBody))],
) -> Response:
    """One thing after the other, in the order of the fields. Where one is refused, the rest is left and the error's
    details say which `field` it was and what is `applied` already; the same request can come again.
    """
    found = await services.groups.change(login.principal, session_id, parse_ref(chat_id), body.changes())
    return plain(chat(found, partial(services.file_ids.token, session_id)))


@router.post(
    "/{chat_id}/upgrade",
    summary="Make a basic group a supergroup",
    **operation("chats.upgrade", scope="write", data=ChatShape, errors=THROUGH),
)
async def upgrade(session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses) -> Response:
    """It has another id from then on: the answer's."""
    found = await services.groups.upgrade(login.principal, session_id, parse_ref(chat_id))
    return plain(chat(found, partial(services.file_ids.token, session_id)))


@router.delete(
    "/{chat_id}",
    summary="Delete a group or channel for everybody",
    **operation("chats.delete", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete(session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses) -> Response:
    """Only its creator may. There is no way back."""
    done = await services.groups.delete(login.principal, session_id, parse_ref(chat_id))
    return plain({"changed": done.changed})


def _photo() -> dict[str, Any]:
    errors = (*THROUGH, 408, 413, 415)
    declared = operation("chats.setPhoto", scope="write", data=ChatShape, errors=errors, body=PhotoOfChatBody)
    declared["openapi_extra"]["requestBody"]["content"] |= FORM
    return declared


@router.put("/{chat_id}/photo", summary="Set a group's or channel's photo", **_photo())
async def set_photo(
    session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses, request: Request
) -> Response:
    """As a form with a part `file`, or as JSON with the `fileId` of a photo."""
    given = await read_picture(request)
    photos, ref = services.group_photos, parse_ref(chat_id)
    if isinstance(given, str):
        found = await photos.set_by_id(login.principal, session_id, ref, given)
    else:
        found = await photos.set(login.principal, session_id, ref, given)
    return plain(chat(found, partial(services.file_ids.token, session_id)))


@router.delete(
    "/{chat_id}/photo",
    summary="Take a group's or channel's photo away",
    **operation("chats.deletePhoto", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete_photo(session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses) -> Response:
    """There being none is no error."""
    done = await services.group_photos.delete(login.principal, session_id, parse_ref(chat_id))
    return plain({"changed": done.changed})
