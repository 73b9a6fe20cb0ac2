"""Forwards, reactions, pins, mentions and scheduled messages by method: answers, pushes, refusals."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from tests.sandbox.chat_rig import Trio


def _forward(trio, viewer, source, to, ids, **more):
    numbers = [7_000 + each for each in ids]
    source, to = trio.peer(viewer, source), trio.peer(viewer, to)
    return f.messages.ForwardMessagesRequest(source, ids, to, random_id=numbers, **more)


async def test_a_forward_says_where_it_is_from_and_drop_author_does_not():
    trio = Trio()
    group = trio.group()
    await trio.say(trio.a, trio.bob, "news")
    number = trio.world.messages.box(trio.bob.id).state.last_id
    trio.rig.pushes.sent.clear()
    answer = await trio.ask(trio.b, _forward(trio, trio.bob, trio.ann, group, [number]))
    named, made = answer.updates
    assert (named.random_id, made.message.message) == (7_000 + number, "news")
    assert made.message.fwd_from.from_id == types.PeerUser(trio.ann.id)
    (pushed,) = trio.pushed(trio.e, types.UpdateNewMessage)
    assert pushed.message.fwd_from.from_id == types.PeerUser(trio.ann.id)
    again = await trio.ask(trio.b, _forward(trio, trio.bob, trio.ann, group, [number]))
    assert again.updates[0].id == named.id
    assert trio.pushed(trio.e) == [], "a random_id is used once"
    bare = f.messages.ForwardMessagesRequest(
        trio.peer(trio.bob, trio.ann), [number], trio.peer(trio.bob, group), random_id=[1], drop_author=True
    )
    assert (await trio.ask(trio.b, bare)).updates[1].message.fwd_from is None


async def test_what_is_protected_is_not_forwarded():
    trio = Trio()
    club = trio.channel(trio.bob)
    number = (await trio.say(trio.a, club, "x")).updates[0].id
    club.no_forwards = True
    request = _forward(trio, trio.bob, club, trio.ann, [number])
    assert await trio.refused(trio.b, request) == "CHAT_FORWARDS_RESTRICTED"
    club.no_forwards = False
    await trio.ask(trio.b, request)
    secret = (await trio.say(trio.a, club, "y", noforwards=True)).updates[0].id
    assert await trio.refused(trio.b, _forward(trio, trio.bob, club, trio.ann, [secret])) == "CHAT_FORWARDS_RESTRICTED"
    assert await trio.refused(trio.b, _forward(trio, trio.bob, club, trio.ann, [99])) == "MESSAGE_ID_INVALID"
    assert await trio.refused(trio.b, _forward(trio, trio.bob, club, trio.ann, [])) == "MESSAGE_IDS_EMPTY"


@pytest.mark.parametrize("kind", ["person", "group", "megagroup"])
async def test_a_reaction_is_seen_by_both_sides_and_can_be_taken_back(kind):
    trio = Trio()
    chat = {"person": lambda: trio.bob, "group": trio.group, "megagroup": lambda: trio.channel(trio.bob)}[kind]()
    theirs = trio.ann if kind == "person" else chat
    await trio.say(trio.a, chat, "hi")
    number = trio.world.messages.place(trio.bob.id, theirs.id).state.last_id
    peer = trio.peer(trio.bob, theirs)
    trio.rig.pushes.sent.clear()
    like = types.ReactionEmoji("👍")
    answer = await trio.ask(trio.b, f.messages.SendReactionRequest(peer, number, reaction=[like]))
    (mine,) = answer.updates
    assert (mine.msg_id, mine.reactions.results[0].count, mine.reactions.results[0].chosen_order) == (number, 1, 0)
    (told,) = trio.pushed(trio.a, types.UpdateMessageReactions)
    assert (told.reactions.results[0].chosen_order, told.reactions.recent_reactions[0].unread) == (None, True)
    seen_from = trio.peer(trio.ann, chat)
    (unread,) = (await trio.ask(trio.a, f.messages.GetUnreadReactionsRequest(seen_from, 0, 0, 10, 0, 0))).messages
    assert unread.reactions.results[0].reaction == like
    await trio.ask(trio.a, f.messages.ReadReactionsRequest(seen_from))
    assert not (await trio.ask(trio.a, f.messages.GetUnreadReactionsRequest(seen_from, 0, 0, 10, 0, 0))).messages
    listed = await trio.ask(trio.b, f.messages.GetMessageReactionsListRequest(peer, number, 10))
    assert [(each.peer_id.user_id, each.my) for each in listed.reactions] == [(trio.bob.id, True)]
    same = f.messages.SendReactionRequest(peer, number, reaction=[like])
    assert await trio.refused(trio.b, same) == "MESSAGE_NOT_MODIFIED"
    odd = f.messages.SendReactionRequest(peer, number, reaction=[types.ReactionEmoji("x")])
    assert await trio.refused(trio.b, odd) == "REACTION_INVALID"
    back = await trio.ask(trio.b, f.messages.SendReactionRequest(peer, number, reaction=[]))
    assert back.updates[0].reactions.results == []


async def test_a_pin_in_a_private_chat_is_on_both_sides_or_on_one():
    trio = Trio()
    number = (await trio.say(trio.a, trio.bob, "hi")).id
    peer = trio.peer(trio.ann, trio.bob)
    trio.rig.pushes.sent.clear()
    answer = await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(peer, number, pm_oneside=True))
    assert [type(each) for each in answer.updates] == [types.UpdatePinnedMessages]
    assert trio.pushed(trio.b) == []
    await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(peer, number, unpin=True, pm_oneside=True))
    pts = trio.world.messages.box(trio.ann.id).pts
    answer = await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(peer, number))
    pinned, note = answer.updates
    assert (pinned.pts, pinned.messages, pinned.pinned, note.pts) == (pts + 1, [number], True, pts + 2)
    assert isinstance(note.message.action, types.MessageActionPinMessage)
    assert note.message.reply_to.reply_to_msg_id == number
    assert [type(each) for each in trio.pushed(trio.b)] == [types.UpdatePinnedMessages, types.UpdateNewMessage]
    assert (await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(peer, number))).updates == []
    done = await trio.ask(trio.a, f.messages.UnpinAllMessagesRequest(peer))
    assert (done.pts, done.pts_count) == (pts + 3, 1)


async def test_pins_of_a_supergroup_need_the_right_and_come_with_its_difference():
    trio = Trio()
    club = trio.channel(trio.bob)
    number = (await trio.say(trio.a, club, "hi")).updates[0].id
    before = trio.world.messages.box(club.id).pts
    club.banned = {"pin_messages"}
    theirs = f.messages.UpdatePinnedMessageRequest(trio.peer(trio.bob, club), number)
    assert await trio.refused(trio.b, theirs) == "CHAT_ADMIN_REQUIRED"
    await trio.ask(trio.a, f.messages.UpdatePinnedMessageRequest(trio.peer(trio.ann, club), number))
    missed = await trio.channel_difference(trio.b, club, before)
    assert (missed.other_updates[0].messages, missed.other_updates[0].pinned) == ([number], True)
    assert isinstance(missed.new_messages[0].action, types.MessageActionPinMessage)
    full = await trio.ask(trio.b, f.channels.GetFullChannelRequest(trio.peer(trio.bob, club)))
    assert full.full_chat.pinned_msg_id == number


async def test_a_scheduled_message_goes_out_by_the_clock():
    trio = Trio()
    later = int(trio.rig.clock.now) + 3600
    answer = await trio.say(trio.a, trio.bob, "later", schedule_date=later)
    waiting = answer.updates[1].message
    assert (waiting.message, waiting.from_scheduled, waiting.date.timestamp()) == ("later", True, later)
    peer = trio.peer(trio.ann, trio.bob)
    (shown,) = (await trio.ask(trio.a, f.messages.GetScheduledHistoryRequest(peer, 0))).messages
    assert shown.id == waiting.id
    trio.world.scheduled.sweep()
    assert trio.pushed(trio.b) == []
    trio.rig.clock.now += 3600
    trio.rig.pushes.sent.clear()
    trio.world.scheduled.sweep()
    (came,) = trio.pushed(trio.b, types.UpdateNewMessage)
    assert (came.message.message, came.message.from_scheduled) == ("later", False)
    kinds = [type(each) for each in trio.pushed(trio.a)]
    assert kinds == [types.UpdateNewMessage, types.UpdateDeleteScheduledMessages]
    assert not (await trio.ask(trio.a, f.messages.GetScheduledHistoryRequest(peer, 0))).messages
    far = later + 400 * 24 * 3600
    late = f.messages.SendMessageRequest(peer, "x", random_id=3, schedule_date=far)
    assert await trio.refused(trio.a, late) == "SCHEDULE_DATE_TOO_LATE"


async def test_scheduled_messages_are_sent_at_once_or_never():
    trio = Trio()
    later = int(trio.rig.clock.now) + 3600
    peer = trio.peer(trio.ann, trio.bob)
    first, second = [
        (await trio.say(trio.a, trio.bob, text, schedule_date=later)).updates[0].id for text in ("one", "two")
    ]
    trio.rig.pushes.sent.clear()
    answer = await trio.ask(trio.a, f.messages.SendScheduledMessagesRequest(peer, [first]))
    sent, gone = answer.updates
    assert (sent.message.message, gone.messages, gone.sent_messages) == ("one", [first], [sent.message.id])
    mine = [session for key, _, session in trio.rig.pushes.sent if key == trio.a.key_id]
    assert mine == [trio.a.session_id] * 2, "the asking session is pushed nothing of it"
    assert [each.message.message for each in trio.pushed(trio.b)] == ["one"]
    edit = f.messages.EditMessageRequest(peer, second, message="see #two", schedule_date=later + 60)
    changed = (await trio.ask(trio.a, edit)).updates[1].message
    assert (changed.message, len(changed.entities), changed.date.timestamp()) == ("see #two", 1, later + 60)
    assert await trio.refused(trio.a, edit) == "MESSAGE_NOT_MODIFIED"
    await trio.ask(trio.a, f.messages.DeleteScheduledMessagesRequest(peer, [second]))
    gone = f.messages.DeleteScheduledMessagesRequest(peer, [second])
    assert await trio.refused(trio.a, gone) == "MESSAGE_ID_INVALID"
    trio.rig.clock.now += 7200
    trio.world.scheduled.sweep()
    assert trio.pushed(trio.b) == []
