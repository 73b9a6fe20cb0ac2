"""Invite links, and requests to be let in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.invites import Comer, Invite
from teleflow.model.operations.acts import Done
from teleflow.model.operations.invites import (
    Comers,
    CreateInvite,
    DecideAll,
    DecideJoin,
    DeleteInvite,
    EditInvite,
    GetInvite,
    Invites,
    ListComers,
    ListInvites,
    OneInvite,
)
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import person_from
from teleflow.telegram.convert.peers import input_peer, input_user, known_from
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.convert.rights import moment
from teleflow.telegram.methods.rooms import SO_ALREADY, by_lost_try, done, room, so_already
from teleflow.telegram.mtproto.requests import RpcFault

_NO_LINK = ("INVITE_HASH_EXPIRED", "INVITE_HASH_INVALID", "INVITE_HASH_EMPTY")


def invite_from(found: Any) -> Invite:
    """From a TL `chatInviteExported`. Raises for what is none."""
    if not isinstance(found, tl.ChatInviteExported):
        raise errors.unreadable()
    return Invite(
        found.link,
        found.admin_id,
        seconds(found.date) or 0,
        found.title or None,
        seconds(found.expire_date),
        found.usage_limit or None,
        found.usage or 0,
        found.requested or 0,
        by_request=bool(found.request_needed),
        permanent=bool(found.permanent),
        revoked=bool(found.revoked),
    )


async def create_invite(invoke: Invoke, operation: CreateInvite) -> OneInvite:
    terms = operation.terms
    request = f.messages.ExportChatInviteRequest(
        input_peer(room(operation.peer)),
        request_needed=terms.by_request or None,
        expire_date=moment(terms.expires_at) if terms.expires_at else None,
        usage_limit=terms.usage_limit or None,
        title=terms.title or None,
    )
    return OneInvite(invite_from(await invoke(request)))


async def list_invites(invoke: Invoke, operation: ListInvites) -> Invites:
    date, link = operation.after or (0, None)
    request = f.messages.GetExportedChatInvitesRequest(
        input_peer(room(operation.peer)),
        input_user(operation.admin),
        operation.limit,
        revoked=operation.revoked or None,
        offset_date=moment(date) if link is not None else None,
        offset_link=link,
    )
    answer = await invoke(request)
    return Invites(tuple(invite_from(one) for one in answer.invites), answer.count, known_from(answer.users))


async def get_invite(invoke: Invoke, operation: GetInvite) -> OneInvite:
    request = f.messages.GetExportedChatInviteRequest(input_peer(room(operation.peer)), operation.link)
    return _one(await invoke(request))


async def edit_invite(invoke: Invoke, operation: EditInvite) -> OneInvite:
    terms, peer = operation.terms, input_peer(room(operation.peer))
    request = f.messages.EditExportedChatInviteRequest(
        peer,
        operation.link,
        revoked=operation.revoke or None,
        expire_date=moment(terms.expires_at) if terms.expires_at is not None else None,
        usage_limit=terms.usage_limit,
        request_needed=terms.by_request,
        title=terms.title,
    )
    try:
        return _one(await invoke(request))
    except RpcFault as fault:
        if operation.revoke or errors.name_of(fault).endswith(SO_ALREADY):
            told = _one(await invoke(f.messages.GetExportedChatInviteRequest(peer, operation.link)))
            if told.invite.revoked or not operation.revoke:
                return told  # it had been so before
        raise


def _one(answer: Any) -> OneInvite:
    successor = getattr(answer, "new_invite", None)
    return OneInvite(
        invite_from(answer.invite),
        None if successor is None else invite_from(successor),
        known_from(answer.users),
    )


async def delete_invite(invoke: Invoke, operation: DeleteInvite) -> Done:
    request = f.messages.DeleteExportedChatInviteRequest(input_peer(room(operation.peer)), operation.link)
    try:
        return await done(invoke, request)
    except RpcFault as fault:
        gone = by_lost_try(fault, *_NO_LINK)
        if not gone and by_lost_try(fault, "INVITE_REVOKED_MISSING"):  # which is said of links that there are not, too
            gone = not await _is_there(invoke, operation)
        if not gone:
            raise
        return Done()


async def _is_there(invoke: Invoke, operation: DeleteInvite) -> bool:
    try:
        await invoke(f.messages.GetExportedChatInviteRequest(input_peer(room(operation.peer)), operation.link))
    except RpcFault as fault:
        if errors.name_of(fault) not in _NO_LINK:
            raise
        return False
    return True


async def list_comers(invoke: Invoke, operation: ListComers) -> Comers:
    after = operation.after
    request = f.messages.GetChatInviteImportersRequest(
        input_peer(room(operation.peer)),
        moment(after[0]) if after is not None else None,
        input_user(after[1]) if after is not None else tl.InputUserEmpty(),
        operation.limit,
        requested=operation.waiting or None,
        link=operation.link,
        q=operation.query or None,
    )
    answer = await invoke(request)
    people = {user.id: person_from(user) for user in answer.users}
    comers = tuple(
        Comer(people[one.user_id], seconds(one.date) or 0, one.about or None, one.approved_by or None)
        for one in answer.importers
        if one.user_id in people
    )
    return Comers(comers, answer.count, known_from(answer.users))


async def decide_join(invoke: Invoke, operation: DecideJoin) -> Done:
    request = f.messages.HideChatJoinRequestRequest(
        input_peer(room(operation.peer)), input_user(operation.person), approved=operation.approve or None
    )
    try:
        return await done(invoke, request)
    except RpcFault as fault:
        inside = operation.approve and errors.name_of(fault) == "USER_ALREADY_PARTICIPANT"
        if not inside and not by_lost_try(fault, "HIDE_REQUESTER_MISSING"):
            raise
        return so_already(fault)


async def decide_all(invoke: Invoke, operation: DecideAll) -> Done:
    request = f.messages.HideAllChatJoinRequestsRequest(
        input_peer(room(operation.peer)), approved=operation.approve or None, link=operation.link
    )
    try:
        return await done(invoke, request)
    except RpcFault as fault:
        if errors.name_of(fault) != "HIDE_REQUESTER_MISSING":
            raise
        return so_already(fault)


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    CreateInvite: create_invite,
    DecideAll: decide_all,
    DecideJoin: decide_join,
    DeleteInvite: delete_invite,
    EditInvite: edit_invite,
    GetInvite: get_invite,
    ListComers: list_comers,
    ListInvites: list_invites,
}
