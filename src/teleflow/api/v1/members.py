"""Who is in a group or channel, and what they may do there."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.chat_shapes import MemberShape, member
from teleflow.api.v1.envelope import plain
from teleflow.api.v1.group_shapes import (
    THROUGH,
    AddedShape,
    AddMembersBody,
    AdminBody,
    BanBody,
    ChatPath,
    DoneShape,
    MemberPath,
    RestrictionBody,
    SessionPath,
    told_missing,
)
from teleflow.api.v1.operation import operation
from teleflow.model.operations.acts import Done
from teleflow.model.peers import PeerRef, parse_ref

router = APIRouter(prefix="/api/v1/sessions/{session_id}/chats/{chat_id}", tags=["groups"])


def _who(member_id: str) -> PeerRef:
    return parse_ref(member_id, field="memberId")


def told(done: Done) -> Response:
    return plain({"changed": done.changed})


@router.post(
    "/members",
    summary="Add people",
    **operation("members.add", scope="write", data=AddedShape, errors=THROUGH, body=AddMembersBody),
)
async def add(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[AddMembersBody, Depends(json_body(AddMembersBody))],
) -> Response:
    """Being in it already is no error. Whom their privacy or anything else of their own keeps out is in `missing`."""
    people = [parse_ref(one, field="memberIds") for one in body.member_ids]
    found = await services.groups.add(login.principal, session_id, parse_ref(chat_id), people)
    return plain({"added": [str(one) for one in found.added], "missing": told_missing(found.missing)})


@router.get(
    "/members/{member_id}",
    summary="One member, with their role and rights",
    **operation("members.get", scope="read", data=MemberShape, errors=THROUGH),
)
async def get(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Reader, services: Uses
) -> Response:
    """Also of somebody who is banned, for those who may see it."""
    found = await services.groups.member(login.principal, session_id, parse_ref(chat_id), _who(member_id))
    return plain(member(found, partial(services.file_ids.token, session_id)))


@router.delete(
    "/members/{member_id}",
    summary="Remove somebody, who may come again",
    **operation("members.remove", scope="write", data=DoneShape, errors=THROUGH),
)
async def remove(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    """Bans and restrictions stay as they are. Not being in it is no error."""
    return told(await services.groups.remove(login.principal, session_id, parse_ref(chat_id), _who(member_id)))


@router.put(
    "/admins/{member_id}",
    summary="Make somebody an admin with these rights",
    **operation("admins.set", scope="write", data=DoneShape, errors=THROUGH, body=AdminBody),
)
async def set_admin(
    session_id: SessionPath,
    chat_id: ChatPath,
    member_id: MemberPath,
    login: Writer,
    services: Uses,
    body: Annotated[AdminBody, Depends(json_body(AdminBody))],
) -> Response:
    """In place of those that they had. One can't give what one does not have."""
    done = await services.groups.set_admin(
        login.principal, session_id, parse_ref(chat_id), _who(member_id), body.rights, body.title
    )
    return told(done)


@router.delete(
    "/admins/{member_id}",
    summary="Take an admin's rights away",
    **operation("admins.remove", scope="write", data=DoneShape, errors=THROUGH),
)
async def remove_admin(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    """They stay a member."""
    return told(await services.groups.remove_admin(login.principal, session_id, parse_ref(chat_id), _who(member_id)))


@router.put(
    "/restrictions/{member_id}",
    summary="Forbid somebody some things",
    **operation("restrictions.set", scope="write", data=DoneShape, errors=THROUGH, body=RestrictionBody),
)
async def restrict(
    session_id: SessionPath,
    chat_id: ChatPath,
    member_id: MemberPath,
    login: Writer,
    services: Uses,
    body: Annotated[RestrictionBody, Depends(json_body(RestrictionBody))],
) -> Response:
    """In place of what was forbidden to them before."""
    done = await services.groups.restrict(
        login.principal, session_id, parse_ref(chat_id), _who(member_id), body.permissions, body.until
    )
    return told(done)


@router.delete(
    "/restrictions/{member_id}",
    summary="Allow somebody again what the others may",
    **operation("restrictions.remove", scope="write", data=DoneShape, errors=THROUGH),
)
async def unrestrict(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    """A ban is not for this to take back."""
    return told(await services.groups.restrict(login.principal, session_id, parse_ref(chat_id), _who(member_id), {}))


@router.put(
    "/bans/{member_id}",
    summary="Shut somebody out",
    **operation("bans.set", scope="write", data=DoneShape, errors=THROUGH, body=BanBody),
)
async def ban(
    session_id: SessionPath,
    chat_id: ChatPath,
    member_id: MemberPath,
    login: Writer,
    services: Uses,
    body: Annotated[BanBody, Depends(json_body(BanBody))],
) -> Response:
    """Also somebody who is not in it, and a channel that writes in it."""
    done = await services.groups.ban(login.principal, session_id, parse_ref(chat_id), _who(member_id), body.until)
    return told(done)


@router.delete(
    "/bans/{member_id}",
    summary="Let somebody in again",
    **operation("bans.remove", scope="write", data=DoneShape, errors=THROUGH),
)
async def unban(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    """They are not added: they may come."""
    return told(await services.groups.unban(login.principal, session_id, parse_ref(chat_id), _who(member_id)))
