"""Topics of forums: made, written into, read, closed, pinned, emptied; and who may."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world.control import WorldControl
from tests.sandbox.chat_rig import Trio


class Forum(Trio):
    """Ann's forum, with Bob and Eve in it."""

    def __init__(self) -> None:
        super().__init__()
        self.club = self.channel(self.bob, self.eve)

    async def begin(self) -> None:
        await self.ask(self.a, f.channels.ToggleForumRequest(self.at(self.a), enabled=True, tabs=False))
        self.rig.pushes.sent.clear()

    def at(self, caller: Any) -> Any:
        return self.peer(self.of(caller), self.club)

    async def topic(self, caller: Any, title: str, number: int = 500) -> int:
        answer = await self.ask(caller, f.messages.CreateForumTopicRequest(self.at(caller), title, random_id=number))
        return next(each.id for each in answer.updates if isinstance(each, types.UpdateMessageID))

    async def write(self, caller: Any, topic: int, text: str, **more: Any) -> Any:
        reply = types.InputReplyToMessage(more.pop("reply_to", topic), top_msg_id=topic, **more)
        answer = await self.say(caller, self.club, text, reply_to=reply)
        return answer.updates[-1].message

    async def topics(self, caller: Any, **more: Any) -> Any:
        asked = {"offset_date": None, "offset_id": 0, "offset_topic": 0, "limit": 20} | more
        return await self.ask(caller, f.messages.GetForumTopicsRequest(self.at(caller), **asked))

    async def one(self, caller: Any, number: int) -> Any:
        found = await self.ask(caller, f.messages.GetForumTopicsByIDRequest(self.at(caller), [number]))
        return found.topics[0]


async def _forum() -> Forum:
    forum = Forum()
    await forum.begin()
    return forum


async def test_a_supergroup_becomes_a_forum_and_everybody_is_told():
    forum = Forum()
    ask = f.channels.ToggleForumRequest(forum.at(forum.b), enabled=True, tabs=False)
    assert await forum.refused(forum.b, ask) == "CHAT_ADMIN_REQUIRED"
    assert (
        await forum.refused(forum.a, f.messages.CreateForumTopicRequest(forum.at(forum.a), "x", random_id=1))
        == "CHANNEL_FORUM_MISSING"
    )
    ask.channel = forum.at(forum.a)
    answer = await forum.ask(forum.a, ask)
    assert answer.chats[0].forum
    assert forum.pushed(forum.b, types.UpdateChannel)
    assert await forum.refused(forum.a, ask) == "CHAT_NOT_MODIFIED"
    (general,) = (await forum.topics(forum.b)).topics
    assert (general.id, general.title) == (1, "General")


async def test_messages_in_a_topic_name_it_and_are_found_by_it():
    forum = await _forum()
    cars = await forum.topic(forum.b, "Cars")
    (pushed,) = forum.pushed(forum.e, types.UpdateNewChannelMessage)
    assert (pushed.message.id, pushed.message.action.title) == (cars, "Cars")
    first = await forum.write(forum.a, cars, "red ones")
    assert (first.reply_to.forum_topic, first.reply_to.reply_to_msg_id, first.reply_to.reply_to_top_id) == (
        True,
        cars,
        None,
    )
    second = await forum.write(forum.b, cars, "blue ones", reply_to=first.id)
    assert (second.reply_to.reply_to_msg_id, second.reply_to.reply_to_top_id) == (first.id, cars)
    plain = (await forum.say(forum.e, forum.club, "hello red")).updates[-1].message
    assert plain.reply_to is None
    replies = f.messages.GetRepliesRequest(forum.at(forum.e), cars, 0, None, 0, 50, 0, 0, 0)
    assert [each.id for each in (await forum.ask(forum.e, replies)).messages] == [second.id, first.id, cars]
    replies.msg_id = 1
    assert plain.id in [each.id for each in (await forum.ask(forum.e, replies)).messages]
    search = f.messages.SearchRequest(
        forum.at(forum.e), "red", types.InputMessagesFilterEmpty(), None, None, 0, 0, 50, 0, 0, 0, top_msg_id=cars
    )
    assert [each.id for each in (await forum.ask(forum.e, search)).messages] == [first.id]
    assert await forum.topic(forum.b, "Cars", 500) == cars, "the same random_id begins no second one"


