"""Forums with their topics, and what administrators did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.groups import service
from proofs.methods.house import House, Someone

BLUE = 0x6FB9F0


def topics(peer: Any, query: str | None = None) -> Any:
    return f.messages.GetForumTopicsRequest(peer, None, 0, 0, 10, q=query)


async def forum(house: House, owner: Someone, *others: Someone) -> Any:
    club = await house.club(owner, *others)
    await owner(f.channels.ToggleForumRequest(await owner.channel(club), enabled=True, tabs=False))
    return club


async def topic(owner: Someone, club: Any, title: str) -> int:
    made = await owner(f.messages.CreateForumTopicRequest(await owner.peer(club), title, icon_color=BLUE))
    (message,) = [each.message for each in made.updates if isinstance(each, types.UpdateNewChannelMessage)]
    return int(message.id)


@case(
    f.channels.ToggleForumRequest,
    f.messages.CreateForumTopicRequest,
    f.messages.GetForumTopicsRequest,
    f.messages.GetForumTopicsByIDRequest,
    f.messages.EditForumTopicRequest,
    f.messages.DeleteTopicHistoryRequest,
)
async def a_topic_is_opened_talked_in_changed_and_deleted(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await forum(house, ann, bob)
    (chat,) = (await bob(f.channels.GetChannelsRequest([await bob.channel(club)]))).chats
    same(chat.forum, True)
    number = await topic(ann, club, "Cats")
    told = await bob.sees(types.UpdateNewChannelMessage, service(types.MessageActionTopicCreate))
    same((told.message.id, told.message.action.title), (number, "Cats"))
    peer, bobs = await ann.peer(club), await bob.peer(club)
    reply = types.InputReplyToMessage(number)
    await bob(f.messages.SendMessageRequest(bobs, "miaow", reply_to=reply))
    heard = await ann.sees(types.UpdateNewChannelMessage, lambda update: update.message.message == "miaow")
    same((heard.message.reply_to.forum_topic, heard.message.reply_to.reply_to_msg_id), (True, number))
    listed = await ann(topics(peer))
    same(({each.title for each in listed.topics} >= {"Cats"}, listed.count), (True, 2))
    (one,) = (await ann(f.messages.GetForumTopicsByIDRequest(peer, [number]))).topics
    same((one.title, one.unread_count, one.top_message), ("Cats", 1, heard.message.id))
    await ann(f.messages.EditForumTopicRequest(peer, number, title="Dogs"))
    await ann(f.messages.EditForumTopicRequest(peer, number, closed=True))
    await bob.sees(types.UpdateNewChannelMessage, service(types.MessageActionTopicEdit))
    (one,) = (await bob(f.messages.GetForumTopicsByIDRequest(bobs, [number]))).topics
    same((one.title, one.closed), ("Dogs", True))
    gone = await ann(f.messages.DeleteTopicHistoryRequest(peer, number))
    same((type(gone), gone.offset), (types.messages.AffectedHistory, 0))
    await bob.sees(types.UpdateDeleteChannelMessages)
    (one,) = (await bob(f.messages.GetForumTopicsByIDRequest(bobs, [number]))).topics
    same(type(one), types.ForumTopicDeleted)


@case(f.messages.UpdatePinnedForumTopicRequest, f.messages.ReorderPinnedForumTopicsRequest)
async def topics_are_pinned_in_an_order(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await forum(house, ann, bob)
    one, two = await topic(ann, club, "one"), await topic(ann, club, "two")
    peer = await ann.peer(club)
    for each in (one, two):
        await ann(f.messages.UpdatePinnedForumTopicRequest(peer, each, pinned=True))
    told = await bob.sees(types.UpdatePinnedForumTopic, lambda update: update.topic_id == two)
    same((told.pinned, told.peer.channel_id), (True, club.channel_id))
    await ann(f.messages.ReorderPinnedForumTopicsRequest(peer, [one, two], force=True))
    same((await bob.sees(types.UpdatePinnedForumTopics)).order, [one, two])
    listed = [each for each in (await bob(topics(await bob.peer(club)))).topics if each.pinned]
    same([each.id for each in listed], [one, two])


@case(f.channels.GetAdminLogRequest)
async def what_administrators_did_is_on_record(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    channel = await ann.channel(club)
    await ann(f.channels.EditTitleRequest(channel, "Renamed"))
    await ann(f.channels.ToggleSlowModeRequest(channel, 10))
    log = await ann(f.channels.GetAdminLogRequest(channel, "", 0, 0, 10))
    kinds = [type(each.action) for each in log.events]
    same(
        [each for each in kinds if each is not types.ChannelAdminLogEventActionParticipantInvite][:2],
        [types.ChannelAdminLogEventActionToggleSlowMode, types.ChannelAdminLogEventActionChangeTitle],
    )
    titled = next(e.action for e in log.events if isinstance(e.action, types.ChannelAdminLogEventActionChangeTitle))
    same((titled.prev_value, titled.new_value), ("Club", "Renamed"))
    true(all(each.user_id == ann.id for each in log.events[:2]), "who did it")
    true(ann.id in {each.id for each in log.users}, "the administrator introduced")
    settings = types.ChannelAdminLogEventsFilter(settings=True)
    some = await ann(f.channels.GetAdminLogRequest(channel, "", 0, 0, 10, events_filter=settings))
    true(types.ChannelAdminLogEventActionChangeTitle not in {type(each.action) for each in some.events}, "filtered")


@refusals
async def forums(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club, plain = await forum(house, ann, bob), await house.club(ann, bob)
    peer, bobs, flat = await ann.peer(club), await bob.peer(club), await ann.peer(plain)
    number = await topic(ann, club, "Cats")
    m = f.messages
    yield "CHAT_ADMIN_REQUIRED", bob, f.channels.ToggleForumRequest(await bob.channel(plain), enabled=True, tabs=False)
    yield "CHANNEL_FORUM_MISSING", ann, m.CreateForumTopicRequest(flat, "x")
    yield "CHANNEL_FORUM_MISSING", ann, topics(flat)
    yield "TOPIC_TITLE_EMPTY", ann, m.CreateForumTopicRequest(peer, "")
    yield "CHAT_ADMIN_REQUIRED", bob, m.EditForumTopicRequest(bobs, number, title="mine")
    yield "TOPIC_CLOSE_SEPARATELY", ann, m.EditForumTopicRequest(peer, number, title="x", closed=True)
    yield "TOPIC_ID_INVALID", ann, m.EditForumTopicRequest(peer, 9999, title="x")
    yield "TOPIC_NOT_MODIFIED", ann, m.EditForumTopicRequest(peer, number, title="Cats")
    yield "TOPICS_EMPTY", ann, m.GetForumTopicsByIDRequest(peer, [])
    yield "CHAT_ADMIN_REQUIRED", bob, m.UpdatePinnedForumTopicRequest(bobs, number, pinned=True)
    yield "TOPIC_ID_INVALID", ann, m.UpdatePinnedForumTopicRequest(peer, 9999, pinned=True)
    yield "CHAT_ADMIN_REQUIRED", bob, m.ReorderPinnedForumTopicsRequest(bobs, [number])
    yield "CHAT_ADMIN_REQUIRED", bob, m.DeleteTopicHistoryRequest(bobs, number)
    yield "TOPIC_ID_INVALID", ann, m.DeleteTopicHistoryRequest(peer, 9999)
    await ann(m.EditForumTopicRequest(peer, number, closed=True))
    shut = m.SendMessageRequest(bobs, "x", reply_to=types.InputReplyToMessage(number))
    yield "TOPIC_CLOSED", bob, shut
    yield "CHAT_ADMIN_REQUIRED", bob, f.channels.GetAdminLogRequest(await bob.channel(plain), "", 0, 0, 10)
