"""updates.getChannelDifference: what a client has missed of one supergroup or channel."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.dialogs import channel_dialog
from teleflow.sandbox.rpc.reading import PAGE
from teleflow.sandbox.world.channel_reads import ids_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.positions import missed
from teleflow.sandbox.world.records import Entry, Person

# seconds after which a client that has the channel open asks again
TIMEOUT = 30
MOST = 100_000


async def get_channel_difference(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Empty, whole, a part (not final), or too long for the limit that the client has set."""
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    box = desk.place(me, chat)
    if request.pts <= 0:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
    if request.pts > box.pts:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")
    if request.limit <= 0:
        raise RpcError(400, "LIMIT_INVALID")
    limit = min(request.limit, MOST)
    gap = missed(
        box, request.pts, limit=min(limit, caller.fault("difference_slice") or desk.world.slice_size), total_limit=limit
    )
    if gap.too_long or caller.fault("channel_difference_too_long"):
        return _too_long(desk, me, chat, min(limit, PAGE))
    if not gap.entries:
        return types.updates.ChannelDifferenceEmpty(gap.pts, final=True, timeout=TIMEOUT)
    messages, others, involved = _told(desk, me, chat, gap.entries, _ranges(request.filter))
    return types.updates.ChannelDifference(
        pts=gap.pts,
        new_messages=messages,
        other_updates=others,
        chats=desk.view.chats(me, involved),
        users=desk.view.users(me, involved),
        final=None if gap.more else True,
        timeout=TIMEOUT,
    )


Ranges = list[tuple[int, int]]


def _ranges(wanted: Any) -> Ranges | None:
    """The messages that a client asks for; None for all."""
    if not isinstance(wanted, types.ChannelMessagesFilter):
        return None
    return [(each.min_id, each.max_id) for each in wanted.ranges]


def _asked(number: int, ranges: Ranges | None) -> bool:
    return ranges is None or any(first <= number <= last for first, last in ranges)


def _told(
    desk: Desk, me: Person, chat: Chat, entries: list[Entry], ranges: Ranges | None
) -> tuple[list[Any], list[Any], set[int]]:
    """New messages as they are now, changes that concern others, and whoever is in it."""
    box = desk.place(me, chat)
    member = desk.world.chats.member(chat, me.id)
    hidden = member.hidden_up_to if member is not None else 0
    messages: list[Any] = []
    others: list[Any] = []
    involved: set[int] = {chat.id}
    for entry in entries:
        # what concerns several messages is told as long as one of them shows, as it was pushed
        if entry.kind != "delete" and max(entry.ids) <= hidden:
            continue
        if entry.kind == "message" and not _asked(entry.ids[0], ranges):
            continue
        update = desk.view.update(box, entry, me.id)
        if update is None:
            continue
        if entry.kind == "message":
            messages.append(update.message)
        else:
            others.append(update)
        if entry.kind != "delete":
            involved |= desk.view.involved(box, entry.ids)
    return messages, others, involved


def _too_long(desk: Desk, me: Person, chat: Chat, limit: int) -> Any:
    """Where the channel stands and its newest messages: the client starts over from there."""
    member = desk.world.chats.member(chat, me.id)
    shown = channel_dialog(desk, me, chat, member)
    dialog = desk.view.dialog(shown.dialog)
    dialog.top_message, dialog.pts = shown.top, shown.pts
    newest = ids_of(desk.world, chat, member)[: -limit - 1 : -1]
    involved = desk.view.involved(shown.box, newest) | {chat.id, me.id}
    return types.updates.ChannelDifferenceTooLong(
        dialog=dialog,
        messages=desk.view.messages(shown.box, newest, me.id),
        chats=desk.view.chats(me, involved),
        users=desk.view.users(me, involved),
        final=True,
        timeout=TIMEOUT,
    )
