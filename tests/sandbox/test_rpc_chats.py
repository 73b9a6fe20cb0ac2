"""Groups and channels by method: numbers, pts, pushes, differences, reading."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import chat_founding, chat_members
from teleflow.sandbox.world.chat_records import bare
from tests.sandbox.chat_rig import Trio


async def test_in_a_basic_group_everybody_has_their_own_numbers():
    trio = Trio()
    await trio.say(trio.b, trio.bob, "so that numbers differ")
    group = trio.group()
    await trio.ask(trio.b, f.updates.GetStateRequest())
    answer = await trio.say(trio.a, group, "hi")
    number, new = answer.updates
    assert (number.id, new.message.id, new.message.out) == (2, 2, True)
    assert isinstance(new, types.UpdateNewMessage)
    (told,) = trio.pushed(trio.b)
    assert (told.message.id, told.message.out, told.message.from_id.user_id) == (3, False, trio.ann.id)
    assert told.message.peer_id.chat_id == -group.id
    await trio.say(trio.a, group, "again")
    (short,) = trio.rig.pushes.take(trio.b.key_id)
    assert isinstance(short, types.UpdateShortChatMessage)
    assert (short.message, short.chat_id, short.from_id, short.pts_count) == ("again", -group.id, trio.ann.id, 1)


async def test_a_channel_numbers_for_everybody_and_counts_its_own_pts():
    trio = Trio()
    club = trio.channel(trio.bob)
    before = trio.world.messages.box(trio.bob.id).pts
    answer = await trio.say(trio.a, club, "hi")
    new = answer.updates[-1]
    assert isinstance(new, types.UpdateNewChannelMessage)
    (told,) = trio.pushed(trio.b)
    assert (told.message.id, told.pts, told.pts_count) == (new.message.id, new.pts, 1)
    assert (new.message.out, told.message.out) == (True, False)
    assert not trio.pushed(trio.e), "who is not in it hears nothing"
    assert trio.world.messages.box(trio.bob.id).pts == before, "a channel is no business of the account's pts"
    (line,) = [line for line in trio.world.ledger.messages if line.text == "hi"]
    assert (line.to, line.from_id, line.to_phone) == (club.id, new.message.id, "")


async def test_the_asking_session_gets_the_answer_and_the_other_devices_the_push():
    trio = Trio()
    club = trio.channel(trio.bob)
    second = trio.rig.logged_in(trio.ann)
    await trio.say(trio.a, club, "hi")
    exceptions = {session for key, _, session in trio.rig.pushes.sent if key == trio.a.key_id}
    assert exceptions <= {trio.a.session_id}
    (told,) = trio.pushed(second, types.UpdateNewChannelMessage)
    assert told.message.out is True


async def test_a_repeated_random_id_in_a_channel_answers_as_the_first_time():
    trio = Trio()
    club = trio.channel()
    first = await trio.say(trio.a, club, "hi", random_id=77)
    again = await trio.say(trio.a, club, "hi", random_id=77)
    assert bytes(first) == bytes(again)
    assert [line.text for line in trio.world.ledger.messages].count("hi") == 1


async def test_channel_differences_are_empty_whole_in_parts_or_too_long():
    trio = Trio()
    club = trio.channel(trio.bob)
    start = trio.world.messages.box(club.id).pts
    empty = await trio.channel_difference(trio.b, club, start)
    assert isinstance(empty, types.updates.ChannelDifferenceEmpty)
    assert (empty.final, empty.pts, empty.timeout > 0) == (True, start, True)
    trio.world.slice_size = 4
    for n in range(10):
        await trio.say(trio.a, club, f"{n}")
    peer = trio.peer(trio.ann, club)
    first = trio.world.messages.box(club.id).state.last_id - 9
    await trio.ask(trio.a, f.messages.EditMessageRequest(peer, first, message="edited"))
    await trio.ask(trio.a, f.channels.DeleteMessagesRequest(peer, [first + 1]))
    pushed = trio.pushed(trio.b)
    pts, parts, messages, others = start, 0, [], []
    while True:
        part = await trio.channel_difference(trio.b, club, pts)
        assert isinstance(part, types.updates.ChannelDifference)
        parts, pts = parts + 1, part.pts
        messages += part.new_messages
        others += part.other_updates
        if part.final:
            break
    assert parts == 3
    assert [each.message for each in messages] == ["edited", *(f"{n}" for n in range(2, 10))]
    assert [type(each) for each in others] == [types.UpdateEditChannelMessage, types.UpdateDeleteChannelMessages]
    assert [bytes(each) for each in others] == [bytes(each) for each in pushed[-2:]], "as it was pushed"
    too_long = await trio.channel_difference(trio.b, club, start, limit=5)
    assert isinstance(too_long, types.updates.ChannelDifferenceTooLong)
    assert (too_long.dialog.pts, len(too_long.messages)) == (pts, 5)
    assert await trio.refused_difference(trio.b, club, pts + 1) == "PERSISTENT_TIMESTAMP_INVALID"
    assert await trio.refused_difference(trio.b, club, 0) == "PERSISTENT_TIMESTAMP_EMPTY"
    assert await trio.refused_difference(trio.e, club, pts) == "CHANNEL_PRIVATE"


async def test_who_comes_back_is_told_which_channels_to_ask():
    trio = Trio()
    club = trio.channel(trio.bob)
    trio.rig.clock.now += 60
    date = int(trio.rig.clock.now)
    pts = trio.world.messages.box(trio.bob.id).pts
    request = f.updates.GetDifferenceRequest(pts=pts, date=date, qts=0)
    assert isinstance(await trio.ask(trio.b, request), types.updates.DifferenceEmpty)
    trio.rig.clock.now += 60
    await trio.say(trio.a, club, "news")
    answer = await trio.ask(trio.b, request)
    (ask,) = answer.other_updates
    assert isinstance(ask, types.UpdateChannelTooLong)
    assert ask.channel_id == bare(club.id) == answer.chats[0].id
    later = f.updates.GetDifferenceRequest(pts=answer.state.pts, date=answer.state.date, qts=0)
    assert isinstance(await trio.ask(trio.b, later), types.updates.DifferenceEmpty)
    assert (await trio.ask(trio.b, request)).other_updates, "an answer that was lost is given again"


async def test_unread_counts_and_reads_are_each_members_own():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    numbers = [(await trio.say(trio.a, club, f"{n}")).updates[0].id for n in range(3)]
    await trio.say(trio.b, club, "mine")

    async def unread(caller):
        peer = types.InputDialogPeer(trio.peer(trio.of(caller), club))
        (dialog,) = (await trio.ask(caller, f.messages.GetPeerDialogsRequest([peer]))).dialogs
        return dialog.unread_count, dialog.read_outbox_max_id

    assert (await unread(trio.b))[0] == 4, "three and the message that told of the joining, but not the own one"
    assert (await unread(trio.e))[0] == 5
    trio.rig.pushes.sent.clear()
    second = trio.rig.logged_in(trio.bob)
    assert await trio.ask(trio.b, f.channels.ReadHistoryRequest(trio.peer(trio.bob, club), numbers[1])) is True
    (own,) = trio.pushed(second, types.UpdateReadChannelInbox)
    assert (own.max_id, own.still_unread_count) == (numbers[1], 1)
    (told,) = trio.pushed(trio.a, types.UpdateReadChannelOutbox)
    assert told.max_id == numbers[1]
    assert await unread(trio.a) == (1, numbers[1])
    assert (await unread(trio.e))[0] == 5
    assert await trio.ask(trio.b, f.channels.ReadHistoryRequest(trio.peer(trio.bob, club), numbers[0])) is False


async def test_reading_a_basic_group_tells_every_author():
    trio = Trio()
    group = trio.group()
    await trio.say(trio.a, group, "one")
    await trio.say(trio.b, group, "two")
    trio.rig.pushes.sent.clear()
    await trio.ask(trio.e, f.messages.ReadHistoryRequest(trio.peer(trio.eve, group), 0))
    for caller in (trio.a, trio.b):
        (told,) = trio.pushed(caller, types.UpdateReadHistoryOutbox)
        assert told.peer.chat_id == -group.id
    refused = f.messages.ReadHistoryRequest(trio.peer(trio.ann, trio.channel()), 0)
    assert await trio.refused(trio.a, refused) == "PEER_ID_INVALID"


async def test_replies_have_threads_and_every_viewers_numbers():
    trio = Trio()
    group = trio.group()
    await trio.say(trio.b, trio.bob, "so that numbers differ")
    first = (await trio.say(trio.a, group, "question")).updates[0].id
    trio.rig.pushes.sent.clear()
    await trio.say(trio.a, group, "more", reply_to=types.InputReplyToMessage(first))
    (told,) = trio.pushed(trio.b)
    assert told.reply_to.reply_to_msg_id == first + 1
    club = trio.channel(trio.bob)
    root = (await trio.say(trio.a, club, "root")).updates[0].id
    one = (await trio.say(trio.b, club, "one", reply_to=types.InputReplyToMessage(root))).updates[0].id
    two = await trio.say(trio.a, club, "two", reply_to=types.InputReplyToMessage(one))
    header = two.updates[-1].message.reply_to
    assert (header.reply_to_msg_id, header.reply_to_top_id) == (one, root)
    request = f.messages.GetRepliesRequest(trio.peer(trio.ann, club), root, 0, None, 0, 10, 0, 0, 0)
    assert [each.message for each in (await trio.ask(trio.a, request)).messages] == ["two", "one"]


async def test_a_new_member_of_a_group_sees_no_older_messages_but_of_a_supergroup_all():
    trio = Trio()
    group, club = trio.group(trio.bob), trio.channel(trio.bob)
    for chat in (group, club):
        await trio.say(trio.a, chat, "before")
    eve = trio.user(trio.ann, trio.eve)
    await trio.ask(trio.a, f.messages.AddChatUserRequest(-group.id, eve, 0))
    await trio.ask(trio.a, f.channels.InviteToChannelRequest(trio.peer(trio.ann, club), [eve]))

    async def texts(chat):
        history = f.messages.GetHistoryRequest(trio.peer(trio.eve, chat), 0, None, 0, 100, 0, 0, 0)
        return [getattr(each, "message", "") for each in (await trio.ask(trio.e, history)).messages]

    assert "before" not in await texts(group)
    assert "before" in await texts(club)
    chat_founding.switch(trio.world, trio.ann, club, {"hidden_history": True})
    chat_members.leave(trio.world, trio.eve, club)
    chat_members.invite(trio.world, trio.ann, club, [trio.eve])
    assert "before" not in await texts(club)


async def test_deleting_needs_authorship_or_the_right():
    trio = Trio()
    group, club = trio.group(), trio.channel(trio.bob)
    await trio.say(trio.a, group, "ann's")
    number = trio.world.messages.box(trio.bob.id).state.last_id
    request = f.messages.DeleteMessagesRequest([number], revoke=True)
    assert await trio.refused(trio.b, request) == "MESSAGE_DELETE_FORBIDDEN"
    assert (await trio.ask(trio.b, f.messages.DeleteMessagesRequest([number]))).pts_count == 1
    hers = (await trio.say(trio.a, club, "ann's")).updates[0].id
    his = (await trio.say(trio.b, club, "bob's")).updates[0].id
    peer = trio.peer(trio.bob, club)
    assert await trio.refused(trio.b, f.channels.DeleteMessagesRequest(peer, [hers])) == "MESSAGE_DELETE_FORBIDDEN"
    assert (await trio.ask(trio.b, f.channels.DeleteMessagesRequest(peer, [his, 999]))).pts_count == 1
    edit = f.messages.EditMessageRequest(peer, hers, message="bob's now")
    assert await trio.refused(trio.b, edit) == "MESSAGE_AUTHOR_REQUIRED"


async def test_dialogs_of_all_kinds_are_one_list_in_pages():
    trio = Trio()
    chats = [trio.group(trio.bob), trio.channel(trio.bob), trio.channel(trio.bob, megagroup=False), trio.ann]
    for chat in chats:
        trio.rig.clock.now += 10
        await trio.say(trio.a, chat, "last")
    seen, offset = [], (None, 0, types.InputPeerEmpty())
    while True:
        answer = await trio.ask(trio.a, f.messages.GetDialogsRequest(*offset, 2, 0))
        if not answer.dialogs:
            break
        seen += [dialog.peer for dialog in answer.dialogs]
        top = answer.messages[-1]
        last = chats[-len(seen)]
        offset = (top.date, top.id, trio.peer(trio.ann, last))
    assert [type(each) for each in seen] == [
        types.PeerUser,
        types.PeerChannel,
        types.PeerChannel,
        types.PeerChat,
    ]


async def test_typing_in_a_group_names_who_types():
    trio = Trio()
    group, club = trio.group(), trio.channel(trio.bob)
    for chat, kind in ((group, types.UpdateChatUserTyping), (club, types.UpdateChannelUserTyping)):
        request = f.messages.SetTypingRequest(trio.peer(trio.ann, chat), types.SendMessageTypingAction())
        await trio.ask(trio.a, request)
        (told,) = trio.pushed(trio.b, kind)
        assert told.from_id.user_id == trio.ann.id


@pytest.mark.parametrize("megagroup", [True, False])
async def test_clearing_for_oneself_hides_and_for_all_deletes(megagroup):
    trio = Trio()
    club = trio.channel(trio.bob, megagroup=megagroup)
    await trio.say(trio.a, club, "old")

    async def count(caller):
        peer = trio.peer(trio.of(caller), club)
        return (await trio.ask(caller, f.messages.GetHistoryRequest(peer, 0, None, 0, 9, 0, 0, 0))).count

    await trio.ask(trio.b, f.channels.DeleteHistoryRequest(trio.peer(trio.bob, club), 0))
    assert (await count(trio.b), await count(trio.a) > 0) == (0, True)
    everyone = f.channels.DeleteHistoryRequest(trio.peer(trio.bob, club), 0, for_everyone=True)
    assert await trio.refused(trio.b, everyone) == "CHAT_ADMIN_REQUIRED"
    await trio.ask(trio.a, f.channels.DeleteHistoryRequest(trio.peer(trio.ann, club), 0, for_everyone=True))
    assert await count(trio.a) == 0


async def test_a_push_to_a_channel_can_be_looked_into():
    trio = Trio()
    club = trio.channel(trio.bob)
    raw = []
    trio.rig.pushes.push = lambda key_id, updates, *, except_session=None: raw.append(updates)
    await trio.say(trio.a, club, "for clients of other layers")
    assert raw
    for each in raw:
        assert bytes(each.made()) == bytes(each)


async def test_a_channel_difference_can_be_made_too_long():
    trio = Trio()
    club = trio.channel(trio.bob)
    start = trio.world.messages.box(club.id).pts
    await trio.say(trio.a, club, "one")
    trio.b.faults = {"channel_difference_too_long": 1}
    assert isinstance(await trio.channel_difference(trio.b, club, start), types.updates.ChannelDifferenceTooLong)
