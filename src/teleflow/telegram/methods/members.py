"""Who is in a chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Forbidden
from teleflow.model.chats import Member, Role
from teleflow.model.operations.chats import ListMembers, MemberFilter, Members
from teleflow.model.peers import PeerKind
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import by_id, member_from, person_from
from teleflow.telegram.convert.peers import input_channel, input_user, known_from

_ADMINS = frozenset({Role.CREATOR, Role.ADMIN})
_AT_ONCE = 200  # channels.getParticipants gives no more in one answer


async def list_members(invoke: Invoke, operation: ListMembers) -> Members:
    match operation.peer.kind:
        case PeerKind.USER:
            return await _of_two(invoke, operation)
        case PeerKind.CHAT:
            return await _of_group(invoke, operation)
        case PeerKind.CHANNEL:
            return await _of_channel(invoke, operation)


async def _of_channel(invoke: Invoke, operation: ListMembers) -> Members:
    answer = await invoke(
        f.channels.GetParticipantsRequest(
            input_channel(operation.peer),
            _filter(operation),
            offset=operation.offset,
            limit=min(operation.limit, _AT_ONCE),
            hash=0,
        )
    )
    everybody = by_id(answer.users, answer.chats)
    members = tuple(member_from(one, everybody) for one in answer.participants)
    return Members(members, answer.count, known_from(answer.users, answer.chats))


def _filter(operation: ListMembers) -> Any:
    query = operation.query
    match operation.filter:
        case MemberFilter.ADMINS:
            return tl.ChannelParticipantsAdmins()
        case MemberFilter.BOTS:
            return tl.ChannelParticipantsBots()
        case MemberFilter.RESTRICTED:
            return tl.ChannelParticipantsBanned(query)
        case MemberFilter.BANNED:
            return tl.ChannelParticipantsKicked(query)
        case MemberFilter.ALL:
            return tl.ChannelParticipantsSearch(query) if query else tl.ChannelParticipantsRecent()


async def _of_group(invoke: Invoke, operation: ListMembers) -> Members:
    """A basic group tells all of them at once."""
    answer = await invoke(f.messages.GetFullChatRequest(operation.peer.id))
    participants = answer.full_chat.participants
    if not isinstance(participants, tl.ChatParticipants):
        raise Forbidden("This account is not in the group any more: it can't see who is", code="CHAT_FORBIDDEN")
    everybody = by_id(answer.users, answer.chats)
    members = [member_from(one, everybody) for one in participants.participants]
    return _page(members, operation, known_from(answer.users, answer.chats))


async def _of_two(invoke: Invoke, operation: ListMembers) -> Members:
    wanted = [input_user(operation.peer)]
    if not operation.peer.is_self:
        wanted.append(tl.InputUserSelf())
    users = await invoke(f.users.GetUsersRequest(wanted))
    unique = {user.id: user for user in users}
    members = [Member(person_from(user), Role.MEMBER) for user in unique.values()]
    return _page(members, operation, known_from(users))


def _page(members: list[Member], operation: ListMembers, known: Any) -> Members:
    chosen = [one for one in members if _passes(one, operation)]
    return Members(tuple(chosen[operation.offset : operation.offset + operation.limit]), len(chosen), known)


def _passes(member: Member, operation: ListMembers) -> bool:
    person = member.person
    match operation.filter:
        case MemberFilter.ADMINS if member.role not in _ADMINS:
            return False
        case MemberFilter.BOTS if not person.bot:
            return False
        case MemberFilter.RESTRICTED | MemberFilter.BANNED:
            return False  # here nobody is: who is removed is out
    words = f"{person.first_name} {person.last_name or ''} {person.username or ''}".lower()
    return operation.query.lower() in words


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    ListMembers: list_members,
}
