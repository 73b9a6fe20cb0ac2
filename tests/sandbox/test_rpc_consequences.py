"""What one act leaves behind in another: found by the model of `proofs/model`, each now by itself."""

from __future__ import annotations

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world.chat_records import bare
from tests.sandbox.chat_rig import Trio


async def test_an_answer_names_what_it_answers_also_when_that_is_gone():
    trio = Trio()
    number = (await trio.say(trio.a, trio.bob, "so?")).id
    reply = types.InputReplyToMessage(number)
    answer = await trio.say(trio.b, trio.ann, "yes", reply_to=types.InputReplyToMessage(1))
    mine = (await trio.say(trio.a, trio.bob, "good", reply_to=reply)).id
    await trio.ask(trio.a, f.messages.DeleteMessagesRequest([number], revoke=True))
    peer = trio.peer(trio.ann, trio.bob)
    history = (await trio.ask(trio.a, f.messages.GetHistoryRequest(peer, 0, None, 0, 9, 0, 0, 0))).messages
    assert [each.id for each in history] == [mine, mine - 1]
    assert [each.reply_to.reply_to_msg_id for each in history] == [number, number]
    theirs = trio.peer(trio.bob, trio.ann)
    history = (await trio.ask(trio.b, f.messages.GetHistoryRequest(theirs, 0, None, 0, 9, 0, 0, 0))).messages
    assert [each.reply_to.reply_to_msg_id for each in history] == [1, 1]
    assert answer.id == history[1].id


async def test_what_was_cleared_does_not_wait_to_be_looked_at():
    trio = Trio()
    club = trio.channel(trio.bob)
    number = (await trio.say(trio.b, club, "hi")).updates[0].id
    theirs = trio.peer(trio.ann, club)
    await trio.say(trio.a, club, "yes?", reply_to=types.InputReplyToMessage(number))
    await trio.ask(trio.a, f.messages.SendReactionRequest(theirs, number, reaction=[types.ReactionEmoji("👍")]))
    peer = trio.peer(trio.bob, club)
    asked = f.messages.GetPeerDialogsRequest([types.InputDialogPeer(peer)])
    (dialog,) = (await trio.ask(trio.b, asked)).dialogs
    assert (dialog.unread_mentions_count, dialog.unread_reactions_count) == (1, 1)
    await trio.ask(trio.b, f.channels.DeleteHistoryRequest(peer, 0))
    (dialog,) = (await trio.ask(trio.b, asked)).dialogs
    assert (dialog.unread_mentions_count, dialog.unread_reactions_count, dialog.top_message) == (0, 0, 0)
    await trio.ask(trio.a, f.messages.SendReactionRequest(theirs, number, reaction=[types.ReactionEmoji("🔥")]))
    (dialog,) = (await trio.ask(trio.b, asked)).dialogs
    assert dialog.unread_reactions_count == 0


async def test_who_was_added_to_a_channel_while_away_is_told_to_ask_about_it():
    trio = Trio()
    news = trio.channel(megagroup=False)
    trio.rig.clock.now += 60
    since, pts = int(trio.rig.clock.now), trio.world.messages.box(trio.bob.id).pts
    user = trio.user(trio.ann, trio.bob)
    await trio.ask(trio.a, f.channels.InviteToChannelRequest(trio.peer(trio.ann, news), [user]))
    missed = await trio.ask(trio.b, f.updates.GetDifferenceRequest(pts, since, 0))
    assert [type(each) for each in missed.other_updates] == [types.UpdateChannelTooLong]
    assert [chat.id for chat in missed.chats] == [missed.other_updates[0].channel_id]


async def test_two_sessions_of_one_key_are_each_told_of_a_channel_with_news():
    trio = Trio()
    club = trio.channel(trio.bob)
    pts = trio.world.messages.box(trio.bob.id).pts
    await trio.say(trio.a, club, "news")
    missed = f.updates.GetDifferenceRequest(pts, int(trio.rig.clock.now), 0)
    beside = trio.rig.caller(key_id=trio.b.key_id, session_id=2)
    first, second = await trio.ask(trio.b, missed), await trio.ask(beside, missed)
    assert [type(each) for each in first.other_updates] == [types.UpdateChannelTooLong]
    assert first.other_updates == second.other_updates, "in the same second"
    assert isinstance(await trio.ask(beside, missed), types.updates.DifferenceEmpty)


async def test_an_unread_mark_is_in_the_dialog_told_elsewhere_and_listed_while_there_is_a_dialog():
    trio = Trio()
    club = trio.channel(trio.bob)
    peer = types.InputDialogPeer(trio.peer(trio.bob, club))
    other = trio.rig.logged_in(trio.bob)
    listed = f.messages.GetDialogUnreadMarksRequest()
    there = types.DialogPeer(types.PeerChannel(bare(club.id)))
    for _ in range(2):
        assert await trio.ask(trio.b, f.messages.MarkDialogUnreadRequest(peer, unread=True))
    assert trio.pushed(other) == [types.UpdateDialogUnreadMark(there, unread=True)], "once"
    assert await trio.ask(other, listed) == [there]
    await trio.ask(trio.b, f.channels.LeaveChannelRequest(peer.peer))
    assert await trio.ask(other, listed) == [], "what was left is no dialog"
    user = trio.user(trio.ann, trio.bob)
    await trio.ask(trio.a, f.channels.InviteToChannelRequest(trio.peer(trio.ann, club), [user]))
    (dialog,) = (await trio.ask(other, f.messages.GetPeerDialogsRequest([peer]))).dialogs
    assert dialog.unread_mark
    assert await trio.ask(other, listed) == [there], "who is back finds the mark again"
    trio.rig.pushes.sent.clear()
    await trio.ask(other, f.messages.MarkDialogUnreadRequest(peer))
    assert trio.pushed(trio.b) == [types.UpdateDialogUnreadMark(there, unread=False)]
    assert await trio.ask(trio.b, listed) == []


async def test_who_has_cleared_a_part_is_told_that_everything_is_unpinned():
    trio = Trio()
    club = trio.channel(trio.bob)
    peer, theirs = trio.peer(trio.ann, club), trio.peer(trio.bob, club)
    numbers = []
    for text in ("old", "new"):
        numbers.append((await trio.say(trio.a, club, text)).updates[0].id)
        await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(peer, numbers[-1]))
        if text == "old":
            await trio.ask(trio.b, f.channels.DeleteHistoryRequest(theirs, 0))
    pts = trio.world.messages.box(club.id).pts
    await trio.ask(trio.a, f.messages.UnpinAllMessagesRequest(peer))
    (update,) = (await trio.channel_difference(trio.b, club, pts)).other_updates
    assert isinstance(update, types.UpdatePinnedChannelMessages)
    assert (update.messages, bool(update.pinned)) == (numbers, False)
