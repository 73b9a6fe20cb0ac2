"""Reading messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.operations.history import (
    Found,
    GetMessages,
    ReadHistory,
    ReadScheduled,
    SearchChat,
    SearchEverywhere,
)
from teleflow.model.peers import Peer, PeerKind
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.messages import messages_from
from teleflow.telegram.convert.peers import input_channel, input_peer, known_from, marked


async def read_history(invoke: Invoke, operation: ReadHistory) -> Found:
    after = operation.after_id
    date = datetime.fromtimestamp(operation.before_date, UTC) if operation.before_date else None
    answer = await invoke(
        f.messages.GetHistoryRequest(
            input_peer(operation.peer),
            # `offset_id` is where the page ends; towards newer ones it is shifted by a page, and begins after `after`
            offset_id=after + 1 if after else operation.before_id,
            offset_date=date,
            add_offset=-operation.limit if after else 0,
            limit=operation.limit,
            max_id=0,
            min_id=after,
            hash=0,
        )
    )
    return _found(answer, operation.me)


async def search_chat(invoke: Invoke, operation: SearchChat) -> Found:
    sender = operation.sender
    answer = await invoke(
        f.messages.SearchRequest(
            input_peer(operation.peer),
            q=operation.query,
            filter=tl.InputMessagesFilterEmpty(),
            min_date=None,
            max_date=None,
            offset_id=operation.before_id,
            add_offset=0,
            limit=operation.limit,
            max_id=0,
            min_id=0,
            hash=0,
            from_id=input_peer(sender) if sender is not None else None,
        )
    )
    return _found(answer, operation.me)


async def search_everywhere(invoke: Invoke, operation: SearchEverywhere) -> Found:
    after = operation.after
    answer = await invoke(
        f.messages.SearchGlobalRequest(
            q=operation.query,
            filter=tl.InputMessagesFilterEmpty(),
            min_date=None,
            max_date=None,
            offset_rate=after.rate if after else 0,
            offset_peer=input_peer(after.peer) if after else tl.InputPeerEmpty(),
            offset_id=after.message_id if after else 0,
            limit=operation.limit,
        )
    )
    return _found(answer, operation.me)


async def get_messages(invoke: Invoke, operation: GetMessages) -> Found:
    answer = await fetched(invoke, operation.peer, operation.ids)
    here = [one for one in answer.messages if in_chat(one, operation.peer)]
    return Found(messages_from(here, operation.me), known_from(answer.users, answer.chats))


async def read_scheduled(invoke: Invoke, operation: ReadScheduled) -> Found:
    answer = await invoke(f.messages.GetScheduledHistoryRequest(input_peer(operation.peer), hash=0))
    found = _found(answer, operation.me)
    soonest = tuple(sorted(found.messages, key=lambda one: (one.date, one.id)))
    return Found(soonest, found.known, found.total)


async def fetched(invoke: Invoke, peer: Peer, ids: tuple[int, ...]) -> Any:
    """The answer for these ids: in channels of the channel, else whatever chat they are of."""
    wanted = [tl.InputMessageID(one) for one in ids]
    if peer.kind is PeerKind.CHANNEL:
        return await invoke(f.channels.GetMessagesRequest(input_channel(peer), wanted))
    return await invoke(f.messages.GetMessagesRequest(wanted))


def in_chat(message: Any, peer: Peer) -> bool:
    return not isinstance(message, tl.MessageEmpty) and marked(message.peer_id) == peer.marked_id


def _found(answer: Any, me: int) -> Found:
    total = getattr(answer, "count", None)
    return Found(
        messages_from(answer.messages, me),
        known_from(answer.users, answer.chats),
        len(answer.messages) if total is None else total,
        getattr(answer, "next_rate", None),
    )


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    GetMessages: get_messages,
    ReadHistory: read_history,
    ReadScheduled: read_scheduled,
    SearchChat: search_chat,
    SearchEverywhere: search_everywhere,
}
