"""Chats: the list, what one is like, joining and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Conflict, Invalid, Uncertain
from teleflow.model.chats import Chat, Dialog
from teleflow.model.operations.chats import (
    Chats,
    DescribeChat,
    Described,
    DescribeMe,
    Folders,
    GetContacts,
    JoinByInvite,
    JoinChat,
    Joined,
    LeaveChat,
    ListChats,
    ListFolders,
    People,
)
from teleflow.model.peers import Peer, PeerKind, marked_id
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import by_id, chat_from, chat_id_of, dialog_from, person_from
from teleflow.telegram.convert.folders import folder_from
from teleflow.telegram.convert.messages import message_from
from teleflow.telegram.convert.peers import input_channel, input_peer, input_user, known_from, marked
from teleflow.telegram.methods.peers import place_after
from teleflow.telegram.methods.rooms import NO_GROUP, by_lost_try
from teleflow.telegram.mtproto.requests import RpcFault
from teleflow.telegram.updates.own import unwrapped

_INSIDE = frozenset({"USER_ALREADY_PARTICIPANT"})
_OUTSIDE = frozenset({"USER_NOT_PARTICIPANT", "PARTICIPANT_MISSING"})
_OUT_OF_SIGHT = ("CHANNEL_PRIVATE", "CHANNEL_INVALID", *NO_GROUP)
_SPENT = ("INVITE_HASH_EXPIRED", "INVITE_HASH_INVALID")


async def list_chats(invoke: Invoke, operation: ListChats) -> Chats:
    after = operation.after
    answer = await invoke(
        f.messages.GetDialogsRequest(
            offset_date=after.date if after else None,
            offset_id=after.message_id if after else 0,
            offset_peer=input_peer(after.peer) if after else tl.InputPeerEmpty(),
            limit=operation.limit,
            hash=0,
            exclude_pinned=True if after else None,
            folder_id=operation.folder,
        )
    )
    known = known_from(answer.users, answer.chats)
    chats = tuple(_listed(answer, operation.me, operation.now))
    return Chats(chats, known, place_after(answer, known, operation.limit))


def _listed(answer: Any, me: int, now: int) -> list[Chat]:
    everybody = by_id(answer.users, answer.chats)
    last = {(marked(one.peer_id), one.id): one for one in answer.messages if not isinstance(one, tl.MessageEmpty)}
    chats = []
    for dialog in answer.dialogs:
        if not isinstance(dialog, tl.Dialog):
            continue  # the row that stands for the archive
        id_ = marked(dialog.peer)
        entity = everybody.get(id_)
        if entity is None or getattr(entity, "migrated_to", None) is not None:
            continue
        top = last.get((id_, dialog.top_message))
        message = message_from(top, me) if top is not None else None
        chats.append(chat_from(entity, dialog=dialog_from(dialog, message, now)))
    return chats


async def list_folders(invoke: Invoke, operation: ListFolders) -> Folders:
    answer = await invoke(f.messages.GetDialogFiltersRequest())
    return Folders(tuple(folder_from(one, operation.me) for one in answer.filters))


async def describe_chat(invoke: Invoke, operation: DescribeChat) -> Described:
    peer = operation.peer
    # Both leave together. What the list says is beside the point when there is no description.
    outcomes: tuple[Any, ...] = await asyncio.gather(
        invoke(_full_request(peer)), _dialog(invoke, operation), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    answer, dialog = outcomes
    entity = by_id(answer.users, answer.chats).get(peer.marked_id)
    if entity is None:
        raise errors.unreadable()
    match peer.kind:
        case PeerKind.USER:
            full = _of_user(answer.full_user)
        case PeerKind.CHAT:
            full = _of_group(answer.full_chat)
        case PeerKind.CHANNEL:
            full = _of_channel(answer.full_chat)
    return Described(chat_from(entity, dialog=dialog, **full), known_from(answer.users, answer.chats))


def _full_request(peer: Peer) -> Any:
    match peer.kind:
        case PeerKind.USER:
            return f.users.GetFullUserRequest(input_user(peer))
        case PeerKind.CHAT:
            return f.messages.GetFullChatRequest(peer.id)
        case PeerKind.CHANNEL:
            return f.channels.GetFullChannelRequest(input_channel(peer))


async def _dialog(invoke: Invoke, operation: DescribeChat) -> Dialog | None:
    """How it stands in the list; None when it is not in it."""
    try:
        answer = await invoke(f.messages.GetPeerDialogsRequest([tl.InputDialogPeer(input_peer(operation.peer))]))
    except RpcFault as fault:
        if errors.ends_login(fault) or fault.code == 420:
            raise
        return None  # a channel that is only looked at has no place in the list
    for chat in _listed(answer, operation.me, operation.now):
        if chat.id == operation.peer.marked_id:
            return chat.dialog
    return None


def _of_user(full: Any) -> dict[str, Any]:
    return {
        "about": full.about,
        "blocked": bool(full.blocked),
        "pinned_msg_id": full.pinned_msg_id,
        "ttl_seconds": full.ttl_period,
    }


def _of_group(full: Any) -> dict[str, Any]:
    told = {
        "about": full.about,
        "pinned_msg_id": full.pinned_msg_id,
        "ttl_seconds": full.ttl_period,
        "invite_link": _link(full),
        "pending_requests": full.requests_pending,
    }
    if isinstance(full.participants, tl.ChatParticipants):
        told["members_count"] = len(full.participants.participants)
    return told


def _of_channel(full: Any) -> dict[str, Any]:
    linked, migrated = full.linked_chat_id, full.migrated_from_chat_id
    told = {
        "about": full.about,
        "pinned_msg_id": full.pinned_msg_id,
        "ttl_seconds": full.ttl_period,
        "invite_link": _link(full),
        "pending_requests": full.requests_pending,
        "admins_count": full.admins_count,
        "banned_count": full.kicked_count,
        "online_count": full.online_count,
        "slow_mode_seconds": full.slowmode_seconds,
        "linked_chat_id": marked_id(PeerKind.CHANNEL, linked) if linked else None,
        "migrated_from": -migrated if migrated else None,
    }
    if full.participants_count is not None:
        told["members_count"] = full.participants_count
    return told


def _link(full: Any) -> str | None:
    return getattr(full.exported_invite, "link", None)


# -- joining and leaving ----------------------------------------------------------------------------------


async def join_chat(invoke: Invoke, operation: JoinChat) -> Joined:
    peer = operation.peer
    if peer.kind is PeerKind.USER:
        raise Invalid("A person is no chat that can be joined", details={"field": "chatId"})
    if peer.kind is PeerKind.CHAT:
        request: Any = f.messages.AddChatUserRequest(peer.id, tl.InputUserSelf(), fwd_limit=0)
    else:
        request = f.channels.JoinChannelRequest(input_channel(peer))
    return await _join(invoke, request, peer.marked_id)


async def join_by_invite(invoke: Invoke, operation: JoinByInvite) -> Joined:
    try:
        joined = await _join(invoke, f.messages.ImportChatInviteRequest(operation.hash), None)
    except RpcFault as fault:
        if not by_lost_try(fault, *_SPENT):
            raise
        return await _perhaps_inside(invoke, operation.hash)
    if joined.chat_id is None and not joined.requested:
        # We were in it already, and the answer to that names no chat.
        invite = await invoke(f.messages.CheckChatInviteRequest(operation.hash))
        chat = getattr(invite, "chat", None)
        if chat is not None:
            return Joined(chat_id_of(chat), known=known_from((), [chat]))
    return joined


async def _perhaps_inside(invoke: Invoke, hash_: str) -> Joined:
    """The try that was lost may have been the last for which the link was good. Raises Uncertain if nobody can tell."""
    try:
        chat = getattr(await invoke(f.messages.CheckChatInviteRequest(hash_)), "chat", None)
    except RpcFault as fault:
        if errors.name_of(fault) not in _SPENT:
            raise
        chat = None
    if chat is None:
        raise Uncertain("The link is not valid any more, and may have let this account in: look into its chats")
    return Joined(chat_id_of(chat), known=known_from((), [chat]))


async def _join(invoke: Invoke, request: Any, chat_id: int | None) -> Joined:
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        name = errors.name_of(fault)
        if name == "INVITE_REQUEST_SENT":
            return Joined(chat_id, requested=True)
        if name in _INSIDE:
            return Joined(chat_id)
        raise
    if isinstance(answer, tl.messages.ChatInviteJoinResultWebView):
        raise Conflict("This chat lets in who answers its bot in a Telegram app: join it there", code="JOIN_NEEDS_APP")
    updates = unwrapped(answer)
    chats = getattr(updates, "chats", ())
    if chat_id is None and chats:
        chat_id = chat_id_of(chats[0])
    return Joined(chat_id, known=known_from(getattr(updates, "users", ()), chats))


async def leave_chat(invoke: Invoke, operation: LeaveChat) -> Joined:
    peer = operation.peer
    if peer.kind is PeerKind.USER:
        raise Invalid("A private chat can't be left", details={"field": "chatId"})
    if peer.kind is PeerKind.CHAT:
        request: Any = f.messages.DeleteChatUserRequest(peer.id, tl.InputUserSelf())
    else:
        request = f.channels.LeaveChannelRequest(input_channel(peer))
    try:
        await invoke(request)
    except RpcFault as fault:
        if errors.name_of(fault) not in _OUTSIDE and not by_lost_try(fault, *_OUT_OF_SIGHT):
            raise
    return Joined(peer.marked_id)


# -- people -----------------------------------------------------------------------------------------------


async def get_contacts(invoke: Invoke, _operation: GetContacts) -> People:
    answer = await invoke(f.contacts.GetContactsRequest(hash=0))
    users = {user.id: user for user in getattr(answer, "users", ())}
    wanted = [users[one.user_id] for one in getattr(answer, "contacts", ()) if one.user_id in users]
    return People(tuple(person_from(user) for user in wanted), known_from(users.values()))


async def describe_me(invoke: Invoke, _operation: DescribeMe) -> People:
    users = await invoke(f.users.GetUsersRequest([tl.InputUserSelf()]))
    if not users or not isinstance(users[0], tl.User):
        raise errors.unreadable()
    return People((person_from(users[0]),), known_from(users))


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    DescribeChat: describe_chat,
    DescribeMe: describe_me,
    GetContacts: get_contacts,
    JoinByInvite: join_by_invite,
    JoinChat: join_chat,
    LeaveChat: leave_chat,
    ListChats: list_chats,
    ListFolders: list_folders,
}
