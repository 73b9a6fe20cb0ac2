"""How a chat stands in the account's own list; folders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.drafts import Draft
from teleflow.model.operations.acts import Done
from teleflow.model.operations.dialogs import (
    DeleteHistory,
    Drafts,
    DropFolder,
    GetDraft,
    ListDrafts,
    OrderFolders,
    SaveDraft,
    SaveFolder,
    SetArchived,
    SetMarkedUnread,
    SetMuted,
    SetPinned,
)
from teleflow.model.peers import PeerKind
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.entities import entities_from, input_entities
from teleflow.telegram.convert.folders import filter_of
from teleflow.telegram.convert.peers import input_channel, input_peer, known_from, marked
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.convert.rights import moment
from teleflow.telegram.methods.rooms import by_lost_try, done
from teleflow.telegram.mtproto.requests import RpcFault

_MOST_PARTS = 10_000  # of a hundred messages each


async def set_archived(invoke: Invoke, operation: SetArchived) -> Done:
    place = tl.InputFolderPeer(input_peer(operation.peer), 1 if operation.archived else 0)
    return await done(invoke, f.folders.EditPeerFoldersRequest([place]))


async def set_pinned(invoke: Invoke, operation: SetPinned) -> Done:
    target = tl.InputDialogPeer(input_peer(operation.peer))
    return await done(invoke, f.messages.ToggleDialogPinRequest(target, pinned=operation.pinned or None))


async def set_muted(invoke: Invoke, operation: SetMuted) -> Done:
    target = tl.InputNotifyPeer(input_peer(operation.peer))
    settings = tl.InputPeerNotifySettings(mute_until=moment(operation.until))
    return await done(invoke, f.account.UpdateNotifySettingsRequest(target, settings))


async def set_marked_unread(invoke: Invoke, operation: SetMarkedUnread) -> Done:
    target = tl.InputDialogPeer(input_peer(operation.peer))
    return await done(invoke, f.messages.MarkDialogUnreadRequest(target, unread=operation.unread or None))


# -- drafts -----------------------------------------------------------------------------------------------


async def list_drafts(invoke: Invoke, _operation: ListDrafts) -> Drafts:
    answer = await invoke(f.messages.GetAllDraftsRequest())
    found = [
        _draft(one.draft, marked(one.peer), one.top_msg_id)
        for one in getattr(answer, "updates", ())
        if isinstance(one, tl.UpdateDraftMessage) and isinstance(one.draft, tl.DraftMessage)
    ]
    return Drafts(tuple(found), known_from(getattr(answer, "users", ()), getattr(answer, "chats", ())))


async def get_draft(invoke: Invoke, operation: GetDraft) -> Drafts:
    answer = await invoke(f.messages.GetPeerDialogsRequest([tl.InputDialogPeer(input_peer(operation.peer))]))
    found = [
        _draft(one.draft, marked(one.peer))
        for one in answer.dialogs
        if isinstance(one, tl.Dialog) and isinstance(one.draft, tl.DraftMessage)
    ]
    return Drafts(tuple(found), known_from(answer.users, answer.chats))


def _draft(found: Any, chat_id: int, topic: int | None = None) -> Draft:
    reply = found.reply_to if isinstance(found.reply_to, tl.InputReplyToMessage) else None
    return Draft(
        chat_id,
        found.message,
        seconds(found.date) or 0,
        entities_from(found.entities),
        (reply.reply_to_msg_id or None) if reply is not None else None,
        topic or (reply.top_msg_id if reply is not None else None),
    )


async def save_draft(invoke: Invoke, operation: SaveDraft) -> Done:
    request = f.messages.SaveDraftRequest(
        input_peer(operation.peer),
        operation.text,
        no_webpage=None if operation.link_preview else True,
        reply_to=None if operation.reply_to is None else tl.InputReplyToMessage(operation.reply_to),
        entities=input_entities(operation.entities, operation.mentioned) or None,
    )
    return await done(invoke, request)


async def delete_history(invoke: Invoke, operation: DeleteHistory) -> Done:
    peer, up_to = operation.peer, operation.up_to
    if peer.kind is PeerKind.CHANNEL:
        request: Any = f.channels.DeleteHistoryRequest(
            input_channel(peer), up_to, for_everyone=operation.for_everyone or None
        )
        return await done(invoke, request)
    request = f.messages.DeleteHistoryRequest(
        input_peer(peer), up_to, just_clear=True, revoke=operation.for_everyone or None
    )
    for _ in range(_MOST_PARTS):
        if not (await invoke(request)).offset:
            break
    return Done()


# -- folders ----------------------------------------------------------------------------------------------


async def save_folder(invoke: Invoke, operation: SaveFolder) -> Done:
    folder, peers = operation.folder, operation.peers
    found = filter_of(
        folder,
        pinned=[input_peer(one) for one in peers.pinned],
        included=[input_peer(one) for one in peers.included],
        excluded=[input_peer(one) for one in peers.excluded],
    )
    return await done(invoke, f.messages.UpdateDialogFilterRequest(folder.id, filter=found))


async def drop_folder(invoke: Invoke, operation: DropFolder) -> Done:
    try:
        return await done(invoke, f.messages.UpdateDialogFilterRequest(operation.folder_id))
    except RpcFault as fault:
        if not by_lost_try(fault, "FILTER_ID_INVALID"):
            raise
        return Done()


async def order_folders(invoke: Invoke, operation: OrderFolders) -> Done:
    return await done(invoke, f.messages.UpdateDialogFiltersOrderRequest(list(operation.folder_ids)))


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    DeleteHistory: delete_history,
    DropFolder: drop_folder,
    GetDraft: get_draft,
    ListDrafts: list_drafts,
    OrderFolders: order_folders,
    SaveDraft: save_draft,
    SaveFolder: save_folder,
    SetArchived: set_archived,
    SetMarkedUnread: set_marked_unread,
    SetMuted: set_muted,
    SetPinned: set_pinned,
}
