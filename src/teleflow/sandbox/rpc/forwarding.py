"""messages.forwardMessages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.scheduling import schedule_forward
from teleflow.sandbox.rpc.sending import IDS_PER_REQUEST
from teleflow.sandbox.world import forwarding
from teleflow.sandbox.world.records import Committed, Person


async def forward_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In the order asked for; a random_id that was used already is answered as the first time."""
    world = desk.world
    me = desk.me(caller)
    source, to = desk.target(me, request.from_peer), desk.target(me, request.to_peer)
    if len(request.id) != len(request.random_id) or not all(request.random_id):
        raise RpcError(400, "RANDOM_ID_INVALID")
    if len(request.id) > IDS_PER_REQUEST:
        raise RpcError(400, "MESSAGE_IDS_TOO_MANY")
    found = forwarding.sources(world, me, source, request.id)
    if timestamp(request.schedule_date):
        waits = schedule_forward(desk, caller, request, found, to)
        if waits is not None:
            return waits
    sent = desk.box(me).sent
    lines: list[Committed] = []
    for message, random_id in zip(found, request.random_id, strict=True):
        earlier = sent.get(random_id)
        if earlier is not None and world.random_id_repeat == "error":
            raise RpcError(500, "RANDOM_ID_DUPLICATE")
        if earlier is None and message is not None:
            earlier = forwarding.forward(
                world,
                me,
                message,
                to,
                random_id=random_id,
                drop_author=bool(request.drop_author),
                silent=bool(request.silent),
                no_forwards=bool(request.noforwards),
                topic=request.top_msg_id or 0,
                origin=desk.origin(caller),
            )
        if earlier is not None:
            lines.append(earlier)
    return sent_in_full(desk, me, lines)


def sent_in_full(desk: Desk, me: Person, lines: Sequence[Committed]) -> Any:
    """Their numbers, then what was made of them; what is gone by now is named by its number alone."""
    numbers = [types.UpdateMessageID(line.from_id, line.random_id) for line in lines]
    updates: list[Any] = []
    involved = {me.id}
    for line in lines:
        box = desk.world.messages.place(me.id, line.to)
        message = box.messages.get(line.from_id)
        involved |= desk.view.involved(box, [line.from_id]) | {line.to}
        if message is not None:
            shape = types.UpdateNewChannelMessage if box.owner < 0 else types.UpdateNewMessage
            updates.append(shape(desk.view.message(box, line.from_id, message, me.id), line.from_pts, 1))
    users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
    return types.Updates(updates=[*numbers, *updates], users=users, chats=chats, date=desk.now(), seq=0)
