"""Contacts: import, add, delete, block, and finding people."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.chat_shapes import PersonShape, chat, person
from teleflow.api.v1.chats import Offset
from teleflow.api.v1.envelope import Body, plain
from teleflow.api.v1.message_bodies import ChatId, OnChat, SessionId, said
from teleflow.api.v1.messages import THROUGH, Chat, Session
from teleflow.api.v1.operation import operation
from teleflow.api.v1.people_shapes import (
    KIND_NAMES,
    BlockedShape,
    DoneShape,
    FoundShape,
    ImportedShape,
    ResolvedShape,
)
from teleflow.model.operations.people import NewContact
from teleflow.model.peers import normalize_phone, parse_ref
from teleflow.wire.instants import iso

router = APIRouter(prefix="/api/v1/contacts", tags=["contacts"])


class ContactEntry(Body):
    phone: Annotated[str, Field(min_length=1, max_length=32)]
    first_name: said(64, 1)  # type: ignore[valid-type]
    last_name: said(64) = ""  # type: ignore[valid-type]


class ImportBody(Body):
    """Up to 100 at once. Telegram counts how many numbers an account imports, and limits it: import whom you know."""

    session_id: SessionId
    contacts: Annotated[list[ContactEntry], Field(min_length=1, max_length=100)]


class AddBody(OnChat):
    first_name: said(64, 1)  # type: ignore[valid-type]
    last_name: said(64) = ""  # type: ignore[valid-type]
    phone: Annotated[str, Field(max_length=32)] = ""
    share_phone: bool = Field(False, description="Let them see the account's own number.")


class WhoBody(Body):
    session_id: SessionId
    chat_ids: Annotated[list[ChatId], Field(min_length=1, max_length=100)]


@router.post(
    "/import",
    summary="Import contacts by their numbers",
    **operation("contacts.import", scope="write", data=list[ImportedShape], errors=THROUGH, body=ImportBody),
)
async def import_(
    login: Writer, services: Uses, body: Annotated[ImportBody, Depends(json_body(ImportBody))]
) -> Response:
    contacts = [NewContact(normalize_phone(one.phone), one.first_name, one.last_name) for one in body.contacts]
    found = await services.people.import_(login.principal, body.session_id, contacts)
    file_id = partial(services.file_ids.token, body.session_id)
    told = []
    for number, (asked, one) in enumerate(zip(contacts, found.people, strict=True)):
        row: dict[str, object] = {"phone": asked.phone}
        if one is not None:
            row["person"] = person(one, file_id)
        if number in found.retry:
            row["retry"] = True
        told.append(row)
    return plain(told)


@router.post(
    "",
    summary="Make somebody a contact",
    **operation("contacts.add", scope="write", data=PersonShape, status=201, errors=THROUGH, body=AddBody),
)
async def add(login: Writer, services: Uses, body: Annotated[AddBody, Depends(json_body(AddBody))]) -> Response:
    """Somebody whom the session can address. Another name for one who is a contact already replaces the first."""
    added = await services.people.add(
        login.principal,
        body.session_id,
        parse_ref(body.chat_id),
        first_name=body.first_name,
        last_name=body.last_name,
        phone=normalize_phone(body.phone) if body.phone else "",
        share_phone=body.share_phone,
    )
    return plain(person(added, partial(services.file_ids.token, body.session_id)), 201)


@router.post(
    "/delete",
    summary="Take people out of the contacts",
    **operation("contacts.delete", scope="write", data=DoneShape, errors=THROUGH, body=WhoBody),
)
async def delete(login: Writer, services: Uses, body: Annotated[WhoBody, Depends(json_body(WhoBody))]) -> Response:
    refs = [parse_ref(one, field="chatIds") for one in body.chat_ids]
    await services.people.delete(login.principal, body.session_id, refs)
    return plain({"done": True})


@router.post(
    "/block",
    summary="Block somebody",
    **operation("contacts.block", scope="write", data=DoneShape, errors=THROUGH, body=OnChat),
)
async def block(login: Writer, services: Uses, body: Annotated[OnChat, Depends(json_body(OnChat))]) -> Response:
    """They can't write to the account any more. Doing it again is no error."""
    await services.people.block(login.principal, body.session_id, parse_ref(body.chat_id), blocked=True)
    return plain({"done": True})


@router.post(
    "/unblock",
    summary="Unblock somebody",
    **operation("contacts.unblock", scope="write", data=DoneShape, errors=THROUGH, body=OnChat),
)
async def unblock(login: Writer, services: Uses, body: Annotated[OnChat, Depends(json_body(OnChat))]) -> Response:
    await services.people.block(login.principal, body.session_id, parse_ref(body.chat_id), blocked=False)
    return plain({"done": True})


@router.get(
    "/blocked",
    summary="Who is blocked",
    **operation("contacts.blocked", scope="read", data=list[BlockedShape], errors=THROUGH, paged=True),
)
async def blocked(
    login: Reader,
    services: Uses,
    session: Session,
    limit: Annotated[int, digits, Query(ge=1, le=100)] = 100,
    offset: Offset = 0,
) -> Response:
    """The newest first."""
    found = await services.people.blocked(login.principal, session, offset=offset, limit=limit)
    file_id = partial(services.file_ids.token, session)
    told = [{**chat(one, file_id), "blockedAt": iso(date * 1000)} for one, date in found.chats]
    return plain(told, total=found.total)


@router.get(
    "/search",
    summary="Find people and chats by name",
    **operation("contacts.search", scope="read", data=FoundShape, errors=THROUGH),
)
async def search(
    login: Reader,
    services: Uses,
    session: Session,
    query: Annotated[str, Query(min_length=1, max_length=100, description="A part of a name or username.")],
    limit: Annotated[int, digits, Query(ge=1, le=100)] = 20,
) -> Response:
    """Telegram searches names it shows to everybody only for queries that are long enough."""
    found = await services.people.search(login.principal, session, query, limit=limit)
    file_id = partial(services.file_ids.token, session)
    told = {
        "known": [chat(one, file_id) for one in found.mine],
        "others": [chat(one, file_id) for one in found.others],
    }
    return plain(told)


@router.get(
    "/resolve",
    summary="Who is that?",
    **operation("contacts.resolve", scope="read", data=ResolvedShape, errors=THROUGH),
)
async def resolve(login: Reader, services: Uses, session: Session, chat_id: Chat) -> Response:
    """The id behind a username, a phone number or a link. 404 `PEER_NOT_FOUND`: there is nobody, or they hide it."""
    peer = await services.people.resolve(login.principal, session, parse_ref(chat_id))
    return plain({"chatId": str(peer.marked_id), "type": KIND_NAMES[peer.kind]})
