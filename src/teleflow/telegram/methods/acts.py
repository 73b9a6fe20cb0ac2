"""Acts on messages that are there already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Invalid, NotFound
from teleflow.model.operations.acts import (
    CancelScheduled,
    Deleted,
    DeleteMessages,
    Done,
    Edited,
    EditText,
    MarkRead,
    Pin,
    React,
    SendScheduledNow,
    SentNow,
    ShowTyping,
)
from teleflow.model.peers import PeerKind
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.entities import input_entities
from teleflow.telegram.convert.messages import message_from, messages_from
from teleflow.telegram.convert.peers import input_channel, input_peer, known_from
from teleflow.telegram.methods.history import fetched, in_chat
from teleflow.telegram.methods.rooms import by_lost_try, so_already
from teleflow.telegram.mtproto.requests import RpcFault

_SO_ALREADY = frozenset({"MESSAGE_NOT_MODIFIED", "CHAT_NOT_MODIFIED"})
_NEW = (tl.UpdateNewMessage, tl.UpdateNewChannelMessage)
_EDITED = (tl.UpdateEditMessage, tl.UpdateEditChannelMessage, tl.UpdateNewScheduledMessage)
_ACTIONS: dict[str, Any] = {
    "typing": tl.SendMessageTypingAction(),
    "cancel": tl.SendMessageCancelAction(),
    "record_voice": tl.SendMessageRecordAudioAction(),
    "upload_voice": tl.SendMessageUploadAudioAction(0),
    "record_video": tl.SendMessageRecordVideoAction(),
    "upload_video": tl.SendMessageUploadVideoAction(0),
    "record_video_note": tl.SendMessageRecordRoundAction(),
    "upload_video_note": tl.SendMessageUploadRoundAction(0),
    "upload_photo": tl.SendMessageUploadPhotoAction(0),
    "upload_document": tl.SendMessageUploadDocumentAction(0),
    "choose_sticker": tl.SendMessageChooseStickerAction(),
    "choose_contact": tl.SendMessageChooseContactAction(),
    "choose_location": tl.SendMessageGeoLocationAction(),
    "play_game": tl.SendMessageGamePlayAction(),
}


async def edit_text(invoke: Invoke, operation: EditText) -> Edited:
    when = operation.schedule
    request = f.messages.EditMessageRequest(
        input_peer(operation.peer),
        operation.message_id,
        no_webpage=None if operation.link_preview else True,
        message=operation.text,
        entities=input_entities(operation.entities, operation.mentioned) or None,
        schedule_date=datetime.fromtimestamp(when, UTC) if when is not None else None,
    )
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if errors.name_of(fault) not in _SO_ALREADY or (when is not None and not fault.after_lost_try):
            raise
    else:
        for update in getattr(answer, "updates", ()):
            if isinstance(update, _EDITED) and update.message.id == operation.message_id:
                message = message_from(update.message, operation.me)
                return Edited(message, known_from(answer.users, answer.chats))
    # It is as it was asked for; how it looks is for Telegram to say.
    if when is not None:
        found = await invoke(f.messages.GetScheduledMessagesRequest(input_peer(operation.peer), [operation.message_id]))
    else:
        found = await fetched(invoke, operation.peer, (operation.message_id,))
    for one in found.messages:
        if in_chat(one, operation.peer):
            return Edited(message_from(one, operation.me), known_from(found.users, found.chats))
    raise no_message()


async def delete_messages(invoke: Invoke, operation: DeleteMessages) -> Deleted:
    answer = await fetched(invoke, operation.peer, operation.ids)
    here = {one.id for one in answer.messages if in_chat(one, operation.peer)}
    ids = [one for one in operation.ids if one in here]
    if not ids:
        raise no_message()
    if operation.peer.kind is PeerKind.CHANNEL:
        await invoke(f.channels.DeleteMessagesRequest(input_channel(operation.peer), ids))
    else:
        await invoke(f.messages.DeleteMessagesRequest(ids, revoke=operation.for_everyone or None))
    return Deleted(tuple(ids), known_from(answer.users, answer.chats))


async def react(invoke: Invoke, operation: React) -> Done:
    reaction: list[Any] = []
    if operation.custom_emoji_id is not None:
        reaction = [tl.ReactionCustomEmoji(operation.custom_emoji_id)]
    elif operation.emoji:
        reaction = [tl.ReactionEmoji(operation.emoji)]
    request = f.messages.SendReactionRequest(
        input_peer(operation.peer), operation.message_id, big=operation.big or None, reaction=reaction
    )
    try:
        return await _done(invoke, request)
    except RpcFault as fault:
        if reaction or not by_lost_try(fault, "REACTION_EMPTY"):
            raise
        return Done()


async def pin(invoke: Invoke, operation: Pin) -> Done:
    request = f.messages.UpdatePinnedMessageRequest(
        input_peer(operation.peer),
        operation.message_id,
        silent=operation.silent or None,
        unpin=operation.unpin or None,
        pm_oneside=operation.one_side or None,
    )
    return await _done(invoke, request)


async def mark_read(invoke: Invoke, operation: MarkRead) -> Done:
    if operation.peer.kind is PeerKind.CHANNEL:
        changed = await invoke(f.channels.ReadHistoryRequest(input_channel(operation.peer), operation.max_id))
        return Done(bool(changed))
    await invoke(f.messages.ReadHistoryRequest(input_peer(operation.peer), operation.max_id))
    return Done()


async def show_typing(invoke: Invoke, operation: ShowTyping) -> Done:
    action = _ACTIONS.get(operation.action)
    if action is None:
        raise Invalid("There is no such action", details={"field": "action", "known": list(_ACTIONS)})
    await invoke(f.messages.SetTypingRequest(input_peer(operation.peer), action, top_msg_id=operation.topic))
    return Done()


async def cancel_scheduled(invoke: Invoke, operation: CancelScheduled) -> Deleted:
    ids = await _scheduled(invoke, operation.peer, operation.ids)
    try:
        await invoke(f.messages.DeleteScheduledMessagesRequest(input_peer(operation.peer), ids))
    except RpcFault as fault:
        if not by_lost_try(fault, "MESSAGE_ID_INVALID"):
            raise
    return Deleted(tuple(ids))


async def send_scheduled_now(invoke: Invoke, operation: SendScheduledNow) -> SentNow:
    ids = await _scheduled(invoke, operation.peer, operation.ids)
    try:
        answer = await invoke(f.messages.SendScheduledMessagesRequest(input_peer(operation.peer), ids))
    except RpcFault as fault:
        if not by_lost_try(fault, "MESSAGE_ID_INVALID"):
            raise
        return SentNow(())
    updates = getattr(answer, "updates", ())
    sent = [update.message for update in updates if isinstance(update, _NEW)]
    known = known_from(answer.users, answer.chats)
    # The messages may come as updates of their own; here are at least their numbers.
    told = {
        number
        for update in updates
        if isinstance(update, tl.UpdateDeleteScheduledMessages)
        for number in update.sent_messages or ()
    } - {one.id for one in sent}
    if told:
        found = await fetched(invoke, operation.peer, tuple(sorted(told)))
        sent += found.messages
        known += known_from(found.users, found.chats)
    here = sorted((one for one in sent if in_chat(one, operation.peer)), key=lambda one: int(one.id))
    return SentNow(messages_from(here, operation.me), known)


async def _scheduled(invoke: Invoke, peer: Any, ids: tuple[int, ...]) -> list[int]:
    """Those of the ids that wait in this chat. Raises NotFound when none does."""
    answer = await invoke(f.messages.GetScheduledMessagesRequest(input_peer(peer), list(ids)))
    here = {one.id for one in answer.messages if not isinstance(one, tl.MessageEmpty)}
    found = [one for one in ids if one in here]
    if not found:
        raise no_message()
    return found


async def _done(invoke: Invoke, request: Any) -> Done:
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if errors.name_of(fault) not in _SO_ALREADY:
            raise
        return so_already(fault)
    return Done(known=known_from(getattr(answer, "users", ()), getattr(answer, "chats", ())))


def no_message() -> NotFound:
    return NotFound("There is no such message in this chat", code="MESSAGE_NOT_FOUND")


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    CancelScheduled: cancel_scheduled,
    DeleteMessages: delete_messages,
    EditText: edit_text,
    MarkRead: mark_read,
    Pin: pin,
    React: react,
    SendScheduledNow: send_scheduled_now,
    ShowTyping: show_typing,
}
