"""Sending, and finding out what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types as tl
from telethon.tl.functions.messages import (
    ForwardMessagesRequest,
    GetHistoryRequest,
    GetScheduledHistoryRequest,
    SendMediaRequest,
    SendMessageRequest,
    SendMultiMediaRequest,
)
from telethon.tl.types import InputReplyToMessage, UpdateShortSentMessage

from teleflow.errors import TeleFlowError
from teleflow.model.jobs import Forward, Parcel, Text
from teleflow.model.messages import Message
from teleflow.model.operations.sending import FindSent, ForwardMessages, SendParcel, SendText, Sent
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.entities import entities_from, input_entities
from teleflow.telegram.convert.media import media_from
from teleflow.telegram.convert.messages import messages_from
from teleflow.telegram.convert.peers import input_peer, known_from, marked
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.methods.parcels import input_media, parcel_in
from teleflow.telegram.mtproto.requests import RpcFault
from teleflow.telegram.updates.own import whole

_LOOK_BACK = 100


async def send_text(invoke: Invoke, operation: SendText) -> Sent:
    content = operation.content
    request = SendMessageRequest(
        peer=input_peer(operation.peer),
        message=content.text,
        random_id=operation.random_id,
        no_webpage=True if not content.link_preview else None,
        silent=content.silent or None,
        reply_to=_reply_to(content),
        entities=input_entities(content.entities, operation.mentioned) if content.entities else None,
        schedule_date=_date(content.schedule),
    )
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.is_repeat(fault):
            raise
        # An earlier try of this very send arrived, and its answer did not.
        return await _first_one(invoke, FindSent(operation.peer, content, operation.me, since=0))
    if isinstance(answer, UpdateShortSentMessage):
        return _short(answer, operation)
    sent = sent_from(answer, [operation.random_id], operation.me)
    if sent.message_id is not None:
        return sent
    return await _first_one(invoke, FindSent(operation.peer, content, operation.me, since=0))


async def forward(invoke: Invoke, operation: ForwardMessages) -> Sent:
    content = operation.content
    request = ForwardMessagesRequest(
        from_peer=input_peer(operation.source),
        id=list(content.message_ids),
        random_id=list(content.random_ids),
        to_peer=input_peer(operation.peer),
        silent=content.silent or None,
        drop_author=content.drop_author or None,
        top_msg_id=content.topic,
        schedule_date=_date(content.schedule),
    )
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.is_repeat(fault):
            raise
        return await _first_one(invoke, FindSent(operation.peer, content, operation.me, since=0))
    sent = sent_from(answer, content.random_ids, operation.me)
    if sent.message_id is not None:
        return sent
    return await _first_one(invoke, FindSent(operation.peer, content, operation.me, since=0))


async def send_parcel(invoke: Invoke, operation: SendParcel) -> Sent:
    content = operation.content
    ids = content.random_ids if content.is_album else (operation.random_id,)
    request = _album(operation) if content.is_album else _one_parcel(operation)
    look = FindSent(operation.peer, content, operation.me, since=0, files=operation.files)
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.is_repeat(fault):
            raise
        return await _first_one(invoke, look)
    sent = sent_from(answer, ids, operation.me)
    return sent if sent.message_id is not None else await _first_one(invoke, look)


def _one_parcel(operation: SendParcel) -> Any:
    content = operation.content
    (part,), (file,) = content.parts, operation.files
    return SendMediaRequest(
        peer=input_peer(operation.peer),
        media=input_media(part.item, file),
        message=part.text,
        random_id=operation.random_id,
        silent=content.silent or None,
        reply_to=_reply_to(content),
        entities=input_entities(part.entities, operation.mentioned) if part.entities else None,
        schedule_date=_date(content.schedule),
    )


def _album(operation: SendParcel) -> Any:
    content = operation.content
    singles = [
        tl.InputSingleMedia(
            media=input_media(part.item, file),
            message=part.text,
            random_id=random_id,
            entities=input_entities(part.entities, operation.mentioned) if part.entities else None,
        )
        for part, file, random_id in zip(content.parts, operation.files, content.random_ids, strict=True)
    ]
    return SendMultiMediaRequest(
        peer=input_peer(operation.peer),
        multi_media=singles,
        silent=content.silent or None,
        reply_to=_reply_to(content),
        schedule_date=_date(content.schedule),
    )


async def _first_one(invoke: Invoke, look: FindSent) -> Sent:
    """It is out; its id is worth a look, and no more than that."""
    try:
        found = await find_sent(invoke, look)
    except (RpcFault, TeleFlowError):
        found = None
    return found or Sent(None, None)


def _short(answer: UpdateShortSentMessage, operation: SendText) -> Sent:
    """The short form tells what we can't know; the rest is what we sent."""
    content, date = operation.content, seconds(answer.date)
    message = Message(
        id=answer.id,
        chat_id=operation.peer.marked_id,
        sender_id=operation.me,
        text=content.text.strip(),
        date=date or 0,
        entities=entities_from(answer.entities),
        reply_to_msg_id=content.reply_to,
        media=media_from(answer.media) if answer.media is not None else None,
        outgoing=True,
        silent=content.silent,
    )
    return Sent(answer.id, date, (message,))


