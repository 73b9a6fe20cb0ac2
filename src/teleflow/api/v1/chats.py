"""Chats: the list, one of them, joining and leaving, who is in them, what was said; contacts, and oneself."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator
from starlette.types import Receive, Scope

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer, check
from teleflow.api.v1.chat_shapes import (
    ChatShape,
    FolderShape,
    MemberShape,
    PersonShape,
    chat,
    member,
    person,
    told_folder,
)
from teleflow.api.v1.envelope import Shape, plain
from teleflow.api.v1.gate import Thin
from teleflow.api.v1.message_bodies import OnChat, SearchBody
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.api.v1.messages import THROUGH, Session, told
from teleflow.api.v1.operation import operation
from teleflow.errors import Invalid
from teleflow.model.operations.chats import MemberFilter
from teleflow.model.peers import parse_ref
from teleflow.model.users import Scope as Access
from teleflow.services.everything import Services
from teleflow.services.logins import LiveLogin

router = APIRouter(prefix="/api/v1", tags=["chats"])
_PLAINLY_ASKED = re.compile(rb"sessionId=([A-Za-z0-9_]{1,64})(?:&limit=([1-9][0-9]?|100))?")
_AS_CHAT_ID = "As `chatId` everywhere, URL-encoded."
Offset = Annotated[int, digits, Query(ge=0, le=1_000_000)]


def _listable(number: int) -> int:
    if number not in {0, 1}:
        raise ValueError(
            "only 0 (the main list) and 1 (the archive) can be listed; of the account's own folders "
            "GET /api/v1/chats/folders tells what is in them"
        )
    return number


Folder = Annotated[
    int,
    digits,
    AfterValidator(_listable),
    Query(
        description="0: the main list, 1: the archive; left out: both. Other folders can't be listed.",
        json_schema_extra={"enum": [0, 1]},
    ),
]


class JoinedShape(Shape):
    joined: bool
    chat_id: str | None = None
    requested: bool | None = None


class LeftShape(Shape):
    left: Literal[True]
    chat_id: str


@router.get(
    "/chats",
    summary="The session's chats: pinned ones first, then by their last message",
    **operation("chats.list", scope="read", data=list[ChatShape], errors=THROUGH, paged=True),
)
async def chats(
    login: Reader,
    services: Uses,
    session: Session,
    limit: Annotated[int, digits, Query(ge=1, le=100)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    folder: Folder | None = None,
    archived: Annotated[bool | None, Query(description="The same: true is `folder=1`, false is `folder=0`.")] = None,
) -> Response:
    if archived is not None:
        if folder not in {None, int(archived)}:
            raise Invalid("archived and folder contradict each other", details={"field": "folder"})
        folder = int(archived)
    return await _list(services, login, session, limit=limit, cursor=cursor, folder=folder)


def hot_list(services: Services) -> Thin:
    """The list as it is mostly asked for, past the framework, whose way is a good part of its cost."""

    async def thin(scope: Scope, _receive: Receive, login: LiveLogin) -> Response | None:
        asked = _PLAINLY_ASKED.fullmatch(scope["query_string"])
        if asked is None:
            return None
        check(login, Access.READ)
        return await _list(services, login, asked[1].decode(), limit=int(asked[2] or 100), cursor=None, folder=None)

    return thin


async def _list(
    services: Services, login: LiveLogin, session: str, *, limit: int, cursor: str | None, folder: int | None
) -> Response:
    page = await services.chats.list(login.principal, session, limit=limit, cursor=cursor, folder=folder)
    file_id = partial(services.file_ids.token, session)
    return plain([chat(one, file_id) for one in page.chats], nextCursor=page.next_cursor)


@router.get(
    "/chats/folders",
    summary="The account's own folders, in its order",
    **operation("chats.folders", scope="read", data=list[FolderShape], errors=THROUGH),
)
async def folders(login: Reader, services: Uses, session: Session) -> Response:
    """What they take in and leave out. A chat whose name is `folders` is asked for as `@folders`."""
    return plain([told_folder(one) for one in await services.chats.folders(login.principal, session)])


@router.post(
    "/chats/join",
    summary="Join by username, id or invite link",
    **operation("chats.join", scope="write", data=JoinedShape, errors=THROUGH, body=OnChat),
)
async def join(login: Writer, services: Uses, body: Annotated[OnChat, Depends(json_body(OnChat))]) -> Response:
    """`requested`: an admin of the chat has to say yes first. Being in it already is no error."""
    joined = await services.chats.join(login.principal, body.session_id, parse_ref(body.chat_id))
    answer: dict[str, object] = {"joined": not joined.requested}
    if joined.requested:
        answer["requested"] = True
    if joined.chat_id is not None:
        answer["chatId"] = str(joined.chat_id)
    return plain(answer)


@router.post(
    "/chats/leave",
    summary="Leave a group or channel",
    **operation("chats.leave", scope="write", data=LeftShape, errors=THROUGH, body=OnChat),
)
async def leave(login: Writer, services: Uses, body: Annotated[OnChat, Depends(json_body(OnChat))]) -> Response:
    """Not being in it is no error."""
    left = await services.chats.leave(login.principal, body.session_id, parse_ref(body.chat_id))
    return plain({"left": True, "chatId": str(left.chat_id)})


@router.post(
    "/chats/search",
    summary="Search messages in a chat, or everywhere",
    **operation(
        "chats.search", scope="read", data=list[MessageShape], errors=THROUGH, body=SearchBody, unsafe=False, paged=True
    ),
)
async def search(
    login: Reader, services: Uses, body: Annotated[SearchBody, Depends(json_body(SearchBody))]
) -> Response:
    """Newest first. In one chat go on with the last id as `offsetId`, everywhere with `nextCursor` as `cursor`."""
    page = await services.chats.search(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id) if body.chat_id is not None else None,
        body.query,
        limit=body.limit,
        before_id=body.offset_id,
        sender=parse_ref(body.from_id, field="fromId") if body.from_id is not None else None,
        cursor=body.cursor,
    )
    return plain(told(services, body.session_id, page.messages), nextCursor=page.next_cursor, total=page.total)


@router.get(
    "/chats/{id:path}/members",
    summary="Who is in a chat, with their roles",
    **operation("chats.members", scope="read", data=list[MemberShape], errors=THROUGH, paged=True),
)
async def members(
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description=_AS_CHAT_ID)],
    session: Session,
    limit: Annotated[int, digits, Query(ge=1, le=200)] = 100,
    offset: Offset = 0,
    wanted: Annotated[MemberFilter, Query(alias="filter")] = MemberFilter.ALL,
    query: Annotated[str, Query(max_length=100, description="Part of a name or username.")] = "",
) -> Response:
    page = await services.chats.members(
        login.principal, session, parse_ref(chat_id), limit=limit, offset=offset, wanted=wanted, query=query
    )
    return plain([member(one, partial(services.file_ids.token, session)) for one in page.members], total=page.total)


@router.get(
    "/chats/{id:path}",
    summary="One chat, in full",
    **operation("chats.get", scope="read", data=ChatShape, errors=THROUGH),
)
async def get(
    login: Reader,
    services: Uses,
    chat_id: Annotated[str, Path(alias="id", min_length=1, max_length=256, description=_AS_CHAT_ID)],
    session: Session,
) -> Response:
    found = await services.chats.get(login.principal, session, parse_ref(chat_id))
    return plain(chat(found, partial(services.file_ids.token, session)))


@router.get(
    "/contacts",
    summary="The account's contacts",
    **operation("contacts.list", scope="read", data=list[PersonShape], errors=THROUGH, paged=True),
)
async def contacts(
    login: Reader,
    services: Uses,
    session: Session,
    limit: Annotated[int, digits, Query(ge=1, le=1_000)] = 100,
    offset: Offset = 0,
) -> Response:
    page = await services.chats.contacts(login.principal, session, limit=limit, offset=offset)
    return plain([person(one, partial(services.file_ids.token, session)) for one in page.people], total=page.total)


@router.get(
    "/sessions/{id}/me",
    summary="The account itself, as Telegram knows it",
    **operation("sessions.me", scope="read", data=PersonShape, errors=THROUGH),
)
async def me(login: Reader, services: Uses, session_id: Annotated[str, Path(alias="id", max_length=64)]) -> Response:
    return plain(
        person(await services.chats.me(login.principal, session_id), partial(services.file_ids.token, session_id))
    )
