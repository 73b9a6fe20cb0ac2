"""Who is in a chat, changed: added, removed, made admins, restricted, shut out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Conflict, Invalid, NotFound
from teleflow.model.groups import Missing
from teleflow.model.operations.acts import Done
from teleflow.model.operations.members import (
    Added,
    AddMembers,
    GetMember,
    OneMember,
    RemoveMember,
    SetBan,
    SetRestriction,
    SetRights,
)
from teleflow.model.peers import Peer, PeerKind
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import by_id, member_from
from teleflow.telegram.convert.peers import input_channel, input_peer, input_user, known_from
from teleflow.telegram.convert.rights import admin_rights, banned_rights, shut_out
from teleflow.telegram.methods.groups import missing_of
from teleflow.telegram.methods.rooms import channel, done, known_of, room, so_already
from teleflow.telegram.mtproto.requests import RpcFault

_INSIDE = "USER_ALREADY_PARTICIPANT"
_OUTSIDE = frozenset({"USER_NOT_PARTICIPANT", "PARTICIPANT_MISSING", "PARTICIPANT_ID_INVALID"})
# What stands in the way of one person, and of nobody else in the same request.
_OF_ONE = frozenset(
    {
        "USER_PRIVACY_RESTRICTED",
        "USER_NOT_MUTUAL_CONTACT",
        "USER_CHANNELS_TOO_MUCH",
        "USER_KICKED",
        "USER_BLOCKED",
        "USER_IS_BLOCKED",
        "USER_BOT",
        "BOT_GROUPS_BLOCKED",
        "INPUT_USER_DEACTIVATED",
        "PREMIUM_ACCOUNT_REQUIRED",
        "CHAT_MEMBER_ADD_FAILED",
    }
)
_SHOWN_TO_NEWCOMERS = 0  # messages of a basic group from before they came


async def add_members(invoke: Invoke, operation: AddMembers) -> Added:
    peer, people = room(operation.peer), operation.people
    for person in people:
        _person(person)
    if peer.kind is PeerKind.CHANNEL:
        try:
            return await _invite(invoke, peer, people)
        except RpcFault as fault:
            if len(people) > 1 and errors.name_of(fault) not in _OF_ONE | {_INSIDE}:
                raise
            if len(people) == 1:
                return _alone(fault, people[0])
    found = [await _add_one(invoke, peer, person) for person in people]
    return Added(
        tuple(id_ for one in found for id_ in one.added),
        tuple(missing for one in found for missing in one.missing),
        tuple(known for one in found for known in one.known),
    )


async def _invite(invoke: Invoke, peer: Peer, people: Sequence[Peer]) -> Added:
    request = f.channels.InviteToChannelRequest(input_channel(peer), [input_user(one) for one in people])
    return _added(await invoke(request), people)


async def _add_one(invoke: Invoke, peer: Peer, person: Peer) -> Added:
    try:
        if peer.kind is PeerKind.CHANNEL:
            return await _invite(invoke, peer, [person])
        request = f.messages.AddChatUserRequest(peer.id, input_user(person), fwd_limit=_SHOWN_TO_NEWCOMERS)
        return _added(await invoke(request), [person])
    except RpcFault as fault:
        return _alone(fault, person)


def _alone(fault: RpcFault, person: Peer) -> Added:
    """What was said of one person only. Raises what concerns more than that."""
    name = errors.name_of(fault)
    if name == _INSIDE:
        return Added((person.id,))
    if name in _OF_ONE:
        return Added((), (Missing(person.id, name),))
    raise fault


def _added(answer: Any, people: Sequence[Peer]) -> Added:
    missing = missing_of(answer)
    out = {one.user_id for one in missing}
    return Added(tuple(one.id for one in people if one.id not in out), missing, known_of(answer))


async def get_member(invoke: Invoke, operation: GetMember) -> OneMember:
    peer, person = room(operation.peer), operation.person
    if peer.kind is PeerKind.CHANNEL:
        answer = await _participant(invoke, peer, person)
        if answer is None:
            raise no_member()
        member = member_from(answer.participant, by_id(answer.users, answer.chats))
        return OneMember(member, known_from(answer.users, answer.chats))
    answer = await invoke(f.messages.GetFullChatRequest(peer.id))
    everybody = by_id(answer.users, answer.chats)
    for one in getattr(answer.full_chat.participants, "participants", ()):
        if one.user_id == person.id:
            return OneMember(member_from(one, everybody), known_from(answer.users, answer.chats))
    raise no_member()


async def _participant(invoke: Invoke, peer: Peer, person: Peer) -> Any:
    """The `channels.channelParticipant`; None for somebody who is not in it."""
    try:
        return await invoke(f.channels.GetParticipantRequest(input_channel(peer), input_peer(person)))
    except RpcFault as fault:
        if errors.name_of(fault) in _OUTSIDE:
            return None
        raise


async def remove_member(invoke: Invoke, operation: RemoveMember) -> Done:
    peer, person = room(operation.peer), _person(operation.person)
    if person.is_self:
        raise Invalid("To go oneself, leave the chat", code="MEMBER_IS_SELF", details={"field": "memberId"})
    if peer.kind is PeerKind.CHAT:
        try:
            return await done(invoke, f.messages.DeleteChatUserRequest(peer.id, input_user(person)))
        except RpcFault as fault:
            if errors.name_of(fault) not in _OUTSIDE:
                raise
            return so_already(fault)
    found = await _participant(invoke, peer, person)
    inside = None if found is None else found.participant
    before = tl.ChatBannedRights(until_date=None)
    if isinstance(inside, tl.ChannelParticipantBanned):
        before = inside.banned_rights  # a restriction stays when they come again
        if before.view_messages or inside.left:
            return Done(changed=False)
    if inside is None or isinstance(inside, tl.ChannelParticipantLeft):
        return Done(changed=False)
    await done(invoke, _editing(peer, person, shut_out(operation.until)))
    return await done(invoke, _editing(peer, person, before))


async def set_rights(invoke: Invoke, operation: SetRights) -> Done:
    peer, person, rights = room(operation.peer), _person(operation.person), operation.rights
    if peer.kind is PeerKind.CHAT:
        if rights or operation.title:
            raise Conflict(
                "Admins of a basic group have no rights and titles of their own: upgrade it to a supergroup",
                code="NEEDS_SUPERGROUP",
            )
        return await done(invoke, f.messages.EditChatAdminRequest(peer.id, input_user(person), rights is None))
    if rights is None:
        raise Invalid("Name the rights that the admin has", code="RIGHTS_INVALID", details={"field": "rights"})
    if not rights and await _is_no_admin(invoke, peer, person):
        return Done(changed=False)
    request = f.channels.EditAdminRequest(
        input_channel(peer), input_user(person), admin_rights(rights), operation.title or None
    )
    return await done(invoke, request)


async def _is_no_admin(invoke: Invoke, peer: Peer, person: Peer) -> bool:
    found = await _participant(invoke, peer, person)
    admins = tl.ChannelParticipantAdmin | tl.ChannelParticipantCreator
    return found is None or not isinstance(found.participant, admins)


async def set_restriction(invoke: Invoke, operation: SetRestriction) -> Done:
    peer, person = channel(operation.peer), operation.person
    rights = banned_rights(operation.permissions, until=operation.until)
    if all(operation.permissions.values()):
        # Nothing is forbidden any more; but a ban is not for this to take back.
        found = await _participant(invoke, peer, person)
        held = found.participant if found is not None else None
        if not isinstance(held, tl.ChannelParticipantBanned) or held.banned_rights.view_messages:
            return Done(changed=False)
    return await done(invoke, _editing(peer, person, rights))


async def set_ban(invoke: Invoke, operation: SetBan) -> Done:
    peer, person = channel(operation.peer), operation.person
    if operation.banned:
        return await done(invoke, _editing(peer, person, shut_out(operation.until)))
    found = await _participant(invoke, peer, person)
    held = found.participant if found is not None else None
    if not isinstance(held, tl.ChannelParticipantBanned) or not held.banned_rights.view_messages:
        return Done(changed=False)
    return await done(invoke, _editing(peer, person, tl.ChatBannedRights(until_date=None)))


def _editing(peer: Peer, person: Peer, rights: Any) -> Any:
    return f.channels.EditBannedRequest(input_channel(peer), input_peer(person), rights)


def _person(peer: Peer) -> Peer:
    if peer.kind is not PeerKind.USER:
        raise Invalid("This is for people", code="NOT_A_PERSON", details={"field": "memberId"})
    return peer


def no_member() -> NotFound:
    return NotFound("This person is not in the chat", code="MEMBER_NOT_FOUND")


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    AddMembers: add_members,
    GetMember: get_member,
    RemoveMember: remove_member,
    SetBan: set_ban,
    SetRestriction: set_restriction,
    SetRights: set_rights,
}
