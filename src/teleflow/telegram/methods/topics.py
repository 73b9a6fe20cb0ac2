"""The topics of a forum."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import NotFound
from teleflow.model.operations.acts import Done
from teleflow.model.operations.topics import (
    CreateTopic,
    DeleteTopic,
    EditTopic,
    GetTopic,
    ListTopics,
    OneTopic,
    Topics,
)
from teleflow.model.peers import Peer
from teleflow.model.topics import Topic
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_peer, known_from, marked
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.convert.rights import moment
from teleflow.telegram.methods.rooms import channel, done
from teleflow.telegram.mtproto.requests import RpcFault

_GENERAL = 1
_LOOKED_AT = 100
_MOST_PARTS = 1_000  # of a hundred messages each


async def list_topics(invoke: Invoke, operation: ListTopics) -> Topics:
    date, message_id, topic_id = operation.after or (0, 0, 0)
    request = f.messages.GetForumTopicsRequest(
        input_peer(channel(operation.peer)),
        moment(date) if operation.after else None,
        message_id,
        topic_id,
        operation.limit,
        q=operation.query or None,
    )
    answer = await invoke(request)
    return Topics(_topics(answer), answer.count, known_from(answer.users, answer.chats))


def _topics(answer: Any) -> tuple[Topic, ...]:
    dates = {one.id: seconds(getattr(one, "date", None)) or 0 for one in answer.messages}
    return tuple(
        Topic(
            one.id,
            one.title,
            seconds(one.date) or 0,
            marked(one.from_id),
            one.icon_color,
            one.icon_emoji_id or None,
            one.top_message,
            dates.get(one.top_message, seconds(one.date) or 0),
            one.unread_count,
            mine=bool(one.my),
            closed=bool(one.closed),
            hidden=bool(one.hidden),
            pinned=bool(one.pinned),
            general=one.id == _GENERAL,
        )
        for one in answer.topics
        if isinstance(one, tl.ForumTopic)
    )


async def get_topic(invoke: Invoke, operation: GetTopic) -> OneTopic:
    return await _one(invoke, operation.peer, operation.topic_id)


async def _one(invoke: Invoke, peer: Peer, topic_id: int) -> OneTopic:
    answer = await invoke(f.messages.GetForumTopicsByIDRequest(input_peer(channel(peer)), [topic_id]))
    for topic in _topics(answer):
        if topic.id == topic_id:
            return OneTopic(topic, known_from(answer.users, answer.chats))
    raise NotFound("There is no such topic in this chat", code="TOPIC_NOT_FOUND")


async def create_topic(invoke: Invoke, operation: CreateTopic) -> OneTopic:
    request = f.messages.CreateForumTopicRequest(
        input_peer(channel(operation.peer)),
        operation.title,
        icon_color=operation.icon_color,
        icon_emoji_id=operation.icon_emoji_id,
        random_id=operation.random_id,
    )
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.is_repeat(fault):
            raise
        return await _made_before(invoke, operation, fault)
    for update in answer.updates:
        if isinstance(update, tl.UpdateMessageID) and update.random_id == operation.random_id:
            return await _one(invoke, operation.peer, update.id)
    raise errors.unreadable()


async def _made_before(invoke: Invoke, operation: CreateTopic, fault: RpcFault) -> OneTopic:
    """An earlier try of this very request arrived: the newest topic of this title that is the account's own."""
    request = f.messages.GetForumTopicsRequest(
        input_peer(channel(operation.peer)), None, 0, 0, _LOOKED_AT, q=operation.title
    )
    answer = await invoke(request)
    found = [one for one in _topics(answer) if one.mine and one.title == operation.title]
    if not found:
        raise fault
    return OneTopic(max(found, key=lambda one: one.id), known_from(answer.users, answer.chats))


async def edit_topic(invoke: Invoke, operation: EditTopic) -> OneTopic:
    peer, topic, changes = input_peer(channel(operation.peer)), operation.topic_id, operation.changes
    await _one(invoke, operation.peer, topic)  # whether there is one
    if changes.title is not None or changes.icon_emoji_id is not None:
        request = f.messages.EditForumTopicRequest(
            peer, topic, title=changes.title, icon_emoji_id=changes.icon_emoji_id
        )
        await done(invoke, request)
    if changes.closed is not None:
        await done(invoke, f.messages.EditForumTopicRequest(peer, topic, closed=changes.closed))
    if changes.hidden is not None:
        await done(invoke, f.messages.EditForumTopicRequest(peer, topic, hidden=changes.hidden))
    if changes.pinned is not None:
        await done(invoke, f.messages.UpdatePinnedForumTopicRequest(peer, topic, changes.pinned))
    return await _one(invoke, operation.peer, topic)


async def delete_topic(invoke: Invoke, operation: DeleteTopic) -> Done:
    peer, topic = input_peer(channel(operation.peer)), operation.topic_id
    await _one(invoke, operation.peer, topic)
    for _ in range(_MOST_PARTS):
        try:
            answer = await invoke(f.messages.DeleteTopicHistoryRequest(peer, topic))
        except RpcFault as fault:
            if fault.after_lost_try and errors.name_of(fault) in {"TOPIC_ID_INVALID", "TOPIC_DELETED"}:
                return Done()
            raise
        if not answer.offset:
            break
    return Done()


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    CreateTopic: create_topic,
    DeleteTopic: delete_topic,
    EditTopic: edit_topic,
    GetTopic: get_topic,
    ListTopics: list_topics,
}
