"""What an account arranges for itself: drafts, pinned and archived dialogs, unread marks, folders."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.dialogs import dialog_parts, shown_dialog
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.texts import cleaned
from teleflow.sandbox.rpc.view import revealed
from teleflow.sandbox.world.chat_records import Chat, is_channel
from teleflow.sandbox.world.records import Person

PINNED_LIMIT = 5
ARCHIVE = 1
FILTERS_LIMIT = 10
# numbers of folders that a client may use
FILTER_IDS = range(2, 256)


def _dialog(desk: Desk, me: Person, named: Any) -> Person | Chat:
    """Raises PEER_ID_INVALID."""
    if not isinstance(named, types.InputDialogPeer):
        raise RpcError(400, "PEER_ID_INVALID")
    return desk.target(me, named.peer)


def _of(desk: Desk, marked: int) -> Person | Chat | None:
    return desk.world.chats.by_id.get(marked) or desk.world.people.by_id.get(marked)


async def save_draft(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """An empty text without a reply takes the draft away."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    drafts = me.account.drafts
    if not request.message and request.reply_to is None:
        if drafts.pop(target.id, None) is None:
            return True
        draft: Any = types.DraftMessageEmpty(desk.now())
    else:
        text = request.message
        entities: list[bytes] = []
        if text.strip():
            text, entities = cleaned(desk, me, text, request.entities)
        draft = types.DraftMessage(
            message=text,
            date=desk.now(),
            no_webpage=request.no_webpage,
            reply_to=request.reply_to,
            entities=revealed(entities) or None,
        )
        drafts[target.id] = bytes(draft)
    desk.world.keep(me)
    desk.tell(me, types.UpdateDraftMessage(peer_of(target.id), draft), caller)
    return True


def clear_draft(desk: Desk, caller: Caller, me: Person, target: Person | Chat) -> None:
    """A message with `clear_draft` was sent."""
    if me.account.drafts.pop(target.id, None) is not None:
        desk.world.keep(me)
        desk.tell(me, types.UpdateDraftMessage(peer_of(target.id), types.DraftMessageEmpty(desk.now())), caller)


