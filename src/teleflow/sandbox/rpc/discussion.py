"""Discussion groups of channels, and threads: what was answered to one message."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.reading import found_messages, ids_in, window
from teleflow.sandbox.world import channel_reads, chat_founding, forums
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Message, Person


async def set_discussion_group(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """An empty channel on one side takes the link away."""
    me = desk.me(caller)
    broadcast = _named(desk, me, request.broadcast)
    group = _named(desk, me, request.group)
    chat_founding.link(desk.world, me, broadcast, group, desk.origin(caller))
    return True


def _named(desk: Desk, me: Person, channel: Any) -> Chat | None:
    return None if isinstance(channel, types.InputChannelEmpty) else desk.chat(me, channel)


async def get_groups_for_discussion(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """The asker's own supergroups."""
    me = desk.me(caller)
    mine = [
        chat.id
        for chat in desk.world.chats.of_person(me.id)
        if chat.kind == "megagroup" and chat.creator == me.id and not chat.hidden_history
    ]
    return types.messages.Chats(desk.view.chats(me, mine))


def _root(desk: Desk, me: Person, peer: Any, number: int) -> tuple[Chat, Message]:
    """The first message of a thread and the group it is in; of a post, its copy in the discussion group."""
    chat = desk.target(me, peer)
    if not isinstance(chat, Chat) or not chat.channel:
        raise RpcError(400, "PEER_ID_INVALID")
    message = desk.place(me, chat).messages.get(number)
    if message is None:
        raise RpcError(400, "MSG_ID_INVALID")
    if chat.kind == "megagroup":
        return chat, message
    messages = desk.world.messages
    copy = messages.by_uid.get(messages.threads.copy_of(chat.id, number) or 0)
    group = desk.world.chats.by_id.get(chat.linked) if chat.linked else None
    if copy is None or group is None:
        raise RpcError(400, "MSG_ID_INVALID")
    return group, copy


async def get_discussion_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The message that a thread hangs on, and how far it has been read."""
    me = desk.me(caller)
    group, root = _root(desk, me, request.peer, request.msg_id)
    box = desk.place(me, group)
    number = root.sides[group.id][0]
    member = desk.world.chats.member(group, me.id)
    answers = desk.world.messages.threads.answers(root.uid)
    read = member.read_inbox if member is not None else 0
    involved = desk.view.involved(box, [number])
    return types.messages.DiscussionMessage(
        messages=desk.view.messages(box, [number], me.id),
        unread_count=sum(1 for each in answers if each > read and box.messages[each].sender != me.id),
        chats=desk.view.chats(me, involved),
        users=desk.view.users(me, involved),
        max_id=answers[-1] if answers else None,
        read_inbox_max_id=read or None,
        read_outbox_max_id=(member.read_outbox if member is not None else 0) or None,
    )


async def get_replies(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    forum = _forum(desk, me, request.peer)
    if forum is not None and desk.world.messages.topics.get(forum.id, request.msg_id) is not None:
        ids = forums.ids_in(desk.world, forum, request.msg_id, desk.world.chats.member(forum, me.id))
        box = desk.place(me, forum)
        return found_messages(desk, me, box, window(box, ids, request, timestamp(request.offset_date)), len(ids))
    group, root = _root(desk, me, request.peer, request.msg_id)
    box, shown = ids_in(desk, me, group)
    first = shown[0] if shown else 0
    ids = [number for number in desk.world.messages.threads.answers(root.uid) if number >= first]
    page = window(box, ids, request, timestamp(request.offset_date))
    return found_messages(desk, me, box, page, len(ids))


def _forum(desk: Desk, me: Person, peer: Any) -> Chat | None:
    target = desk.target(me, peer)
    return target if isinstance(target, Chat) and target.forum else None


async def read_discussion(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    forum = _forum(desk, me, request.peer)
    if forum is not None:
        forums.read(desk.world, me, forum, request.msg_id, request.read_max_id, desk.origin(caller))
        return True
    group, _root_message = _root(desk, me, request.peer, request.msg_id)
    channel_reads.read(desk.world, me, group, request.read_max_id, desk.origin(caller))
    return True
