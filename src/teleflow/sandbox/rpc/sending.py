"""messages.* that change something: send, edit, delete, read, type."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.polling import stop_by_edit
from teleflow.sandbox.rpc.scheduling import edit_scheduled, schedule
from teleflow.sandbox.rpc.sending_media import edited, topic_of
from teleflow.sandbox.rpc.shelf import clear_draft
from teleflow.sandbox.rpc.texts import cleaned
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world import chat_members
from teleflow.sandbox.world.annexes import Annex
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Committed, Message, Person

IDS_PER_REQUEST = 100


async def send_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Commit a text once per random_id; a repeat is answered as the first time."""
    world = desk.world
    me = desk.me(caller)
    to = desk.target(me, request.peer)
    if not request.random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    earlier = desk.box(me).sent.get(request.random_id)
    if earlier is not None:
        if world.random_id_repeat == "error":
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        return _answer(desk, me, earlier)
    text, entities = cleaned(desk, me, request.message, request.entities)
    if request.schedule_date:
        waits = schedule(desk, caller, request, to, text, entities, _replied(request.reply_to))
        if waits is not None:
            return waits
    sent = world.messages.send(
        me,
        to,
        text,
        random_id=request.random_id,
        entities=entities,
        reply_to=_replied(request.reply_to),
        topic=topic_of(request.reply_to),
        silent=bool(request.silent),
        mentions=_named(entities) if entities and isinstance(to, Chat) else (),
        annex=Annex(no_forwards=True) if request.noforwards else None,
        origin=desk.origin(caller),
    )
    if request.clear_draft:
        clear_draft(desk, caller, me, to)
    return _answer(desk, me, sent)


def _named(entities: list[bytes]) -> list[int]:
    """Who is mentioned without a username."""
    return [each.user_id for each in revealed(entities) if isinstance(each, types.MessageEntityMentionName)]


def _replied(reply_to: Any) -> int:
    if reply_to is None:
        return 0
    if not isinstance(reply_to, types.InputReplyToMessage):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return int(reply_to.reply_to_msg_id)


def _answer(desk: Desk, me: Person, sent: Committed) -> Any:
    """Short for another person's chat; full for one's own saved messages, for groups and channels."""
    box = desk.world.messages.place(me.id, sent.to)
    message = box.messages.get(sent.from_id)
    if sent.to == me.id or sent.to < 0:
        return _full_answer(desk, me, sent, box, message)
    return types.UpdateShortSentMessage(
        id=sent.from_id,
        pts=sent.from_pts,
        pts_count=1,
        date=int(sent.time),
        out=True,
        entities=revealed(message.entities) if message is not None and message.entities else None,
    )


def _full_answer(desk: Desk, me: Person, sent: Committed, box: Box, message: Message | None) -> Any:
    """A message that is gone by now is named by its number alone."""
    updates: list[Any] = [types.UpdateMessageID(sent.from_id, sent.random_id)]
    involved = {me.id, sent.to}
    if message is not None:
        shape = types.UpdateNewChannelMessage if box.owner < 0 else types.UpdateNewMessage
        updates.append(shape(desk.view.message(box, sent.from_id, message, me.id), sent.from_pts, 1))
        involved |= desk.view.involved(box, [sent.from_id])
    users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
    return types.Updates(updates=updates, users=users, chats=chats, date=int(sent.time), seq=0)


async def edit_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    if request.schedule_date:
        written = None if request.message is None else cleaned(desk, me, request.message, request.entities)
        return edit_scheduled(desk, caller, request, target, written)
    box = desk.place(me, target)
    message = box.messages.get(request.id)
    if message is None or message.peer_for(me.id) != target.id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if request.media is not None and desk.world.messages.polls.of(message) is not None:
        return stop_by_edit(desk, caller, target, request)
    text, entities, media = edited(desk, me, message, request)
    with gathering(desk, caller, me) as told:
        desk.world.messages.edit(
            me, request.id, text, entities=entities, peer=target.id, media=media, origin=told.origin
        )
    return told.updates(target.id)


def private_numbers(target: Person | Chat) -> Person | Chat:
    """What has its messages in the account's own box. Raises PEER_ID_INVALID for supergroups and channels."""
    if isinstance(target, Chat) and target.channel:
        raise RpcError(400, "PEER_ID_INVALID")
    return target


async def delete_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Ids that do not exist are passed over, as Telegram does."""
    me = desk.me(caller)
    ids = request.id[:IDS_PER_REQUEST]
    pts, count = desk.world.messages.delete(me, ids, revoke=bool(request.revoke), origin=desk.origin(caller))
    return types.messages.AffectedMessages(pts, count)


async def delete_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Everything up to max_id, in parts: `offset` 1 asks the client to come again."""
    me = desk.me(caller)
    messages = desk.world.messages
    peer = private_numbers(desk.target(me, request.peer))
    dialog = desk.box(me).dialogs.get(peer.id)
    if dialog is None:
        return types.messages.AffectedHistory(desk.box(me).pts, 0, 0)
    doomed = [number for number in dialog.ids if not request.max_id or number <= request.max_id]
    part = doomed[-IDS_PER_REQUEST:]
    pts, count = messages.delete(me, part, revoke=bool(request.revoke), origin=desk.origin(caller))
    remaining = len(doomed) > len(part)
    if not remaining and not request.just_clear and not dialog.ids:
        messages.remove_dialog(me.id, peer.id)
    return types.messages.AffectedHistory(pts, count, int(remaining))


async def read_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    peer = private_numbers(desk.target(me, request.peer))
    pts, count = desk.world.messages.read(me, peer.id, request.max_id, origin=desk.origin(caller))
    return types.messages.AffectedMessages(pts, count)


async def received_messages(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Confirms receipt for notifications, which nobody here shows."""
    desk.me(caller)
    return []


async def set_typing(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    action, origin = bytes(request.action), desk.origin(caller)
    if isinstance(target, Chat):
        chat_members.typing(desk.world, me, target, action, origin, topic=request.top_msg_id or 0)
    else:
        desk.world.typing(me, target, action, origin)
    return True
