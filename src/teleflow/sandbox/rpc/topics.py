"""messages.* about the topics of forums, and channels.toggleForum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.notify_view import settings_of
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.sending import IDS_PER_REQUEST
from teleflow.sandbox.world import forums
from teleflow.sandbox.world.channel_reads import read_up_to
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.topic_records import Topic

PAGE = 100


def _forum(desk: Desk, me: Person, peer: Any) -> Chat:
    """Raises CHANNEL_FORUM_MISSING and what naming a chat raises."""
    target = desk.target(me, peer)
    if not isinstance(target, Chat):
        raise RpcError(400, "PEER_ID_INVALID")
    forums.require_forum(target)
    return target


async def toggle_forum(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    with gathering(desk, caller, me) as told:
        enabled, tabs = bool(request.enabled), bool(request.tabs)
        forums.toggle(desk.world, me, chat, enabled=enabled, tabs=tabs, origin=told.origin)
    return told.updates(chat.id)


async def create_forum_topic(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """A random_id that was used already is answered as the first time, or with RANDOM_ID_DUPLICATE."""
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    if not request.random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    earlier = desk.box(me).sent.get(request.random_id)
    if earlier is not None:
        if desk.world.random_id_repeat == "error":
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        return _repeated(desk, me, chat, earlier.from_id, request.random_id)
    with gathering(desk, caller, me) as told:
        line = forums.create(
            desk.world,
            me,
            chat,
            request.title,
            icon_color=request.icon_color or 0,
            icon_emoji=request.icon_emoji_id or 0,
            random_id=request.random_id,
            origin=told.origin,
        )
    return told.updates(chat.id, first=[types.UpdateMessageID(line.from_id, request.random_id)])


def _repeated(desk: Desk, me: Person, chat: Chat, number: int, random_id: int) -> Any:
    updates = [types.UpdateMessageID(number, random_id)]
    ids = {me.id, chat.id}
    return types.Updates(updates, desk.view.users(me, ids), desk.view.chats(me, ids), desk.now(), 0)


async def edit_forum_topic(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    with gathering(desk, caller, me) as told:
        forums.edit(
            desk.world,
            me,
            chat,
            request.topic_id,
            title=request.title,
            icon_emoji=request.icon_emoji_id,
            closed=request.closed,
            hidden=request.hidden,
            origin=told.origin,
        )
    return told.updates(chat.id)


async def update_pinned_forum_topic(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    with gathering(desk, caller, me) as told:
        forums.pin(desk.world, me, chat, request.topic_id, pinned=bool(request.pinned), origin=told.origin)
    return told.updates(chat.id)


async def reorder_pinned_forum_topics(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    with gathering(desk, caller, me) as told:
        forums.reorder(desk.world, me, chat, request.order[:PAGE], force=bool(request.force), origin=told.origin)
    return told.updates(chat.id)


async def delete_topic_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In parts: `offset` asks the client to come again."""
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    origin = desk.origin(caller)
    pts, count, left = forums.delete_history(desk.world, me, chat, request.top_msg_id, IDS_PER_REQUEST, origin)
    return types.messages.AffectedHistory(pts, count, left)


async def get_forum_topics(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The pinned ones first, then by their last message; the offset is the last topic of the page before."""
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    box = desk.place(me, chat)
    wanted = (request.q or "").casefold()
    known = [each for each in desk.world.messages.topics.of_chat(chat.id) if wanted in each.title.casefold()]
    last = {topic.id: _last(desk, me, chat, topic) for topic in known}
    rank = {number: place for place, number in enumerate(chat.pinned_topics)}

    def order(topic: Topic) -> tuple[int, int, int]:
        top = box.messages.get(last[topic.id])
        return top.date if top is not None else topic.date, last[topic.id], topic.id

    pinned = sorted((each for each in known if each.id in rank), key=lambda each: rank[each.id])
    rest = sorted((each for each in known if each.id not in rank), key=order, reverse=True)
    if request.offset_topic or timestamp(request.offset_date):
        offset = (timestamp(request.offset_date), request.offset_id, request.offset_topic)
        pinned, rest = [], [each for each in rest if order(each) < offset]
    page = [*pinned, *rest][: max(1, min(request.limit, PAGE))]
    return _listed(desk, me, chat, page, len(known))


async def get_forum_topics_by_id(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In the order asked for; `forumTopicDeleted` for those that are not there."""
    me = desk.me(caller)
    chat = _forum(desk, me, request.peer)
    if not request.topics:
        raise RpcError(400, "TOPICS_EMPTY")
    topics = desk.world.messages.topics
    found = [topics.get(chat.id, number) or number for number in request.topics[:PAGE]]
    return _listed(desk, me, chat, found, len(found))


def _last(desk: Desk, me: Person, chat: Chat, topic: Topic) -> int:
    ids = forums.ids_in(desk.world, chat, topic.id, desk.world.chats.member(chat, me.id))
    return ids[-1] if ids else 0


def _listed(desk: Desk, me: Person, chat: Chat, page: Sequence[Topic | int], total: int) -> Any:
    box = desk.place(me, chat)
    shown, last, people = [], [], {me.id, chat.id}
    for topic in page:
        if isinstance(topic, int):
            shown.append(types.ForumTopicDeleted(topic))
            continue
        made = shown_topic(desk, me, chat, topic)
        shown.append(made)
        people.add(topic.creator)
        if made.top_message:
            last.append(made.top_message)
    numbers = sorted(set(last), reverse=True)
    people |= desk.view.involved(box, numbers)
    return types.messages.ForumTopics(
        count=total,
        topics=shown,
        messages=desk.view.messages(box, numbers, me.id),
        chats=desk.view.chats(me, people),
        users=desk.view.users(me, people),
        pts=box.pts,
    )


def shown_topic(desk: Desk, me: Person, chat: Chat, topic: Topic) -> Any:
    """`forumTopic`, with what the viewer has read of it."""
    world = desk.world
    member = world.chats.member(chat, me.id)
    box, topics, marks = world.messages.box(chat.id), world.messages.topics, world.messages.marks
    inside = member is not None and member.inside

    def here(numbers: list[int]) -> int:
        return sum(1 for each in numbers if topics.of_message(box.messages[each]) == topic.id)

    top = _last(desk, me, chat, topic)
    outbox = max(member.topics_outbox.get(topic.id, 0), member.read_outbox) if member is not None else 0
    return types.ForumTopic(
        id=topic.id,
        date=topic.date,
        peer=peer_of(chat.id),
        title=topic.title,
        icon_color=topic.icon_color,
        top_message=top,
        read_inbox_max_id=min(read_up_to(member, topic.id), top) if member is not None else 0,
        read_outbox_max_id=min(outbox, top),
        unread_count=forums.unread_in(world, chat, member, topic.id) if inside and member is not None else 0,
        unread_mentions_count=here(marks.mentions(me.id, chat.id)),
        unread_reactions_count=here(marks.reactions(me.id, chat.id)),
        unread_poll_votes_count=0,
        from_id=types.PeerUser(topic.creator),
        notify_settings=settings_of(me, f"{chat.id}/{topic.id}"),
        my=topic.creator == me.id or None,
        closed=topic.closed or None,
        pinned=topic.id in chat.pinned_topics or None,
        hidden=topic.hidden or None,
        icon_emoji_id=topic.icon_emoji or None,
    )