async def get_all_drafts(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    drafts = me.account.drafts
    updates = [types.UpdateDraftMessage(peer_of(peer), revealed([kept])[0]) for peer, kept in drafts.items()]
    involved = {me.id, *drafts}
    users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
    return types.Updates(updates=updates, users=users, chats=chats, date=desk.now(), seq=0)


async def clear_all_drafts(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    for peer in list(me.account.drafts):
        target = _of(desk, peer)
        if target is not None:
            clear_draft(desk, caller, me, target)
    return True


async def toggle_dialog_pin(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = _dialog(desk, me, request.peer)
    pinned = me.account.pinned
    if bool(request.pinned) != (target.id in pinned):
        if not request.pinned:
            pinned.remove(target.id)
        else:
            folder = target.id in me.account.archived
            if sum(1 for each in pinned if (each in me.account.archived) is folder) >= PINNED_LIMIT:
                raise RpcError(400, "PINNED_DIALOGS_TOO_MUCH")
            pinned.insert(0, target.id)
        desk.world.keep(me)
        peer = types.DialogPeer(peer_of(target.id))
        desk.tell(me, types.UpdateDialogPinned(peer, pinned=request.pinned or None), caller)
    return True


async def reorder_pinned_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """`force` unpins what is not named."""
    me = desk.me(caller)
    order = [_dialog(desk, me, each).id for each in request.order]
    account = me.account
    here = [each for each in account.pinned if (each in account.archived) is bool(request.folder_id)]
    elsewhere = [each for each in account.pinned if each not in here]
    rest = [] if request.force else [each for each in here if each not in order]
    if len(order) + len(rest) > PINNED_LIMIT:
        raise RpcError(400, "PINNED_DIALOGS_TOO_MUCH")
    account.pinned[:] = [*order, *rest, *elsewhere]
    desk.world.keep(me)
    told = [types.DialogPeer(peer_of(each)) for each in (*order, *rest)]
    desk.tell(me, types.UpdatePinnedDialogs(folder_id=request.folder_id or None, order=told), caller)
    return True


async def get_pinned_dialogs(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    account = me.account
    if request.folder_id not in (0, ARCHIVE):
        raise RpcError(400, "FOLDER_ID_INVALID")
    named = [each for each in account.pinned if (each in account.archived) is (request.folder_id == ARCHIVE)]
    found = [shown_dialog(desk, me, target) for each in named if (target := _of(desk, each)) is not None]
    return types.messages.PeerDialogs(**dialog_parts(desk, me, found), state=desk.view.state(desk.box(me)))


async def mark_dialog_unread(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = _dialog(desk, me, request.peer)
    marks = me.account.unread_marks
    if bool(request.unread) != (target.id in marks):
        (marks.add if request.unread else marks.discard)(target.id)
        desk.world.keep(me)
        peer = types.DialogPeer(peer_of(target.id))
        desk.tell(me, types.UpdateDialogUnreadMark(peer, unread=request.unread or None), caller)
    return True


async def get_dialog_unread_marks(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Of dialogs: a supergroup or channel that one is not in is none, and its mark waits for one's return."""
    me = desk.me(caller)
    inside = {chat.id for chat in desk.world.chats.of_person(me.id)}
    shown = [each for each in sorted(me.account.unread_marks) if not is_channel(each) or each in inside]
    return [types.DialogPeer(peer_of(each)) for each in shown]


async def edit_peer_folders(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Into the archive (1) and out of it (0)."""
    me = desk.me(caller)
    moves = [(desk.target(me, each.peer).id, each.folder_id) for each in request.folder_peers]
    if any(folder not in (0, ARCHIVE) for _, folder in moves):
        raise RpcError(400, "FOLDER_ID_INVALID")
    messages, archived = desk.world.messages, me.account.archived
    with gathering(desk, caller, me) as told:
        for peer, folder in moves:
            if (peer in archived) is bool(folder):
                continue
            (archived.add if folder else archived.discard)(peer)
            if peer in me.account.pinned:
                me.account.pinned.remove(peer)
            box = desk.box(me)
            box.state.pts += 1
            messages.emit(messages.log(box, "folder", peer=peer, max_id=folder), told.origin)
    desk.world.keep(me)
    return told.updates()


async def get_dialog_filters(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    kept = desk.me(caller).account.filters
    return types.messages.DialogFilters([types.DialogFilterDefault(), *revealed(kept.values())])


async def update_dialog_filter(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Without a filter the folder is deleted."""
    me = desk.me(caller)
    filters = me.account.filters
    if request.id not in FILTER_IDS:
        raise RpcError(400, "FILTER_ID_INVALID")
    if request.filter is None:
        filters.pop(request.id, None)
    else:
        _check_filter(request.filter)
        if request.id not in filters and len(filters) >= FILTERS_LIMIT:
            raise RpcError(400, "DIALOG_FILTERS_TOO_MUCH")
        request.filter.id = request.id
        filters[request.id] = bytes(request.filter)
    desk.world.keep(me)
    desk.tell(me, types.UpdateDialogFilter(request.id, filter=request.filter), caller)
    return True


def _check_filter(wanted: Any) -> None:
    if not isinstance(wanted, types.DialogFilter):
        raise RpcError(400, "FILTER_NOT_SUPPORTED")
    if not wanted.title.text.strip():
        raise RpcError(400, "FILTER_TITLE_EMPTY")
    kinds = (wanted.contacts, wanted.non_contacts, wanted.groups, wanted.broadcasts, wanted.bots)
    if not any(kinds) and not wanted.include_peers and not wanted.pinned_peers:
        raise RpcError(400, "FILTER_INCLUDE_EMPTY")


async def update_dialog_filters_order(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    filters = me.account.filters
    order = [each for each in request.order if each in filters]
    me.account.filters = {each: filters[each] for each in (*order, *(each for each in filters if each not in order))}
    desk.world.keep(me)
    desk.tell(me, types.UpdateDialogFilterOrder(list(request.order)), caller)
    return True
