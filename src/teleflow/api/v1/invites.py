"""Invite links of a group or channel, and requests to be let in."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from teleflow.api.access import Uses
from teleflow.api.bodies import json_body
from teleflow.api.numbers import plain as digits
from teleflow.api.v1.access import Reader, Writer
from teleflow.api.v1.envelope import plain
from teleflow.api.v1.group_shapes import THROUGH, ChatPath, DoneShape, MemberPath, SessionPath
from teleflow.api.v1.invite_shapes import (
    ComerShape,
    EditInviteBody,
    InviteBody,
    InviteShape,
    RevokedShape,
    comer,
    invite,
)
from teleflow.api.v1.operation import operation
from teleflow.model.peers import parse_ref
from teleflow.services.everything import Services

router = APIRouter(prefix="/api/v1/sessions/{session_id}/chats/{chat_id}", tags=["groups"])
InvitePath = Annotated[str, Path(min_length=1, max_length=64, description="The `hash` of an invite link.")]
Cursor = Annotated[str, Query(max_length=100, description="The last page's `nextCursor`.")]
Limit = Annotated[int, digits, Query(ge=1, le=100)]
_Hash = Annotated[
    str | None, Query(alias="invite", min_length=1, max_length=64, description="Only those of this link: its `hash`.")
]


@router.post(
    "/invites",
    summary="Make an invite link",
    **operation("invites.create", scope="write", data=InviteShape, status=201, errors=THROUGH, body=InviteBody),
)
async def create(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Writer,
    services: Uses,
    body: Annotated[InviteBody, Depends(json_body(InviteBody))],
) -> Response:
    """Never asked for twice: 502 `OUTCOME_UNKNOWN` when the answer was lost."""
    made = await services.invites.create(login.principal, session_id, parse_ref(chat_id), body.terms())
    return plain(invite(made), 201)


@router.get(
    "/invites",
    summary="An admin's invite links, newest first",
    **operation("invites.list", scope="read", data=list[InviteShape], errors=THROUGH, paged=True),
)
async def listed(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Reader,
    services: Uses,
    admin: Annotated[
        str | None, Query(alias="adminId", min_length=1, max_length=256, description="Left out: one's own.")
    ] = None,
    revoked: Annotated[bool, Query(description="Those that are revoked, in place of those that work.")] = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Response:
    """Those of other admins are for the creator."""
    found, total, following = await services.invites.list(
        login.principal,
        session_id,
        parse_ref(chat_id),
        admin=None if admin is None else parse_ref(admin, field="adminId"),
        revoked=revoked,
        limit=limit,
        cursor=cursor,
    )
    return plain([invite(one) for one in found], total=total, nextCursor=following)


@router.get(
    "/invites/{invite_hash}",
    summary="One invite link",
    **operation("invites.get", scope="read", data=InviteShape, errors=THROUGH),
)
async def get(
    session_id: SessionPath, chat_id: ChatPath, invite_hash: InvitePath, login: Reader, services: Uses
) -> Response:
    return plain(invite(await services.invites.get(login.principal, session_id, parse_ref(chat_id), invite_hash)))


@router.patch(
    "/invites/{invite_hash}",
    summary="Change an invite link",
    **operation("invites.edit", scope="write", data=InviteShape, errors=THROUGH, body=EditInviteBody),
)
async def edit(
    session_id: SessionPath,
    chat_id: ChatPath,
    invite_hash: InvitePath,
    login: Writer,
    services: Uses,
    body: Annotated[EditInviteBody, Depends(json_body(EditInviteBody))],
) -> Response:
    """Not the permanent one, and none that is revoked."""
    edited = await services.invites.edit(login.principal, session_id, parse_ref(chat_id), invite_hash, body.terms())
    return plain(invite(edited))


@router.post(
    "/invites/{invite_hash}/revoke",
    summary="Let nobody come by a link any more",
    **operation("invites.revoke", scope="write", data=RevokedShape, errors=THROUGH),
)
async def revoke(
    session_id: SessionPath, chat_id: ChatPath, invite_hash: InvitePath, login: Writer, services: Uses
) -> Response:
    """Where it was the permanent one, there is a new one then."""
    done = await services.invites.revoke(login.principal, session_id, parse_ref(chat_id), invite_hash)
    told = {"invite": invite(done.invite)}
    if done.successor is not None:
        told["successor"] = invite(done.successor)
    return plain(told)


@router.delete(
    "/invites/{invite_hash}",
    summary="Forget a link that is revoked",
    **operation("invites.delete", scope="write", data=DoneShape, errors=THROUGH),
)
async def delete(
    session_id: SessionPath, chat_id: ChatPath, invite_hash: InvitePath, login: Writer, services: Uses
) -> Response:
    done = await services.invites.delete(login.principal, session_id, parse_ref(chat_id), invite_hash)
    return plain({"changed": done.changed})


@router.get(
    "/invites/{invite_hash}/joined",
    summary="Who came by a link, newest first",
    **operation("invites.joined", scope="read", data=list[ComerShape], errors=THROUGH, paged=True),
)
async def joined(
    session_id: SessionPath,
    chat_id: ChatPath,
    invite_hash: InvitePath,
    login: Reader,
    services: Uses,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Response:
    found = await services.invites.comers(
        login.principal, session_id, parse_ref(chat_id), invite_hash, waiting=False, limit=limit, cursor=cursor
    )
    return _comers(services, session_id, *found)


@router.get(
    "/join-requests",
    summary="Who waits to be let in, newest first",
    **operation("joinrequests.list", scope="read", data=list[ComerShape], errors=THROUGH, paged=True),
)
async def waiting(
    session_id: SessionPath,
    chat_id: ChatPath,
    login: Reader,
    services: Uses,
    hash_: _Hash = None,
    query: Annotated[str, Query(alias="q", max_length=64, description="Part of a name.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Response:
    found = await services.invites.comers(
        login.principal,
        session_id,
        parse_ref(chat_id),
        hash_,
        waiting=True,
        limit=limit,
        cursor=cursor,
        query=query,
    )
    return _comers(services, session_id, *found)


def _comers(services: Services, session_id: str, found: Any, total: int, following: str | None) -> Response:
    file_id = partial(services.file_ids.token, session_id)
    return plain([comer(one, file_id) for one in found], total=total, nextCursor=following)


async def _decided(
    services: Services, login: Any, session_id: str, chat_id: str, member_id: str, *, approve: bool
) -> Response:
    who = parse_ref(member_id, field="memberId")
    done = await services.invites.decide(login.principal, session_id, parse_ref(chat_id), who, approve=approve)
    return plain({"changed": done.changed})


@router.post(
    "/join-requests/{member_id}/approve",
    summary="Let somebody in",
    **operation("joinrequests.approve", scope="write", data=DoneShape, errors=THROUGH),
)
async def approve(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    """Being in it already is no error."""
    return await _decided(services, login, session_id, chat_id, member_id, approve=True)


@router.post(
    "/join-requests/{member_id}/decline",
    summary="Don't let somebody in",
    **operation("joinrequests.decline", scope="write", data=DoneShape, errors=THROUGH),
)
async def decline(
    session_id: SessionPath, chat_id: ChatPath, member_id: MemberPath, login: Writer, services: Uses
) -> Response:
    return await _decided(services, login, session_id, chat_id, member_id, approve=False)


async def _decided_all(
    services: Services, login: Any, session_id: str, chat_id: str, hash_: str | None, *, approve: bool
) -> Response:
    done = await services.invites.decide_all(login.principal, session_id, parse_ref(chat_id), hash_, approve=approve)
    return plain({"changed": done.changed})


@router.post(
    "/join-requests/approve",
    summary="Let everybody in who waits",
    **operation("joinrequests.approveAll", scope="write", data=DoneShape, errors=THROUGH),
)
async def approve_all(
    session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses, hash_: _Hash = None
) -> Response:
    return await _decided_all(services, login, session_id, chat_id, hash_, approve=True)


@router.post(
    "/join-requests/decline",
    summary="Let nobody in who waits",
    **operation("joinrequests.declineAll", scope="write", data=DoneShape, errors=THROUGH),
)
async def decline_all(
    session_id: SessionPath, chat_id: ChatPath, login: Writer, services: Uses, hash_: _Hash = None
) -> Response:
    return await _decided_all(services, login, session_id, chat_id, hash_, approve=False)
