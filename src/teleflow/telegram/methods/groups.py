"""Groups and channels: made, set up, ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Conflict, Invalid
from teleflow.model.chats import ChatType
from teleflow.model.groups import Missing, Switch
from teleflow.model.operations.acts import Done
from teleflow.model.operations.groups import (
    CreateChat,
    Created,
    DeleteChat,
    FindCreated,
    FoundChats,
    GetChatPhoto,
    LinkDiscussion,
    PhotoNow,
    SetAbout,
    SetChatPhoto,
    SetPermissions,
    SetSlowMode,
    SetSwitch,
    SetTitle,
    SetUsername,
    Upgrade,
)
from teleflow.model.peers import Peer, PeerKind, marked_id
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import by_id, chat_id_of
from teleflow.telegram.convert.peers import input_channel, input_peer, input_user, known_from
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.convert.rights import merged
from teleflow.telegram.methods.parcels import input_file
from teleflow.telegram.methods.rooms import NO_GROUP, by_lost_try, channel, done, known_of, room
from teleflow.telegram.mtproto.requests import RpcFault

_LOOKED_THROUGH = 100


async def create_chat(invoke: Invoke, operation: CreateChat) -> Created:
    if operation.kind is ChatType.GROUP:
        users = [input_user(one) for one in operation.members]
        answer = await invoke(f.messages.CreateChatRequest(users, operation.title))
        updates, missing = answer.updates, missing_of(answer)
    else:
        group = operation.kind is ChatType.SUPERGROUP
        updates = await invoke(
            f.channels.CreateChannelRequest(
                operation.title,
                operation.about,
                broadcast=None if group else True,
                megagroup=True if group else None,
                forum=operation.forum or None,
            )
        )
        missing = ()
    chats = getattr(updates, "chats", ())
    if not chats:
        raise errors.unreadable()
    return Created(chat_id_of(chats[0]), missing, known_from(updates.users, chats))


def missing_of(answer: Any) -> tuple[Missing, ...]:
    """Of a `messages.invitedUsers`."""
    return tuple(
        Missing(
            one.user_id,
            "PREMIUM_ACCOUNT_REQUIRED"
            if one.premium_would_allow_invite or one.premium_required_for_pm
            else "USER_PRIVACY_RESTRICTED",
        )
        for one in getattr(answer, "missing_invitees", ())
    )


async def find_created(invoke: Invoke, operation: FindCreated) -> FoundChats:
    answer = await invoke(f.messages.GetDialogsRequest(None, 0, tl.InputPeerEmpty(), _LOOKED_THROUGH, 0))
    found = [one for one in answer.chats if _is_it(one, operation)]
    return FoundChats(tuple(chat_id_of(one) for one in found), known_from(answer.users, answer.chats))


def _is_it(chat: Any, wanted: FindCreated) -> bool:
    match chat:
        case tl.Chat():
            kind = ChatType.GROUP
        case tl.Channel():
            kind = ChatType.SUPERGROUP if chat.megagroup else ChatType.CHANNEL
        case _:
            return False
    made = seconds(chat.date) or 0
    return kind is wanted.kind and bool(chat.creator) and made >= wanted.since and chat.title == wanted.title


async def set_title(invoke: Invoke, operation: SetTitle) -> Done:
    peer = room(operation.peer)
    if peer.kind is PeerKind.CHAT:
        return await done(invoke, f.messages.EditChatTitleRequest(peer.id, operation.title))
    return await done(invoke, f.channels.EditTitleRequest(input_channel(peer), operation.title))


async def set_about(invoke: Invoke, operation: SetAbout) -> Done:
    return await done(invoke, f.messages.EditChatAboutRequest(input_peer(room(operation.peer)), operation.about))


async def set_username(invoke: Invoke, operation: SetUsername) -> Done:
    request = f.channels.UpdateUsernameRequest(input_channel(channel(operation.peer)), operation.username)
    try:
        return await done(invoke, request)
    except RpcFault as fault:
        if errors.name_of(fault) in {"USERNAME_INVALID", "USERNAME_PURCHASE_AVAILABLE"}:
            # Elsewhere the same word means that a chat was not found.
            raise Invalid(
                "Telegram does not take this username",
                code="USERNAME_INVALID",
                details={"field": "username", "telegramError": fault.message[:100]},
            ) from fault
        raise


async def set_permissions(invoke: Invoke, operation: SetPermissions) -> Done:
    peer = room(operation.peer)
    if peer.kind is PeerKind.CHAT:
        answer = await invoke(f.messages.GetChatsRequest([peer.id]))
    else:
        answer = await invoke(f.channels.GetChannelsRequest([input_channel(peer)]))
    entity = by_id((), answer.chats).get(peer.marked_id)
    rights = merged(getattr(entity, "default_banned_rights", None), operation.permissions)
    return await done(invoke, f.messages.EditChatDefaultBannedRightsRequest(input_peer(peer), rights))


async def set_slow_mode(invoke: Invoke, operation: SetSlowMode) -> Done:
    target = input_channel(channel(operation.peer))
    return await done(invoke, f.channels.ToggleSlowModeRequest(target, operation.seconds))


async def set_switch(invoke: Invoke, operation: SetSwitch) -> Done:
    on = operation.on
    if operation.switch is Switch.PROTECTED:
        return await done(invoke, f.messages.ToggleNoForwardsRequest(input_peer(room(operation.peer)), on))
    target = input_channel(channel(operation.peer))
    match operation.switch:
        case Switch.SIGNATURES:
            request: Any = f.channels.ToggleSignaturesRequest(target, signatures_enabled=on or None)
        case Switch.HISTORY_HIDDEN:
            request = f.channels.TogglePreHistoryHiddenRequest(target, on)
        case Switch.JOIN_TO_SEND:
            request = f.channels.ToggleJoinToSendRequest(target, on)
        case Switch.JOIN_BY_REQUEST:
            request = f.channels.ToggleJoinRequestRequest(target, on)
        case _:
            request = f.channels.ToggleForumRequest(target, on, tabs=False)
    return await done(invoke, request)


async def link_discussion(invoke: Invoke, operation: LinkDiscussion) -> Done:
    """Which of the two is the channel, Telegram's own objects tell."""
    one = channel(operation.peer)
    other = None if operation.other is None else channel(operation.other)
    named = [input_channel(peer) for peer in (one, other) if peer is not None]
    found = by_id((), (await invoke(f.channels.GetChannelsRequest(named))).chats)
    is_channel = bool(getattr(found.get(one.marked_id), "broadcast", False))
    first, second = (one, other) if is_channel else (other, one)
    request = f.channels.SetDiscussionGroupRequest(_or_none(first), _or_none(second))
    return await done(invoke, request)


