"""Files: their bytes, links to them for browsers, and the photos beside the names of chats."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, caller_of
from teleflow.api.v1.envelope import Body, Shape, ok
from teleflow.api.v1.file_response import answer
from teleflow.api.v1.messages import Session
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref
from teleflow.services.file_links import LEAST_S, LONGEST, MOST_S, USUAL_S
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1", tags=["files"])
photos = APIRouter(prefix="/api/v1", tags=["files"])
"""Asked before the chats, whose route takes every path."""

_AS_TOLD = "A `fileId` as it was told."
Thumb = Annotated[
    str, Query(max_length=2, pattern="^[a-z]*$", description="A type of `thumbnails`: that picture of it.")
]
_RANGE = [
    {"name": name, "in": "header", "required": False, "description": about, "schema": {"type": "string"}}
    for name, about in (
        ("Range", "As RFC 9110 §14 says; up to eight ranges that do not overlap."),
        ("If-Range", "The file's ETag: the range counts only for this very file."),
        ("If-None-Match", "ETags: 304 when the file is one of them."),
    )
]


def _bytes(name: str, *, scope: str | None, errors: tuple[int, ...]) -> dict[str, Any]:
    told = operation(name, scope=scope, data=None, errors=(*errors, 412, 416), parameters=_RANGE)
    told["response_model"] = None
    binary = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    told["responses"][200] = {"description": "The file", "content": binary}
    told["responses"][206] = {"description": "The ranges that were asked for", "content": binary}
    told["responses"][304] = {"description": "The caller has it already"}
    return told


_THROUGH = (400, 403, 404, 409, 422, 429, 502)


@router.get(
    "/sessions/{id}/files/{fileId}",
    summary="The bytes of a file",
    response_class=Response,
    **_bytes("files.get", scope="read", errors=_THROUGH),
)
async def get(
    request: Request,
    login: Reader,
    services: Uses,
    session_id: Annotated[str, Path(alias="id", min_length=1, max_length=64)],
    file_id: Annotated[str, Path(alias="fileId", min_length=1, max_length=2048, description=_AS_TOLD)],
    thumb: Thumb = "",
) -> Response:
    """Streamed from Telegram as it is read. What is no common picture, sound or video is an attachment.

    An expired file reference is renewed from the message in which the file was seen, while it is read too.
    """
    return await answer(request, await services.files.open(login.principal, session_id, file_id, thumb=thumb))


@photos.get(
    "/chats/{id}/photo",
    summary="The photo beside a chat's name",
    response_class=Response,
    **_bytes("chats.photo", scope="read", errors=_THROUGH),
)
async def photo(
    request: Request,
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description="As `chatId` everywhere.")],
    session: Session,
) -> Response:
    return await answer(request, await services.files.open_photo(login.principal, session, parse_ref(chat_id)))


class LinkBody(Body):
    """For how long, in seconds, and whether for a thumbnail."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expiresIn": 600}]})

    expires_in: int = Field(USUAL_S, ge=LEAST_S, le=MOST_S)
    thumb: str = Field("", max_length=2, pattern="^[a-z]*$")


class LinkShape(Shape):
    """`url` is a path of this service. Whoever has it has the file: it is a secret while it is good."""

    url: str
    expires_at: str


@router.post(
    "/sessions/{id}/files/{fileId}/link",
    summary="A link to a file, for browsers",
    **operation(
        "files.createLink", scope="read", data=LinkShape, status=201, body=LinkBody, errors=_THROUGH, unsafe=False
    ),
)
async def link(
    login: Reader,
    services: Uses,
    session_id: Annotated[str, Path(alias="id", min_length=1, max_length=64)],
    file_id: Annotated[str, Path(alias="fileId", min_length=1, max_length=2048, description=_AS_TOLD)],
    body: Annotated[LinkBody, Depends(json_body(LinkBody))],
) -> Response:
    """It needs no header, and ends at its time, or with the login or key that it was made with."""
    made = await services.file_links.make(
        login.principal, session_id, file_id, thumb=body.thumb, expires_in=body.expires_in
    )
    return ok(LinkShape(url=f"/api/v1/files/{made.token}", expires_at=iso(made.expires_at)), 201)


_LINKED = _bytes("files.linked", scope=None, errors=(401, *_THROUGH))


@router.get("/files/{token}", summary="A file, by a link", response_class=Response, **_LINKED)
async def linked(
    request: Request, services: Uses, token: Annotated[str, Path(min_length=1, max_length=LONGEST)]
) -> Response:
    """What `POST …/link` gave. The link is what proves its holder: no header is needed, and none is looked at."""
    return await answer(request, await services.file_links.open(caller_of(request.scope).principal, token))