async def test_each_topic_is_read_by_itself():
    forum = await _forum()
    cars, boats = await forum.topic(forum.b, "Cars"), await forum.topic(forum.b, "Boats", 501)
    sent = await forum.write(forum.b, cars, "one")
    await forum.write(forum.b, boats, "two")
    assert [(await forum.one(forum.a, each)).unread_count for each in (cars, boats)] == [2, 2]
    forum.rig.pushes.sent.clear()
    other = forum.rig.logged_in(forum.ann)
    assert await forum.ask(forum.a, f.messages.ReadDiscussionRequest(forum.at(forum.a), cars, 2**31 - 1))
    (told,) = forum.pushed(other, types.UpdateReadChannelDiscussionInbox)
    assert (told.top_msg_id, told.read_max_id) == (cars, sent.id)
    (author,) = forum.pushed(forum.b, types.UpdateReadChannelDiscussionOutbox)
    assert (author.top_msg_id, author.read_max_id) == (cars, sent.id)
    shown = await forum.one(forum.a, cars)
    assert (shown.unread_count, shown.read_inbox_max_id) == (0, sent.id)
    assert (await forum.one(forum.b, cars)).read_outbox_max_id == sent.id
    assert (await forum.one(forum.a, boats)).unread_count == 2
    dialogs = await forum.ask(forum.a, f.messages.GetPeerDialogsRequest([types.InputDialogPeer(forum.at(forum.a))]))
    assert dialogs.dialogs[0].unread_count == 2
    await forum.ask(forum.a, f.channels.ReadHistoryRequest(forum.at(forum.a), 2**31 - 1))
    assert (await forum.one(forum.a, boats)).unread_count == 0


async def test_topics_are_renamed_closed_and_opened_by_who_may():
    forum = await _forum()
    cars = await forum.topic(forum.b, "Cars")
    edit = f.messages.EditForumTopicRequest(forum.at(forum.e), cars, title="Trains")
    assert await forum.refused(forum.e, edit) == "CHAT_ADMIN_REQUIRED"
    edit.peer = forum.at(forum.b)
    note = (await forum.ask(forum.b, edit)).updates[0].message
    assert (note.action.title, note.reply_to.reply_to_msg_id) == ("Trains", cars)
    assert await forum.refused(forum.b, edit) == "TOPIC_NOT_MODIFIED"
    edit.closed, edit.title = True, "Both"
    assert await forum.refused(forum.b, edit) == "TOPIC_CLOSE_SEPARATELY"
    edit.title = None
    assert (await forum.ask(forum.b, edit)).updates[0].message.action.closed is True
    send = f.messages.SendMessageRequest(
        forum.at(forum.e), "late", reply_to=types.InputReplyToMessage(cars, top_msg_id=cars), random_id=9
    )
    assert await forum.refused(forum.e, send) == "TOPIC_CLOSED"
    await forum.write(forum.b, cars, "its creator may")
    await forum.write(forum.a, cars, "and who manages topics")
    edit.closed = False
    assert (await forum.ask(forum.b, edit)).updates[0].message.action.closed is False
    await forum.write(forum.e, cars, "in time")
    hide = f.messages.EditForumTopicRequest(forum.at(forum.a), 1, hidden=True)
    await forum.ask(forum.a, hide)
    assert (await forum.one(forum.a, 1)).hidden
    forum.club.banned = {"manage_topics"}
    new = f.messages.CreateForumTopicRequest(forum.at(forum.e), "Mine", random_id=3)
    assert await forum.refused(forum.e, new) == "CHAT_ADMIN_REQUIRED"
    new.peer, new.title = forum.at(forum.a), " "
    assert await forum.refused(forum.a, new) == "TOPIC_TITLE_EMPTY"


