"""messages.* about messages that go out later, and what clients are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.media_view import message_media
from teleflow.sandbox.rpc.message_updates import forwarded
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world import forwarding
from teleflow.sandbox.world.annexes import Annex, Waiting
from teleflow.sandbox.world.chat_records import Chat, is_channel
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.records import Message, Origin, Person


def shown(desk: Desk, waiting: Waiting) -> Any:
    """A message that waits, as its author sees it."""
    world = desk.world
    box = world.messages.place(waiting.owner, waiting.peer)
    chat = world.chats.by_id.get(waiting.peer)
    post = chat is not None and chat.kind == "broadcast"
    annex = waiting.annex
    return types.Message(
        id=waiting.id,
        peer_id=peer_of(waiting.peer),
        from_id=None if post else types.PeerUser(waiting.owner),
        date=waiting.date,
        message=waiting.text,
        media=message_media(world, waiting.media, waiting.owner) if waiting.media is not None else None,
        out=True,
        post=post or None,
        silent=waiting.silent or None,
        from_scheduled=True,
        entities=revealed(waiting.entities) if waiting.entities else None,
        fwd_from=forwarded(annex.forward) if annex is not None and annex.forward is not None else None,
        reply_to=types.MessageReplyHeader(reply_to_msg_id=waiting.reply_to)
        if waiting.reply_to in box.messages
        else None,
    )


def _involved(waiting: Waiting) -> set[int]:
    annex = waiting.annex
    ids = {waiting.owner, waiting.peer}
    if annex is not None and annex.forward is not None:
        ids |= {annex.forward.from_id, annex.forward.saved_peer}
    return ids


def _answer(desk: Desk, me: Person, made: Sequence[Waiting]) -> Any:
    numbers = [types.UpdateMessageID(each.id, each.random_id) for each in made]
    updates = [types.UpdateNewScheduledMessage(shown(desk, each)) for each in made]
    ids = {me.id}.union(*(_involved(each) for each in made))
    users, chats = desk.view.users(me, ids), desk.view.chats(me, ids)
    return types.Updates(updates=[*numbers, *updates], users=users, chats=chats, date=desk.now(), seq=0)


def schedule(
    desk: Desk,
    caller: Caller,
    request: TLRequest,
    to: Person | Chat,
    text: str,
    entities: list[bytes],
    reply_to: int,
    media: Media | None = None,
) -> Any | None:
    """Answer to a message with a date; None for a date so near that it is sent at once."""
    me = desk.me(caller)
    date = timestamp(request.schedule_date)
    if not date or not desk.world.scheduled.check(me, to, date):
        return None
    waiting = Waiting(
        id=0,
        owner=me.id,
        peer=to.id,
        date=date,
        text=text,
        media=media,
        made=desk.now(),
        random_id=request.random_id,
        entities=entities,
        reply_to=reply_to,
        silent=bool(request.silent),
    )
    return _answer(desk, me, [desk.world.scheduled.add(waiting, desk.origin(caller))])


def schedule_forward(
    desk: Desk, caller: Caller, request: TLRequest, found: Sequence[Message | None], to: Person | Chat
) -> Any | None:
    """The same for messages that are forwarded."""
    me = desk.me(caller)
    date = timestamp(request.schedule_date)
    if not desk.world.scheduled.check(me, to, date):
        return None
    made = []
    for message, random_id in zip(found, request.random_id, strict=True):
        if message is None:
            continue
        forward = None if request.drop_author else forwarding.header(desk.world, me, message, to)
        waiting = Waiting(
            id=0,
            owner=me.id,
            peer=to.id,
            date=date,
            text=message.text,
            made=desk.now(),
            random_id=random_id,
            entities=list(message.entities),
            silent=bool(request.silent),
            media=message.media,
            annex=Annex(forward=forward),
        )
        made.append(desk.world.scheduled.add(waiting, desk.origin(caller)))
    return _answer(desk, me, made)


def _page(desk: Desk, me: Person, found: Sequence[Waiting]) -> Any:
    ids = {me.id}.union(*(_involved(each) for each in found))
    messages = [shown(desk, each) for each in found]
    return types.messages.Messages(
        messages=messages, topics=[], chats=desk.view.chats(me, ids), users=desk.view.users(me, ids)
    )


async def get_scheduled_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The last to go out comes first."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    return _page(desk, me, desk.world.scheduled.of_chat(me.id, target.id)[::-1])


async def get_scheduled_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    mine = {each.id: each for each in desk.world.scheduled.of_chat(me.id, target.id)}
    return _page(desk, me, [mine[number] for number in request.id if number in mine])


async def send_scheduled_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Now. The answer has the messages and what waits no more; other sessions are pushed the same."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    scheduled = desk.world.scheduled
    named = scheduled.named(me, target.id, request.id)
    with gathering(desk, caller, me) as told:
        for each in named:
            scheduled.send(each, told.origin)
    return told.updates(target.id)


async def delete_scheduled_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    for waiting in desk.world.scheduled.named(me, target.id, request.id):
        desk.world.scheduled.drop(waiting, desk.origin(caller))
    gone = types.UpdateDeleteScheduledMessages(peer_of(target.id), list(request.id))
    ids = {me.id, target.id}
    return types.Updates([gone], desk.view.users(me, ids), desk.view.chats(me, ids), desk.now(), 0)


def edit_scheduled(
    desk: Desk, caller: Caller, request: TLRequest, target: Person | Chat, text: tuple[str, list[bytes]] | None
) -> Any:
    """Another text with its entities (None: the same), another time, or both."""
    me = desk.me(caller)
    (waiting,) = desk.world.scheduled.named(me, target.id, [request.id])
    date = timestamp(request.schedule_date)
    changed = (waiting.text, waiting.entities) if text is None else text
    if changed == (waiting.text, waiting.entities) and date == waiting.date:
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    waiting.text, waiting.entities = changed
    waiting.date = date
    desk.world.scheduled.keep(waiting)
    return _answer(desk, me, [waiting])


def connect(desk: Desk) -> None:
    """Have clients told of what waits. Again after each beginning of the world."""

    def told(waiting: Waiting, came: bool, sent: int, origin: Origin | None) -> None:
        world = desk.world
        if came:
            update = types.UpdateNewScheduledMessage(shown(desk, waiting))
        else:
            update = types.UpdateDeleteScheduledMessages(peer_of(waiting.peer), [waiting.id], [sent] if sent else None)
        chat = waiting.peer if is_channel(waiting.peer) else 0
        world.messages.tell(
            waiting.owner, "account", peer=0 if chat else waiting.peer, data=bytes(update), origin=origin
        )

    desk.world.when_scheduled = desk.world.scheduled.told = told
