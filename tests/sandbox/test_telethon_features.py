"""The judge of polls, topics and the administrators' log: an unmodified Telethon."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, events, functions, types

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, Heard, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


async def _club(box):
    for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
        box.control.create_account({"phone": phone, "firstName": name, "username": f"{name.lower()}_here"})
    ann, bob = [await box.login(phone) for phone in (ANN, BOB)]
    (club,) = (await ann(functions.channels.CreateChannelRequest("Club", "", megagroup=True))).chats
    await ann(functions.channels.InviteToChannelRequest(club, ["bob_here"]))
    (dialog,) = [each for each in await bob.get_dialogs() if each.is_group]
    return ann, bob, club, dialog.entity


async def test_a_poll_is_sent_voted_in_forwarded_and_closed():
    async with sandbox() as box:
        ann, bob, club, his = await _club(box)
        heard = Heard(bob, incoming=True)
        answers = [types.PollAnswer(types.TextWithEntities(each, []), each.encode()) for each in ("tea", "milk")]
        question = types.TextWithEntities("What?", [])
        asked = types.Poll(0, question, answers, hash=0, public_voters=True)
        sent = await ann.send_message(club, file=types.InputMediaPoll(asked))
        poll = (await heard.next()).message.poll
        assert (poll.poll.question.text, poll.results.results) == ("What?", None)

        told: asyncio.Queue = asyncio.Queue()
        ann.add_event_handler(told.put, events.Raw(types.UpdateMessagePoll))
        await bob(functions.messages.SendVoteRequest(his, sent.id, [b"milk"]))
        update = await asyncio.wait_for(told.get(), WAIT)
        assert (update.poll_id, update.results.total_voters) == (poll.poll.id, 1)
        votes = await bob(functions.messages.GetPollVotesRequest(his, sent.id, limit=10))
        assert (votes.votes[0].option, votes.users[0].first_name) == (b"milk", "Bob")
        copy = await bob.forward_messages("me", sent.id, his)
        assert copy.poll.results.results[1].chosen

        asked.closed = True
        await ann.edit_message(club, sent.id, file=types.InputMediaPoll(asked))
        assert (await bob.get_messages(his, ids=sent.id)).poll.poll.closed
        with pytest.raises(errors.MessagePollClosedError):
            await bob(functions.messages.SendVoteRequest(his, sent.id, [b"tea"]))


async def test_topics_are_made_written_into_and_the_log_tells_of_it():
    async with sandbox() as box:
        ann, bob, club, his = await _club(box)
        heard = Heard(bob, incoming=True)
        await ann(functions.channels.ToggleForumRequest(club, enabled=True, tabs=False))
        await ann(functions.messages.CreateForumTopicRequest(club, "Cars"))
        listed = await bob(functions.messages.GetForumTopicsRequest(his, None, 0, 0, 10))
        cars = next(each for each in listed.topics if each.title == "Cars")
        await ann.send_message(club, "red ones", reply_to=cars.id)
        reply = (await heard.next()).message.reply_to
        assert (reply.forum_topic, reply.reply_to_msg_id) == (True, cars.id)
        texts = [each.raw_text async for each in bob.iter_messages(his, reply_to=cars.id) if each.raw_text]
        assert texts == ["red ones"]
        await ann(functions.messages.EditForumTopicRequest(club, cars.id, closed=True))
        with pytest.raises(errors.BadRequestError, match="TOPIC_CLOSED"):
            await bob.send_message(his, "late", reply_to=cars.id)

        log = await ann.get_admin_log(club)
        names = [type(each.action).__name__.removeprefix("ChannelAdminLogEventAction") for each in log]
        assert names == ["EditTopic", "CreateTopic", "ToggleForum", "ParticipantInvite"]
        joined = await ann.get_admin_log(club, invite=True)
        assert [each.joined_invite for each in joined] == [True]
        with pytest.raises(errors.ChatAdminRequiredError):
            await bob.get_admin_log(his)
