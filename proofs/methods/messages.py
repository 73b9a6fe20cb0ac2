"""messages.* in private chats: writing, editing, deleting, reading, histories, dialogs; and updates.*."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same
from proofs.methods.house import House, Someone

EMPTY = types.InputPeerEmpty()


def history(peer: object, limit: int = 10, **more: int) -> object:
    given = {"offset_id": 0, "add_offset": 0, "max_id": 0, "min_id": 0, "hash": 0} | more
    return f.messages.GetHistoryRequest(peer, offset_date=None, limit=limit, **given)


async def dialog(someone: Someone, other: object) -> types.Dialog:
    named = types.InputDialogPeer(await someone.peer(other))
    found = await someone(f.messages.GetPeerDialogsRequest([named]))
    return found.dialogs[0]


@case(f.messages.SendMessageRequest, f.messages.GetHistoryRequest, f.messages.GetMessagesRequest)
async def a_text_arrives_and_counts(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin, peer = await house.again(ann), await ann.peer(bob)
    before = await ann(f.updates.GetStateRequest())
    bold = [types.MessageEntityBold(0, 5)]
    request = f.messages.SendMessageRequest(peer, "hello there", entities=bold, silent=True, random_id=77)
    sent = await ann(request)
    same((type(sent), sent.out, sent.pts, sent.pts_count), (types.UpdateShortSentMessage, True, before.pts + 1, 1))
    same([type(each) for each in sent.entities], [types.MessageEntityBold])
    for who, out in ((bob, False), (twin, True)):
        told = await who.sees(types.UpdateNewMessage)
        message = told.message
        same((message.message, message.out, message.silent, told.pts_count), ("hello there", out, True, 1))
        same([type(each) for each in message.entities], [types.MessageEntityBold])
    again = await ann(request)
    same(again.id, sent.id, "the same random_id")
    listed = await bob(history(await bob.peer(ann)))
    same([each.message for each in listed.messages], ["hello there"])
    same({each.id for each in listed.users} >= {ann.id}, True)
    (found,) = (await ann(f.messages.GetMessagesRequest([types.InputMessageID(sent.id)]))).messages
    same((found.message, found.out, found.peer_id.user_id), ("hello there", True, bob.id))


@case(f.messages.SendMessageRequest)
async def a_reply_names_what_it_answers(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann.say(bob, "question")
    asked = await bob.latest(ann)
    reply = types.InputReplyToMessage(asked.id, quote_text="question")
    await bob(f.messages.SendMessageRequest(await bob.peer(ann), "answer", reply_to=reply))
    shown = await ann.latest(bob)
    original = [each async for each in ann.client.iter_messages(bob.id, search="question")]
    same(shown.reply_to.reply_to_msg_id, original[0].id)


@case(f.messages.EditMessageRequest)
async def an_edit_is_seen(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    message = await ann.say(bob, "helo")
    edited = await ann(f.messages.EditMessageRequest(await ann.peer(bob), message.id, message="hello"))
    (own,) = [each for each in edited.updates if isinstance(each, types.UpdateEditMessage)]
    same((own.message.message, own.pts_count, own.message.edit_date is not None), ("hello", 1, True))
    told = await bob.sees(types.UpdateEditMessage)
    same((told.message.message, told.pts_count), ("hello", 1))
    same((await bob.latest(ann)).raw_text, "hello")


@case(f.messages.DeleteMessagesRequest)
async def a_message_is_deleted_for_both(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    kept, gone = await ann.say(bob, "kept"), await ann.say(bob, "gone")
    theirs = await bob.latest(ann)
    before = await ann(f.updates.GetStateRequest())
    affected = await ann(f.messages.DeleteMessagesRequest([gone.id], revoke=True))
    same((affected.pts, affected.pts_count), (before.pts + 1, 1))
    told = await bob.sees(types.UpdateDeleteMessages)
    same((told.messages, told.pts_count), ([theirs.id], 1))
    same(await ann(f.messages.DeleteMessagesRequest([kept.id])) is not None, True)
    same([each.message for each in (await bob(history(await bob.peer(ann)))).messages], ["kept"])
    same((await ann(history(await ann.peer(bob)))).messages, [])


@case(f.messages.DeleteHistoryRequest)
async def a_history_is_cleared(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    for n in range(3):
        await ann.say(bob, f"{n}")
    affected = await ann(f.messages.DeleteHistoryRequest(await ann.peer(bob), 0, just_clear=True))
    same((affected.pts_count, affected.offset), (3, 0))
    same(len((await bob(history(await bob.peer(ann)))).messages), 3)
    await bob(f.messages.DeleteHistoryRequest(await bob.peer(ann), 0, revoke=True))
    same((await bob(f.messages.GetDialogsRequest(None, 0, EMPTY, 10, 0))).dialogs, [])


@case(f.messages.ReadHistoryRequest, f.messages.ReceivedMessagesRequest, f.messages.GetPeerDialogsRequest)
async def reading_is_told_to_both_sides(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    twin = await house.again(bob)
    sent = [await ann.say(bob, f"{n}") for n in range(3)]
    same((await dialog(bob, ann)).unread_count, 3)
    last = await bob.latest(ann)
    await bob(f.messages.ReceivedMessagesRequest(last.id))
    affected = await bob(f.messages.ReadHistoryRequest(await bob.peer(ann), last.id))
    same(affected.pts_count, 1)
    told = await ann.sees(types.UpdateReadHistoryOutbox)
    same((told.peer.user_id, told.max_id), (bob.id, sent[-1].id))
    mine = await twin.sees(types.UpdateReadHistoryInbox)
    same((mine.peer.user_id, mine.max_id, mine.still_unread_count), (ann.id, last.id, 0))
    same(((await dialog(bob, ann)).unread_count, (await dialog(ann, bob)).read_outbox_max_id), (0, sent[-1].id))


@case(f.messages.SetTypingRequest)
async def typing_is_seen(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann.say(bob, "hello")
    same(await ann(f.messages.SetTypingRequest(await ann.peer(bob), types.SendMessageRecordAudioAction())), True)
    told = await bob.sees(types.UpdateUserTyping)
    same((told.user_id, type(told.action)), (ann.id, types.SendMessageRecordAudioAction))


@case(f.messages.GetDialogsRequest)
async def dialogs_come_newest_first_and_by_pages(house: House) -> None:
    ann = await house.new("Ann")
    others = [await house.new(name) for name in ("Bob", "Eve", "Max")]
    for each in others:
        await each.say(ann, f"from {each.name}")
    page = await ann(f.messages.GetDialogsRequest(None, 0, EMPTY, 2, 0, exclude_pinned=True))
    same((type(page), page.count, len(page.dialogs)), (types.messages.DialogsSlice, 3, 2))
    same([each.peer.user_id for each in page.dialogs], [others[2].id, others[1].id])
    same(page.dialogs[0].unread_count, 1)
    last = page.messages[-1]
    rest = await ann(f.messages.GetDialogsRequest(last.date, last.id, await ann.peer(others[1]), 10, 0))
    same([each.peer.user_id for each in rest.dialogs], [others[0].id])


@case(f.updates.GetStateRequest, f.updates.GetDifferenceRequest)
async def a_difference_is_what_was_missed(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    state = await bob(f.updates.GetStateRequest())
    nothing = await bob(f.updates.GetDifferenceRequest(state.pts, state.date, state.qts))
    same(type(nothing), types.updates.DifferenceEmpty)
    sent = await ann.say(bob, "one")
    await ann.say(bob, "two")
    await ann(f.messages.EditMessageRequest(await ann.peer(bob), sent.id, message="one and a half"))
    missed = await bob(f.updates.GetDifferenceRequest(state.pts, state.date, state.qts))
    same(type(missed), types.updates.Difference)
    same([each.message for each in missed.new_messages], ["one and a half", "two"])
    same((missed.state.pts, ann.id in {each.id for each in missed.users}), (state.pts + 3, True))
    after = await bob(f.updates.GetStateRequest())
    same((after.pts, after.unread_count), (state.pts + 3, 2))
    part = await bob(f.updates.GetDifferenceRequest(state.pts, state.date, state.qts, pts_total_limit=1))
    same(type(part), types.updates.DifferenceTooLong)


@case(f.messages.GetCommonChatsRequest, f.messages.GetPeerSettingsRequest)
async def what_two_have_in_common(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    common = await ann(f.messages.GetCommonChatsRequest(await ann.user(bob), 0, 10))
    same([each.id for each in common.chats], [club.channel_id])
    await bob.say(ann, "hello")
    settings = await ann(f.messages.GetPeerSettingsRequest(await ann.peer(bob)))
    same((settings.settings.add_contact, settings.settings.block_contact), (True, True))


@refusals
async def writing(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    peer, wrong = await ann.peer(bob), types.InputPeerUser(77, 77)
    message = await ann.say(bob, "hello")
    theirs = await bob.say(ann, "hi")
    yield "MESSAGE_EMPTY", ann, f.messages.SendMessageRequest(peer, "")
    yield "MESSAGE_TOO_LONG", ann, f.messages.SendMessageRequest(peer, "x" * 4097)
    yield "PEER_ID_INVALID", ann, f.messages.SendMessageRequest(wrong, "x")
    yield "CHAT_ID_INVALID", ann, f.messages.SendMessageRequest(types.InputPeerChat(77), "x")
    yield "CHANNEL_INVALID", ann, f.messages.SendMessageRequest(types.InputPeerChannel(77, 77), "x")
    yield "MESSAGE_NOT_MODIFIED", ann, f.messages.EditMessageRequest(peer, message.id, message="hello")
    yield "MESSAGE_ID_INVALID", ann, f.messages.EditMessageRequest(peer, 9999, message="x")
    yield "MESSAGE_EMPTY", ann, f.messages.EditMessageRequest(peer, message.id, message="")
    in_anns = await ann.latest(bob)
    same(in_anns.raw_text, theirs.raw_text)
    yield "MESSAGE_AUTHOR_REQUIRED", ann, f.messages.EditMessageRequest(peer, in_anns.id, message="x")
    yield "PEER_ID_INVALID", ann, history(wrong)
    yield "PEER_ID_INVALID", ann, f.messages.ReadHistoryRequest(wrong, 0)
    yield "PEER_ID_INVALID", ann, f.messages.DeleteHistoryRequest(wrong, 0)
    yield "PEER_ID_INVALID", ann, f.messages.SetTypingRequest(wrong, types.SendMessageTypingAction())
    yield "PEER_ID_INVALID", ann, f.messages.GetPeerDialogsRequest([types.InputDialogPeer(wrong)])
    yield "PEER_ID_INVALID", ann, f.messages.GetPeerSettingsRequest(wrong)
    yield "USER_ID_INVALID", ann, f.messages.GetCommonChatsRequest(types.InputUser(77, 77), 0, 10)
    yield "FOLDER_ID_INVALID", ann, f.messages.GetDialogsRequest(None, 0, EMPTY, 10, 0, folder_id=9)
    yield "PERSISTENT_TIMESTAMP_EMPTY", ann, f.updates.GetDifferenceRequest(0, None, 0)
    await bob(f.contacts.BlockRequest(await bob.peer(ann)))
    await ann(f.contacts.BlockRequest(peer))
    yield "YOU_BLOCKED_USER", ann, f.messages.SendMessageRequest(peer, "x")
