"""updates.*: where an account stands, and what a client has missed."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.behind import too_long
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.positions import missed
from teleflow.sandbox.world.records import Entry


async def get_state(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    desk.introduced(caller.key_id)
    desk.world.logins.authorizations[caller.key_id].active = desk.now()
    return desk.view.state(desk.box(me))


async def get_difference(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Empty, whole, a slice with the position to go on from, or too long to be told."""
    me = desk.me(caller)
    box = desk.box(me)
    if request.pts <= 0:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
    if not timestamp(request.date):
        raise RpcError(400, "DATE_EMPTY")
    if request.pts > box.pts:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")
    limit = desk.world.slice_size
    if request.pts_limit:
        limit = max(1, min(limit, request.pts_limit))
    limit = caller.fault("difference_slice") or limit
    gap = missed(box, request.pts, limit=limit, total_limit=request.pts_total_limit or None)
    if gap.too_long or caller.fault("difference_too_long"):
        return types.updates.DifferenceTooLong(gap.pts)
    # A channel's news is not here but with the channel. The first part says which to ask: the date of any later one is
    # that of the state before it, and says nothing of channels.
    behind = desk.behind.channels(me, caller, timestamp(request.date))
    if not gap.entries and gap.pts == request.pts and not behind:
        return types.updates.DifferenceEmpty(desk.now(), 1)
    messages, others, involved = _told(desk, box, gap.entries)
    others += too_long(behind)
    involved |= {chat.id for chat in behind}
    users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
    state = desk.view.state(box, gap.pts)
    shape = types.updates.DifferenceSlice if gap.more else types.updates.Difference
    return shape(messages, [], others, chats, users, state)


def _told(desk: Desk, box: Box, entries: list[Entry]) -> tuple[list[Any], list[Any], set[int]]:
    """New messages as they are now, everything else as it was, and whoever is in it."""
    messages: list[Any] = []
    others: list[Any] = []
    involved: set[int] = set()
    for entry in entries:
        update = desk.view.update(box, entry)
        if update is None:
            continue
        if entry.kind == "message":
            messages.append(update.message)
        else:
            others.append(update)
        if entry.kind in {"message", "edit"}:
            involved |= desk.view.involved(box, entry.ids)
        elif entry.peer:
            involved.add(entry.peer)
    return messages, others, involved
