"""messages.* about the list of chats: drafts, pins, folders, the archive, unread marks; scheduled messages; search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, Someone
from proofs.methods.messages import dialog, history

EMPTY = types.InputPeerEmpty()
TITLE = types.TextWithEntities("Work", [])


async def named(someone: Someone, other: object) -> types.InputDialogPeer:
    return types.InputDialogPeer(await someone.peer(other))


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


@case(f.messages.SaveDraftRequest, f.messages.GetAllDraftsRequest, f.messages.ClearAllDraftsRequest)
async def a_draft_is_on_every_device(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin, peer = await house.again(ann), await ann.peer(bob)
    await ann.say(bob, "hello")
    same(await ann(f.messages.SaveDraftRequest(peer, "to be contin")), True)
    told = await twin.sees(types.UpdateDraftMessage)
    same((told.peer.user_id, told.draft.message), (bob.id, "to be contin"))
    same((await dialog(ann, bob)).draft.message, "to be contin")
    drafts = await ann(f.messages.GetAllDraftsRequest())
    same([each.draft.message for each in drafts.updates], ["to be contin"])
    same(await ann(f.messages.ClearAllDraftsRequest()), True)
    same((await ann(f.messages.GetAllDraftsRequest())).updates, [])


@case(f.messages.ToggleDialogPinRequest, f.messages.ReorderPinnedDialogsRequest, f.messages.GetPinnedDialogsRequest)
async def dialogs_are_pinned_in_an_order(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    twin = await house.again(ann)
    for each in (bob, eve):
        await each.say(ann, "hello")
        same(await ann(f.messages.ToggleDialogPinRequest(await named(ann, each), pinned=True)), True)
    told = await twin.sees(types.UpdateDialogPinned)
    same((told.pinned, told.peer.peer.user_id), (True, bob.id))
    order = [await named(ann, bob), await named(ann, eve)]
    same(await ann(f.messages.ReorderPinnedDialogsRequest(0, order, force=True)), True)
    moved = await twin.sees(types.UpdatePinnedDialogs)
    same([each.peer.user_id for each in moved.order], [bob.id, eve.id])
    pinned = await ann(f.messages.GetPinnedDialogsRequest(0))
    same([(each.peer.user_id, each.pinned) for each in pinned.dialogs], [(bob.id, True), (eve.id, True)])


@case(f.messages.MarkDialogUnreadRequest, f.messages.GetDialogUnreadMarksRequest)
async def a_dialog_is_marked_unread(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin = await house.again(ann)
    await ann.say(bob, "hello")
    same(await ann(f.messages.MarkDialogUnreadRequest(await named(ann, bob), unread=True)), True)
    same((await twin.sees(types.UpdateDialogUnreadMark)).unread, True)
    same([each.peer.user_id for each in await ann(f.messages.GetDialogUnreadMarksRequest())], [bob.id])
    await ann(f.messages.MarkDialogUnreadRequest(await named(ann, bob), unread=False))
    same(await ann(f.messages.GetDialogUnreadMarksRequest()), [])


@case(
    f.messages.UpdateDialogFilterRequest, f.messages.GetDialogFiltersRequest, f.messages.UpdateDialogFiltersOrderRequest
)
async def folders_are_made_ordered_and_removed(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin, peer = await house.again(ann), await ann.peer(bob)
    for number in (2, 3):
        folder = types.DialogFilter(number, TITLE, pinned_peers=[], include_peers=[peer], exclude_peers=[])
        same(await ann(f.messages.UpdateDialogFilterRequest(number, folder)), True)
    same((await twin.sees(types.UpdateDialogFilter)).id, 2)
    same(await ann(f.messages.UpdateDialogFiltersOrderRequest([3, 2])), True)
    same((await twin.sees(types.UpdateDialogFilterOrder)).order, [3, 2])
    listed = await ann(f.messages.GetDialogFiltersRequest())
    same([each.id for each in listed.filters if isinstance(each, types.DialogFilter)], [3, 2])
    await ann(f.messages.UpdateDialogFilterRequest(3))
    listed = await ann(f.messages.GetDialogFiltersRequest())
    same([each.id for each in listed.filters if isinstance(each, types.DialogFilter)], [2])


@case(f.folders.EditPeerFoldersRequest)
async def a_dialog_goes_to_the_archive(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin = await house.again(ann)
    await ann.say(bob, "hello")
    answer = await ann(f.folders.EditPeerFoldersRequest([types.InputFolderPeer(await ann.peer(bob), 1)]))
    same(type(answer.updates[0]), types.UpdateFolderPeers)
    told = await twin.sees(types.UpdateFolderPeers)
    same((told.folder_peers[0].folder_id, told.pts_count), (1, 1))
    archive = await ann(f.messages.GetDialogsRequest(None, 0, EMPTY, 10, 0, folder_id=1))
    same([each.folder_id for each in archive.dialogs], [1])
    main = await ann(f.messages.GetDialogsRequest(None, 0, EMPTY, 10, 0, folder_id=0))
    true(bob.id not in {each.peer.user_id for each in main.dialogs}, "the archived chat is not in the main list")


@case(
    f.messages.GetScheduledHistoryRequest,
    f.messages.GetScheduledMessagesRequest,
    f.messages.SendScheduledMessagesRequest,
    f.messages.DeleteScheduledMessagesRequest,
)
async def a_scheduled_message_waits(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin, peer = await house.again(ann), await ann.peer(bob)
    for text in ("later", "never"):
        made = await ann(f.messages.SendMessageRequest(peer, text, schedule_date=later()))
        true(
            any(isinstance(each, types.UpdateNewScheduledMessage) for each in made.updates), "updateNewScheduledMessage"
        )
    await twin.sees(types.UpdateNewScheduledMessage, lambda update: update.message.message == "later")
    waiting = await ann(f.messages.GetScheduledHistoryRequest(peer, 0))
    ids = {each.message: each.id for each in waiting.messages}
    same(set(ids), {"later", "never"})
    (one,) = (await ann(f.messages.GetScheduledMessagesRequest(peer, [ids["later"]]))).messages
    same(one.message, "later")
    await ann(f.messages.DeleteScheduledMessagesRequest(peer, [ids["never"]]))
    same((await twin.sees(types.UpdateDeleteScheduledMessages)).messages, [ids["never"]])
    sent = await ann(f.messages.SendScheduledMessagesRequest(peer, [ids["later"]]))
    gone = next(each for each in sent.updates if isinstance(each, types.UpdateDeleteScheduledMessages))
    same(gone.messages, [ids["later"]])
    told = await bob.sees(types.UpdateNewMessage)
    same((told.message.message, (await ann.latest(bob)).from_scheduled), ("later", True))
    same((await ann(f.messages.GetScheduledHistoryRequest(peer, 0))).messages, [])


def search(peer: object, query: str, kind: object = None, **more: object) -> object:
    wanted = kind or types.InputMessagesFilterEmpty()
    return f.messages.SearchRequest(peer, query, wanted, None, None, 0, 0, 10, 0, 0, 0, **more)


@case(f.messages.SearchRequest, f.messages.SearchGlobalRequest, f.messages.GetSearchCountersRequest)
async def texts_are_found(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    await ann.say(bob, "a needle in a haystack https://example.org")
    await ann.say(bob, "hay")
    await ann.say(eve, "another needle")
    peer = await ann.peer(bob)
    found = await ann(search(peer, "needle"))
    same([each.message[:8] for each in found.messages], ["a needle"])
    every = f.messages.SearchGlobalRequest("needle", types.InputMessagesFilterEmpty(), None, None, 0, EMPTY, 0, 10)
    same(len((await ann(every)).messages), 2)
    urls, photos = types.InputMessagesFilterUrl(), types.InputMessagesFilterPhotos()
    counters = await ann(f.messages.GetSearchCountersRequest(peer, [urls, photos]))
    same([each.count for each in counters], [1, 0])


@case(f.messages.UpdatePinnedMessageRequest, f.messages.UnpinAllMessagesRequest)
async def a_message_is_pinned(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    message, peer = await ann.say(bob, "mind this"), await ann.peer(bob)
    pinned = await ann(f.messages.UpdatePinnedMessageRequest(peer, message.id))
    true(any(isinstance(each, types.UpdatePinnedMessages) for each in pinned.updates), "updatePinnedMessages")
    told = await bob.sees(types.UpdatePinnedMessages)
    same((told.pinned, told.peer.user_id, told.pts_count), (True, ann.id, 1))
    service = await bob.sees(types.UpdateNewMessage, lambda update: isinstance(update.message, types.MessageService))
    same(type(service.message.action), types.MessageActionPinMessage)
    found = await bob(search(await bob.peer(ann), "", types.InputMessagesFilterPinned()))
    same([each.message for each in found.messages], ["mind this"])
    affected = await ann(f.messages.UnpinAllMessagesRequest(peer))
    same(type(affected), types.messages.AffectedHistory)
    found = await bob(search(await bob.peer(ann), "", types.InputMessagesFilterPinned()))
    same(found.messages, [])


@case(f.messages.ForwardMessagesRequest)
async def a_forward_names_its_author(house: House) -> None:
    ann, bob, eve = await house.new("Ann"), await house.new("Bob"), await house.new("Eve")
    await ann.say(bob, "pass it on")
    message = await bob.latest(ann)
    forward = f.messages.ForwardMessagesRequest(await bob.peer(ann), [message.id], await bob.peer(eve), random_id=[5])
    answer = await bob(forward)
    same([type(each) for each in answer.updates], [types.UpdateMessageID, types.UpdateNewMessage])
    same(answer.updates[0].random_id, 5)
    told = await eve.sees(types.UpdateNewMessage)
    same((told.message.message, told.message.fwd_from.from_id.user_id), ("pass it on", ann.id))
    (shown,) = (await eve(history(await eve.peer(bob)))).messages
    same(shown.fwd_from.date, message.date)
    bare = f.messages.ForwardMessagesRequest(await bob.peer(ann), [message.id], await bob.peer(eve), drop_author=True)
    await bob(bare)
    same((await eve.latest(bob)).fwd_from, None)


@refusals
async def the_list_of_chats(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    wrong, peer = types.InputPeerUser(77, 77), await ann.peer(bob)
    message = await ann.say(bob, "hello")
    yield "PEER_ID_INVALID", ann, f.messages.SaveDraftRequest(wrong, "x")
    yield "PEER_ID_INVALID", ann, f.messages.ToggleDialogPinRequest(types.InputDialogPeer(wrong), pinned=True)
    yield "PEER_ID_INVALID", ann, f.messages.ReorderPinnedDialogsRequest(0, [types.InputDialogPeer(wrong)])
    yield "FOLDER_ID_INVALID", ann, f.messages.GetPinnedDialogsRequest(9)
    yield "PEER_ID_INVALID", ann, f.messages.MarkDialogUnreadRequest(types.InputDialogPeer(wrong), unread=True)
    folder = types.DialogFilter(1, TITLE, pinned_peers=[], include_peers=[peer], exclude_peers=[])
    yield "FILTER_ID_INVALID", ann, f.messages.UpdateDialogFilterRequest(1, folder)
    folder = types.DialogFilter(2, TITLE, pinned_peers=[], include_peers=[], exclude_peers=[])
    yield "FILTER_INCLUDE_EMPTY", ann, f.messages.UpdateDialogFilterRequest(2, folder)
    folder = types.DialogFilter(
        2, types.TextWithEntities("", []), pinned_peers=[], include_peers=[peer], exclude_peers=[]
    )
    yield "FILTER_TITLE_EMPTY", ann, f.messages.UpdateDialogFilterRequest(2, folder)
    yield "FOLDER_ID_INVALID", ann, f.folders.EditPeerFoldersRequest([types.InputFolderPeer(peer, 9)])
    yield "PEER_ID_INVALID", ann, f.messages.GetScheduledHistoryRequest(wrong, 0)
    yield "PEER_ID_INVALID", ann, f.messages.GetScheduledMessagesRequest(wrong, [1])
    yield "MESSAGE_ID_INVALID", ann, f.messages.SendScheduledMessagesRequest(peer, [99])
    yield "PEER_ID_INVALID", ann, f.messages.DeleteScheduledMessagesRequest(wrong, [1])
    far = datetime.now(UTC) + timedelta(days=400)
    yield "SCHEDULE_DATE_TOO_LATE", ann, f.messages.SendMessageRequest(peer, "x", schedule_date=far)
    yield "PEER_ID_INVALID", ann, search(wrong, "x")
    yield "PEER_ID_INVALID", ann, f.messages.GetSearchCountersRequest(wrong, [types.InputMessagesFilterUrl()])
    yield "MESSAGE_ID_INVALID", ann, f.messages.UpdatePinnedMessageRequest(peer, 9999)
    yield "PEER_ID_INVALID", ann, f.messages.UnpinAllMessagesRequest(wrong)
    yield "MESSAGE_ID_INVALID", ann, f.messages.ForwardMessagesRequest(peer, [9999], peer)
    yield "PEER_ID_INVALID", ann, f.messages.ForwardMessagesRequest(peer, [message.id], wrong)
    yield "RANDOM_ID_INVALID", ann, f.messages.ForwardMessagesRequest(peer, [message.id], peer, random_id=[])
    yield "MESSAGE_IDS_EMPTY", ann, f.messages.ForwardMessagesRequest(peer, [], peer)
