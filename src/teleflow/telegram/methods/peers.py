"""Finding out how to address a peer."""

from __future__ import annotations

from typing import Any

from telethon.tl import types as tl
from telethon.tl.functions.contacts import GetContactsRequest, ResolveUsernameRequest
from telethon.tl.functions.messages import CheckChatInviteRequest, GetChatsRequest, GetDialogsRequest

from teleflow.model.operations.peers import (
    Acquaintances,
    CheckInvite,
    ListContacts,
    LookAtGroup,
    Place,
    Resolved,
    ResolveUsername,
    WalkDialogs,
)
from teleflow.model.peers import Known, Peer
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_peer, known_from, marked
from teleflow.telegram.mtproto.requests import RpcFault

_NOBODY = frozenset({"USERNAME_NOT_OCCUPIED", "USERNAME_INVALID"})
_NO_GROUP = frozenset({"CHAT_ID_INVALID", "PEER_ID_INVALID", "CHAT_FORBIDDEN"})
_NO_INVITE = frozenset({"INVITE_HASH_EXPIRED", "INVITE_HASH_INVALID", "INVITE_HASH_EMPTY"})


async def resolve_username(invoke: Invoke, operation: ResolveUsername) -> Resolved:
    try:
        answer = await invoke(ResolveUsernameRequest(operation.username))
    except RpcFault as fault:
        if errors.name_of(fault) in _NOBODY:
            return Resolved(None)
        raise
    known = known_from(answer.users, answer.chats)
    return _resolved(marked(answer.peer), known)


async def check_invite(invoke: Invoke, operation: CheckInvite) -> Resolved:
    try:
        answer = await invoke(CheckChatInviteRequest(operation.hash))
    except RpcFault as fault:
        if errors.name_of(fault) in _NO_INVITE:
            return Resolved(None)
        raise
    if not isinstance(answer, tl.ChatInviteAlready | tl.ChatInvitePeek):
        return Resolved(None)
    known = known_from((), [answer.chat])
    return _resolved(known[0].peer_id if known else None, known)


async def look_at_group(invoke: Invoke, operation: LookAtGroup) -> Resolved:
    try:
        answer = await invoke(GetChatsRequest([operation.chat_id]))
    except RpcFault as fault:
        if errors.name_of(fault) in _NO_GROUP:
            return Resolved(None)
        raise
    return _resolved(-operation.chat_id, known_from((), answer.chats))


async def list_contacts(invoke: Invoke, _operation: ListContacts) -> Acquaintances:
    answer = await invoke(GetContactsRequest(hash=0))
    return Acquaintances(known_from(getattr(answer, "users", ())), None)


async def walk_dialogs(invoke: Invoke, operation: WalkDialogs) -> Acquaintances:
    after = operation.after
    request = GetDialogsRequest(
        offset_date=after.date if after else None,
        offset_id=after.message_id if after else 0,
        offset_peer=input_peer(after.peer) if after else tl.InputPeerEmpty(),
        limit=operation.limit,
        hash=0,
    )
    answer = await invoke(request)
    known = known_from(answer.users, answer.chats)
    return Acquaintances(known, place_after(answer, known, operation.limit))


def place_after(answer: Any, known: tuple[Known, ...], limit: int) -> Place | None:
    """Where the page after this answer of messages.getDialogs begins.

    Telegram orders by the date of the top message; a page that is not full, or `messages.dialogs` itself, is the
    last one.
    """
    if not isinstance(answer, tl.messages.DialogsSlice) or len(answer.dialogs) < limit:
        return None
    hashes = {one.peer_id: one.access_hash for one in known}
    for dialog in reversed(answer.dialogs):
        if not isinstance(dialog, tl.Dialog) or dialog.pinned:
            continue  # pinned chats stand outside the order
        id_ = marked(dialog.peer)
        date = _date_of(answer.messages, id_, dialog.top_message)
        if date is not None and id_ in hashes:
            return Place(int(date.timestamp()), dialog.top_message, Peer.of(id_, hashes[id_]))
    return None


def _date_of(messages: list[Any], chat_id: int, message_id: int) -> Any:
    for message in reversed(messages):
        if message.id == message_id and has_peer(message) and marked(message.peer_id) == chat_id:
            return message.date
    return None


def has_peer(message: Any) -> bool:
    return getattr(message, "peer_id", None) is not None


def _resolved(peer_id: int | None, known: tuple[Known, ...]) -> Resolved:
    return Resolved(peer_id if any(one.peer_id == peer_id for one in known) else None, known)
