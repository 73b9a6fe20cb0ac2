"""messages.* that only look: history, search, dialogs."""

from __future__ import annotations

import bisect
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.records import Dialog, Person

PAGE = 100


def _window(box: Box, ids: list[int], request: TLRequest, offset_date: int) -> list[int]:
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


def _messages(desk: Desk, me: Person, box: Box, page: list[int], total: int) -> Any:
    messages = desk.view.messages(box, page)
    users = desk.view.users(me, desk.view.involved(box, page))
    if len(page) == total:
        return types.messages.Messages(messages, topics=[], chats=[], users=users)
    return types.messages.MessagesSlice(total, messages, topics=[], chats=[], users=users)


async def get_history(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box = desk.box(me)
    dialog = box.dialogs.get(desk.peer(me, request.peer).id)
    ids = dialog.ids if dialog is not None else []
    page = _window(box, ids, request, timestamp(request.offset_date))
    return _messages(desk, me, box, page, len(ids))


async def search(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """By words, dates and sender; no message here has media, so a media filter finds none."""
    me = desk.me(caller)
    box = desk.box(me)
    if isinstance(request.peer, types.InputPeerEmpty):
        ids = sorted(box.messages)
    else:
        dialog = box.dialogs.get(desk.peer(me, request.peer).id)
        ids = dialog.ids if dialog is not None else []
    sender = desk.peer(me, request.from_id).id if request.from_id is not None else 0
    if not isinstance(request.filter, types.InputMessagesFilterEmpty):
        ids = []
    wanted = request.q.casefold()
    earliest, latest = timestamp(request.min_date), timestamp(request.max_date)
    hits = [number for number in ids if _matches(box, number, wanted, sender) and _dated(box, number, earliest, latest)]
    return _messages(desk, me, box, _window(box, hits, request, 0), len(hits))


def _matches(box: Box, number: int, wanted: str, sender: int) -> bool:
    message = box.messages[number]
    return wanted in message.text.casefold() and (not sender or message.sender == sender)


def _dated(box: Box, number: int, earliest: int, latest: int) -> bool:
    date = box.messages[number].date
    return date >= earliest and (not latest or date < latest)


async def search_global(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box = desk.box(me)
    wanted = request.q.casefold()
    ids = sorted(box.messages) if isinstance(request.filter, types.InputMessagesFilterEmpty) else []
    hits = [number for number in ids if _matches(box, number, wanted, 0)]
    older = [number for number in hits if not request.offset_id or number < request.offset_id]
    page = older[::-1][: max(0, min(request.limit, PAGE))]
    return _messages(desk, me, box, page, len(hits))


async def get_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """In the order asked for; `messageEmpty` where there is none."""
    me = desk.me(caller)
    box = desk.box(me)
    wanted = [int(named.id) for named in request.id[:PAGE] if isinstance(named, types.InputMessageID)]
    messages = desk.view.messages(box, wanted)
    users = desk.view.users(me, desk.view.involved(box, wanted))
    return types.messages.Messages(messages, topics=[], chats=[], users=users)


def _top(box: Box, dialog: Dialog) -> tuple[int, int]:
    """What dialogs are sorted by: date of the last message, then its number."""
    number = dialog.ids[-1]
    return box.messages[number].date, number


async def get_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Newest first; the offset is the last message of the page before."""
    me = desk.me(caller)
    box = desk.box(me)
    everything = [dialog for dialog in box.dialogs.values() if dialog.ids]
    if request.folder_id:
        everything = []
    ordered = sorted(everything, key=lambda dialog: _top(box, dialog), reverse=True)
    offset = (timestamp(request.offset_date), int(request.offset_id))
    if offset[0]:
        ordered = [dialog for dialog in ordered if _top(box, dialog) < offset]
    elif offset[1]:
        ordered = [dialog for dialog in ordered if dialog.ids[-1] < offset[1]]
    page = ordered[: max(1, min(request.limit, PAGE))]
    tops = [dialog.ids[-1] for dialog in page]
    parts = {
        "dialogs": [desk.view.dialog(dialog) for dialog in page],
        "messages": desk.view.messages(box, tops),
        "chats": [],
        "users": desk.view.users(me, desk.view.involved(box, tops)),
    }
    if len(page) == len(everything):
        return types.messages.Dialogs(**parts)
    return types.messages.DialogsSlice(count=len(everything), **parts)


async def get_peer_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    box = desk.box(me)
    found: list[Dialog] = []
    for named in request.peers[:PAGE]:
        if not isinstance(named, types.InputDialogPeer):
            raise RpcError(400, "PEER_ID_INVALID")
        peer = desk.peer(me, named.peer).id
        found.append(box.dialogs.get(peer) or Dialog(box.owner, peer))
    tops = [dialog.ids[-1] for dialog in found if dialog.ids]
    involved = desk.view.involved(box, tops) | {dialog.peer for dialog in found}
    return types.messages.PeerDialogs(
        dialogs=[desk.view.dialog(dialog) for dialog in found],
        messages=desk.view.messages(box, tops),
        chats=[],
        users=desk.view.users(me, involved),
        state=desk.view.state(box),
    )


async def get_pinned_dialogs(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Nothing can be pinned yet, so nothing is."""
    box = desk.box(desk.me(caller))
    return types.messages.PeerDialogs([], [], [], [], desk.view.state(box))


async def get_all_drafts(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.Updates(updates=[], users=[], chats=[], date=desk.now(), seq=0)
