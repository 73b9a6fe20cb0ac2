"""messages.* that change something: send, edit, delete, read, type."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.texts import cleaned
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world.records import Committed, Person

IDS_PER_REQUEST = 100


async def send_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Commit a text once per random_id; a repeat is answered as the first time."""
    world = desk.world
    me = desk.me(caller)
    to = desk.peer(me, request.peer)
    if not request.random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    earlier = desk.box(me).sent.get(request.random_id)
    if earlier is not None:
        if world.random_id_repeat == "error":
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        return _answer(desk, me, earlier)
    if timestamp(request.schedule_date):
        raise RpcError(400, "SCHEDULE_DATE_INVALID")
    text, entities = cleaned(desk, me, request.message, request.entities)
    sent = world.messages.send(
        me,
        to,
        text,
        random_id=request.random_id,
        entities=entities,
        reply_to=_replied(request.reply_to),
        silent=bool(request.silent),
        origin=desk.origin(caller),
    )
    return _answer(desk, me, sent)


def _replied(reply_to: Any) -> int:
    if reply_to is None:
        return 0
    if not isinstance(reply_to, types.InputReplyToMessage):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return int(reply_to.reply_to_msg_id)


def _answer(desk: Desk, me: Person, sent: Committed) -> Any:
    """Short for another person's chat, full for one's own saved messages."""
    box = desk.box(me)
    message = box.messages.get(sent.from_id)
    if sent.to == me.id and message is not None:
        updates = [
            types.UpdateMessageID(sent.from_id, sent.random_id),
            types.UpdateNewMessage(desk.view.message(box, sent.from_id, message), sent.from_pts, 1),
        ]
        users = desk.view.users(me, [me.id])
        return types.Updates(updates=updates, users=users, chats=[], date=int(sent.time), seq=0)
    return types.UpdateShortSentMessage(
        id=sent.from_id,
        pts=sent.from_pts,
        pts_count=1,
        date=int(sent.time),
        out=True,
        entities=revealed(message.entities) if message is not None and message.entities else None,
    )


async def edit_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box = desk.box(me)
    peer = desk.peer(me, request.peer)
    message = box.messages.get(request.id)
    if message is None or message.peer_for(me.id) != peer.id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if request.message is None:
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    text, entities = cleaned(desk, me, request.message, request.entities)
    entry = desk.world.messages.edit(me, request.id, text, entities=entities, origin=desk.origin(caller))
    update = types.UpdateEditMessage(desk.view.message(box, request.id, message), entry.pts, entry.count)
    users = desk.view.users(me, {me.id, peer.id})
    return types.Updates(updates=[update], users=users, chats=[], date=entry.date, seq=0)


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
    peer = desk.peer(me, request.peer)
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
    peer = desk.peer(me, request.peer)
    pts, count = desk.world.messages.read(me, peer.id, request.max_id, origin=desk.origin(caller))
    return types.messages.AffectedMessages(pts, count)


async def received_messages(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Confirms receipt for notifications, which nobody here shows."""
    desk.me(caller)
    return []


async def set_typing(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    desk.world.typing(me, desk.peer(me, request.peer), bytes(request.action), desk.origin(caller))
    return True
