"""Sending, and finding out what became of it."""

from __future__ import annotations

from typing import Any

from telethon.tl.functions.messages import GetHistoryRequest, SendMessageRequest
from telethon.tl.types import Message, UpdateMessageID, UpdateShortSentMessage

from teleflow.errors import TeleFlowError
from teleflow.model.operations.messages import FindSent, SendText, Sent
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_peer
from teleflow.telegram.mtproto.requests import RpcFault

_LOOK_BACK = 100


async def send_text(invoke: Invoke, operation: SendText) -> Sent:
    request = SendMessageRequest(peer=input_peer(operation.peer), message=operation.text, random_id=operation.random_id)
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.is_repeat(fault):
            raise
        # An earlier try of this very send arrived, and its answer did not.
        return await _first_one(invoke, operation)
    return sent_from(answer, operation.random_id)


async def _first_one(invoke: Invoke, operation: SendText) -> Sent:
    """It is out; its id is worth a look, and no more than that."""
    try:
        found = await find_sent(invoke, FindSent(operation.peer, operation.text, since=0))
    except (RpcFault, TeleFlowError):
        found = None
    return found or Sent(None, None)


def sent_from(answer: Any, random_id: int) -> Sent:
    """The id of the message with this random_id, from either form of the answer."""
    if isinstance(answer, UpdateShortSentMessage):
        return Sent(answer.id, _seconds(answer.date))
    for update in getattr(answer, "updates", ()):
        if isinstance(update, UpdateMessageID) and update.random_id == random_id:
            return Sent(update.id, _seconds(getattr(answer, "date", None)))
    return Sent(None, None)


async def find_sent(invoke: Invoke, operation: FindSent) -> Sent | None:
    history = await invoke(GetHistoryRequest(input_peer(operation.peer), 0, None, 0, _LOOK_BACK, 0, 0, 0))
    matches = [
        message
        for message in history.messages
        if isinstance(message, Message)
        and message.out
        and message.message == operation.text
        and message.id not in operation.taken
        and (_seconds(message.date) or 0) >= operation.since
    ]
    if not matches:
        return None
    newest = max(matches, key=lambda message: message.id)
    return Sent(newest.id, _seconds(newest.date))


def _seconds(date: Any) -> int | None:
    return int(date.timestamp()) if date is not None else None