def _or_none(peer: Peer | None) -> Any:
    return tl.InputChannelEmpty() if peer is None else input_channel(peer)


async def set_photo(invoke: Invoke, operation: SetChatPhoto) -> Done:
    peer, upload = room(operation.peer), operation.upload
    photo = tl.InputChatPhotoEmpty() if upload is None else tl.InputChatUploadedPhoto(file=input_file(upload))
    if peer.kind is PeerKind.CHAT:
        return await done(invoke, f.messages.EditChatPhotoRequest(peer.id, photo))
    return await done(invoke, f.channels.EditPhotoRequest(input_channel(peer), photo))


async def get_photo(invoke: Invoke, operation: GetChatPhoto) -> PhotoNow:
    peer = room(operation.peer)
    if peer.kind is PeerKind.CHAT:
        answer = await invoke(f.messages.GetFullChatRequest(peer.id))
    else:
        answer = await invoke(f.channels.GetFullChannelRequest(input_channel(peer)))
    photo, known = answer.full_chat.chat_photo, known_from(answer.users, answer.chats)
    return PhotoNow(photo.id, seconds(photo.date) or 0, known) if isinstance(photo, tl.Photo) else PhotoNow(known=known)


async def upgrade(invoke: Invoke, operation: Upgrade) -> Created:
    peer = room(operation.peer)
    if peer.kind is not PeerKind.CHAT:
        raise Conflict("It is a supergroup or channel already", code="ALREADY_SUPERGROUP")
    try:
        updates = await invoke(f.messages.MigrateChatRequest(peer.id))
    except RpcFault as fault:
        if errors.name_of(fault) not in NO_GROUP:
            raise
        return await _upgraded_before(invoke, peer, fault)
    for one in updates.chats:
        if isinstance(one, tl.Channel):
            return Created(chat_id_of(one), (), known_of(updates))
    raise errors.unreadable()


async def _upgraded_before(invoke: Invoke, peer: Peer, fault: RpcFault) -> Created:
    answer = await invoke(f.messages.GetChatsRequest([peer.id]))
    moved = getattr(by_id((), answer.chats).get(peer.marked_id), "migrated_to", None)
    if not isinstance(moved, tl.InputChannel):
        raise fault
    return Created(marked_id(PeerKind.CHANNEL, moved.channel_id), (), known_from((), answer.chats))


async def delete_chat(invoke: Invoke, operation: DeleteChat) -> Done:
    peer = room(operation.peer)
    if peer.kind is PeerKind.CHAT:
        try:
            await invoke(f.messages.DeleteChatRequest(peer.id))
        except RpcFault as fault:
            if not fault.after_lost_try or await _stands(invoke, peer):
                raise
    else:
        try:
            await invoke(f.channels.DeleteChannelRequest(input_channel(peer)))
        except RpcFault as fault:
            if not by_lost_try(fault, "CHANNEL_PRIVATE", "CHANNEL_INVALID"):
                raise
    return Done()


async def _stands(invoke: Invoke, peer: Peer) -> bool:
    """Whether the account is in this basic group still: of one that is deleted Telegram tells next to nothing."""
    try:
        answer = await invoke(f.messages.GetChatsRequest([peer.id]))
    except RpcFault as fault:
        if errors.name_of(fault) not in NO_GROUP:
            raise
        return False
    chat = by_id((), answer.chats).get(peer.marked_id)
    return isinstance(chat, tl.Chat) and not chat.deactivated and not chat.left


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    CreateChat: create_chat,
    DeleteChat: delete_chat,
    FindCreated: find_created,
    GetChatPhoto: get_photo,
    LinkDiscussion: link_discussion,
    SetAbout: set_about,
    SetChatPhoto: set_photo,
    SetPermissions: set_permissions,
    SetSlowMode: set_slow_mode,
    SetSwitch: set_switch,
    SetTitle: set_title,
    SetUsername: set_username,
    Upgrade: upgrade,
}
