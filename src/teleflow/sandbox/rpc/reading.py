"""messages.* that only look: history, search, dialogs."""

from __future__ import annotations

import bisect
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.dialogs import Shown, dialog_parts, shown_dialog, shown_dialogs
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.channel_reads import ids_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person

PAGE = 100


def window(box: Box, ids: list[int], request: TLRequest, offset_date: int) -> list[int]:
    """Telegram's paging: newest first, from the offset on, shifted by add_offset, within (min_id, max_id)."""
    if request.offset_id > 0:
        older = bisect.bisect_left(ids, request.offset_id)
    elif offset_date:
        older = bisect.bisect_left(ids, offset_date, key=lambda number: box.messages[number].date)
    else:
        older = len(ids)
    start = len(ids) - older + request.add_offset
    end = start + max(0, min(request.limit, PAGE))
    page = ids[::-1][max(start, 0) : max(end, 0)]
    return [
        number
        for number in page
        if (not request.max_id or number < request.max_id) and (not request.min_id or number > request.min_id)
    ]


def found_messages(desk: Desk, me: Person, box: Box, page: list[int], total: int) -> Any:
    """A page of messages in the form that their box has; of a channel's with its pts."""
    messages = desk.view.messages(box, page, me.id)
    involved = desk.view.involved(box, page)
    parts = {
        "messages": messages,
        "topics": [],
        "chats": desk.view.chats(me, involved),
        "users": desk.view.users(me, involved),
    }
    if box.owner < 0:
        return types.messages.ChannelMessages(pts=box.pts, count=total, **parts)
    if len(page) == total:
        return types.messages.Messages(**parts)
    return types.messages.MessagesSlice(total, **parts)


def ids_in(desk: Desk, me: Person, target: Person | Chat) -> tuple[Box, list[int]]:
    """Where the messages with somebody or of a chat are, and their numbers, ascending."""
    box = desk.place(me, target)
    if isinstance(target, Chat) and target.channel:
        return box, ids_of(desk.world, target, desk.world.chats.member(target, me.id))
    dialog = box.dialogs.get(target.id)
    return box, dialog.ids if dialog is not None else []


async def get_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box, ids = ids_in(desk, me, desk.target(me, request.peer))
    page = window(box, ids, request, timestamp(request.offset_date))
    return found_messages(desk, me, box, page, len(ids))


def named_number(desk: Desk, box: Box, named: Any) -> int:
    """The message that an InputMessage names, by its number or by a reply to it; 0 for none."""
    if isinstance(named, types.InputMessageID):
        return int(named.id)
    if isinstance(named, types.InputMessageReplyTo):
        reply = box.messages.get(named.id)
        replied = desk.world.messages.by_uid.get(reply.reply_to) if reply is not None else None
        return replied.sides.get(box.owner, (0, 0))[0] if replied is not None else 0
    return 0


async def get_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In the order asked for; `messageEmpty` where there is none."""
    me = desk.me(caller)
    box = desk.box(me)
    wanted = [named_number(desk, box, named) for named in request.id[:PAGE]]
    return found_messages(desk, me, box, wanted, len(wanted))


async def get_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Newest first; the offset is the last message of the page before."""
    me = desk.me(caller)
    account = me.account
    everything = shown_dialogs(desk, me)
    if request.folder_id not in (None, 0, 1):
        raise RpcError(400, "FOLDER_ID_INVALID")
    if request.folder_id is not None:
        everything = [each for each in everything if (each.dialog.peer in account.archived) is bool(request.folder_id)]
    if request.exclude_pinned:
        everything = [each for each in everything if each.dialog.peer not in account.pinned]
    ordered = sorted(everything, key=lambda shown: shown.order, reverse=True)
    offset = (timestamp(request.offset_date), int(request.offset_id))
    if offset[0]:
        peer = 0 if isinstance(request.offset_peer, types.InputPeerEmpty) else desk.target(me, request.offset_peer).id
        ordered = [shown for shown in ordered if shown.order < (*offset, peer)]
    elif offset[1]:
        ordered = [shown for shown in ordered if shown.top < offset[1]]
    if account.pinned:
        # they come first, on the first page
        rank = {peer: place for place, peer in enumerate(account.pinned)}
        first = [] if offset[0] or offset[1] else [each for each in ordered if each.dialog.peer in rank]
        ordered = [each for each in ordered if each.dialog.peer not in rank]
        ordered = sorted(first, key=lambda shown: rank[shown.dialog.peer]) + ordered
    page = ordered[: max(1, min(request.limit, PAGE))]
    parts = dialog_parts(desk, me, page)
    if len(page) == len(everything):
        return types.messages.Dialogs(**parts)
    return types.messages.DialogsSlice(count=len(everything), **parts)


async def get_peer_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    found: list[Shown] = []
    for named in request.peers[:PAGE]:
        if not isinstance(named, types.InputDialogPeer):
            raise RpcError(400, "PEER_ID_INVALID")
        found.append(shown_dialog(desk, me, desk.target(me, named.peer)))
    return types.messages.PeerDialogs(**dialog_parts(desk, me, found), state=desk.view.state(desk.box(me)))