async def test_topics_are_pinned_ordered_and_paged():
    forum = await _forum()
    numbers = [await forum.topic(forum.b, f"No. {each}", 600 + each) for each in range(4)]
    pin = f.messages.UpdatePinnedForumTopicRequest(forum.at(forum.b), numbers[0], pinned=True)
    assert await forum.refused(forum.b, pin) == "CHAT_ADMIN_REQUIRED"
    pin.peer = forum.at(forum.a)
    forum.rig.pushes.sent.clear()
    answer = await forum.ask(forum.a, pin)
    assert (answer.updates[0].topic_id, answer.updates[0].pinned) == (numbers[0], True)
    assert forum.pushed(forum.b, types.UpdatePinnedForumTopic)
    await forum.ask(
        forum.a, f.messages.ReorderPinnedForumTopicsRequest(forum.at(forum.a), [numbers[1], numbers[0]], force=True)
    )
    (told,) = forum.pushed(forum.e, types.UpdatePinnedForumTopics)
    assert told.order == [numbers[1], numbers[0]]
    page = await forum.topics(forum.e, limit=3)
    assert (page.count, [each.id for each in page.topics]) == (5, [numbers[1], numbers[0], numbers[3]])
    last = page.topics[-1]
    rest = await forum.topics(forum.e, offset_date=last.date, offset_id=last.top_message, offset_topic=last.id)
    assert [each.id for each in rest.topics] == [numbers[2], 1]
    assert [each.id for each in (await forum.topics(forum.e, q="no. 2")).topics] == [numbers[2]]


async def test_a_topic_is_emptied_and_gone():
    forum = await _forum()
    cars = await forum.topic(forum.b, "Cars")
    sent = await forum.write(forum.e, cars, "one")
    pts = forum.world.messages.box(forum.club.id).pts
    empty = f.messages.DeleteTopicHistoryRequest(forum.at(forum.b), cars)
    assert await forum.refused(forum.b, empty) == "CHAT_ADMIN_REQUIRED"
    empty.peer = forum.at(forum.a)
    gone = await forum.ask(forum.a, empty)
    assert (gone.pts, gone.pts_count, gone.offset) == (pts + 2, 2, 0)
    assert (await forum.channel_difference(forum.e, forum.club, pts)).other_updates[0].messages == [cars, sent.id]
    assert isinstance(await forum.one(forum.e, cars), types.ForumTopicDeleted)
    for reply in (types.InputReplyToMessage(cars, top_msg_id=cars), types.InputReplyToMessage(cars)):
        send = f.messages.SendMessageRequest(forum.at(forum.e), "late", reply_to=reply, random_id=9)
        assert await forum.refused(forum.e, send) == "TOPIC_DELETED"
    empty.top_msg_id = 1
    assert await forum.refused(forum.a, empty) == "TOPIC_ID_INVALID"


async def test_topics_outlive_a_load():
    forum = await _forum()
    control = WorldControl(forum.world)
    cars = await forum.topic(forum.b, "Cars")
    sent = await forum.write(forum.a, cars, "red ones")
    await forum.ask(forum.b, f.messages.ReadDiscussionRequest(forum.at(forum.b), cars, sent.id))
    control.save()
    control.load()
    chat = forum.world.chats.by_id[forum.club.id]
    assert chat.forum
    member = forum.world.chats.member(chat, forum.bob.id)
    assert member is not None
    assert member.topics == {cars: sent.id}
    replies = f.messages.GetRepliesRequest(forum.at(forum.b), cars, 0, None, 0, 50, 0, 0, 0)
    assert [each.id for each in (await forum.ask(forum.b, replies)).messages] == [sent.id, cars]