def sent_from(answer: Any, random_ids: Sequence[int], me: int) -> Sent:
    """The messages with these random_ids in an answer, whatever form of `Updates` it has; without an id where it
    tells none.
    """
    if isinstance(answer, UpdateShortSentMessage):
        return Sent(answer.id, seconds(answer.date))
    told = whole(answer, me)
    ids: dict[int, int] = {}
    shown: dict[int, Any] = {}
    for update in [told.update] if isinstance(told, tl.UpdateShort) else getattr(told, "updates", ()):
        match update:
            case tl.UpdateMessageID():
                ids[update.random_id] = update.id
            case tl.UpdateNewMessage() | tl.UpdateNewChannelMessage() | tl.UpdateNewScheduledMessage():
                shown[update.message.id] = update.message
    found = [ids[random_id] for random_id in random_ids if random_id in ids]
    if not found:  # not numbered one by one: then they are what the answer brings of ours, in their order
        ours = sorted(number for number, message in shown.items() if getattr(message, "out", False))
        found = ours if len(ours) == len(random_ids) else []
    messages = messages_from((shown[number] for number in found if number in shown), me)
    known = known_from(getattr(answer, "users", ()), getattr(answer, "chats", ()))
    return Sent(found[0] if found else None, seconds(getattr(answer, "date", None)), messages, known)


async def find_sent(invoke: Invoke, operation: FindSent) -> Sent | None:
    peer, content = input_peer(operation.peer), operation.content
    if content.schedule is not None:
        history = await invoke(GetScheduledHistoryRequest(peer, 0))
    else:
        history = await invoke(GetHistoryRequest(peer, 0, None, 0, _LOOK_BACK, 0, 0, 0))
    ours = [
        message
        for message in history.messages
        if isinstance(message, tl.Message)
        and message.out
        and message.id not in operation.taken
        and (content.schedule is not None or (seconds(message.date) or 0) >= operation.since)
    ]
    match content:
        case Forward():
            found = _forwarded_in(ours, content)
        case Parcel():
            found = parcel_in(ours, content, operation.files)
        case _:
            found = _text_in(ours, content)
    if not found:
        return None
    return Sent(found[0].id, seconds(found[0].date), messages_from(found, operation.me))


def _text_in(ours: Iterable[Any], content: Text) -> list[Any]:
    text = content.text.strip()  # Telegram cuts blanks off the ends
    matches = [message for message in ours if message.message.strip() == text and message.fwd_from is None]
    return [max(matches, key=lambda message: message.id)] if matches else []


def _forwarded_in(ours: Iterable[Any], content: Forward) -> list[Any]:
    """Where the copies tell which messages they are of: those of channels, and in one's saved messages."""
    newest: dict[int, Any] = {}
    for message in ours:
        original = _original(message.fwd_from, content.from_chat)
        if original in content.message_ids and (original not in newest or message.id > newest[original].id):
            newest[original] = message
    if len(newest) < len(content.message_ids):
        return []
    return [newest[number] for number in content.message_ids]


def _original(header: Any, chat: str) -> int | None:
    if not isinstance(header, tl.MessageFwdHeader):
        return None
    for peer, number in ((header.saved_from_peer, header.saved_from_msg_id), (header.from_id, header.channel_post)):
        if number is not None and peer is not None and (chat == str(marked(peer)) or not chat.lstrip("-").isdigit()):
            return int(number)
    return None


def _reply_to(content: Text | Parcel) -> Any:
    if content.reply_to is None and content.topic is None:
        return None
    return InputReplyToMessage(reply_to_msg_id=content.reply_to or content.topic, top_msg_id=content.topic)


def _date(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
