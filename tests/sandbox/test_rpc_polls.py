"""Polls: who may ask what, who is told what, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import forwarding, voting
from teleflow.sandbox.world.control import WorldControl
from tests.sandbox.chat_rig import BOB, Trio


def _words(text: str) -> Any:
    return types.TextWithEntities(text, [])


def _poll(*answers: str, question: str = "Which?", correct: list[int] | None = None, **more: Any) -> Any:
    solution = more.pop("solution", None)
    kept = [types.PollAnswer(_words(each), bytes([65 + place])) for place, each in enumerate(answers)]
    return types.InputMediaPoll(
        types.Poll(0, _words(question), kept, hash=0, **more),
        correct_answers=correct,
        solution=solution,
        solution_entities=[] if solution else None,
    )


async def _send(trio: Trio, chat: Any, media: Any, number: int = 77) -> Any:
    request = f.messages.SendMediaRequest(trio.peer(trio.ann, chat), media, "", random_id=number)
    answer = await trio.ask(trio.a, request)
    return answer.updates[-1].message


async def _vote(trio: Trio, caller: Any, chat: Any, number: int, *options: bytes) -> Any:
    peer = trio.peer(trio.of(caller), chat)
    answer = await trio.ask(caller, f.messages.SendVoteRequest(peer, number, list(options)))
    return next(each for each in answer.updates if each.msg_id == number and each.peer is not None)


async def _shown(trio: Trio, caller: Any, chat: Any, number: int) -> Any:
    peer = trio.peer(trio.of(caller), chat)
    (message,) = (await trio.ask(caller, f.channels.GetMessagesRequest(peer, [types.InputMessageID(number)]))).messages
    return message.media


async def test_who_has_not_voted_is_told_only_how_many_did():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    sent = await _send(trio, club, _poll("tea", "coffee", public_voters=True))
    assert sent.media.poll.creator
    assert [each.option for each in sent.media.poll.answers] == [b"A", b"B"]
    (pushed,) = trio.pushed(trio.b, types.UpdateNewChannelMessage)
    assert pushed.message.media.results.min
    update = await _vote(trio, trio.b, club, sent.id, b"B")
    assert [(each.option, each.voters, each.chosen) for each in update.results.results] == [
        (b"A", 0, False),
        (b"B", 1, True),
    ]
    (told,) = trio.pushed(trio.e, types.UpdateMessagePoll)
    assert (told.msg_id, told.results.total_voters, told.results.results) == (sent.id, 1, None)
    assert [each.user_id for each in told.results.recent_voters] == [trio.bob.id]
    assert (await _shown(trio, trio.e, club, sent.id)).results.results is None
    assert (await _shown(trio, trio.b, club, sent.id)).results.results[1].chosen


async def test_votes_are_changed_taken_back_and_listed():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    sent = await _send(trio, club, _poll("tea", "coffee", "milk", public_voters=True, multiple_choice=True))
    ask = f.messages.GetPollVotesRequest(trio.peer(trio.eve, club), sent.id, limit=10)
    assert await trio.refused(trio.e, ask) == "POLL_VOTE_REQUIRED"
    await _vote(trio, trio.b, club, sent.id, b"A", b"C")
    await _vote(trio, trio.e, club, sent.id, b"C")
    listed = await trio.ask(trio.e, ask)
    assert [type(each).__name__ for each in listed.votes] == ["MessagePeerVote", "MessagePeerVoteMultiple"]
    one = await trio.ask(trio.e, f.messages.GetPollVotesRequest(ask.peer, sent.id, limit=1, option=b"C"))
    assert (one.count, one.next_offset, one.votes[0].peer.user_id) == (2, "1", trio.eve.id)
    rest = await trio.ask(trio.e, f.messages.GetPollVotesRequest(ask.peer, sent.id, limit=1, option=b"C", offset="1"))
    assert (rest.next_offset, rest.votes[0].peer.user_id) == (None, trio.bob.id)
    update = await _vote(trio, trio.b, club, sent.id, b"B")
    assert [each.voters for each in update.results.results] == [0, 1, 1]
    update = await _vote(trio, trio.b, club, sent.id)
    assert (update.results.total_voters, update.results.results) == (1, None)


async def test_a_quiz_tells_the_right_answer_after_the_vote_and_takes_one_vote():
    trio = Trio()
    club = trio.channel(trio.bob, trio.eve)
    sent = await _send(trio, club, _poll("one", "two", quiz=True, correct=[1], solution="arithmetic"))
    assert sent.media.results.solution is None
    update = await _vote(trio, trio.b, club, sent.id, b"A")
    assert [each.correct for each in update.results.results] == [False, True]
    assert update.results.solution == "arithmetic"
    again = f.messages.SendVoteRequest(trio.peer(trio.bob, club), sent.id, [b"B"])
    assert await trio.refused(trio.b, again) == "REVOTE_NOT_ALLOWED"
    again.options = []
    assert await trio.refused(trio.b, again) == "REVOTE_NOT_ALLOWED"
    votes = f.messages.GetPollVotesRequest(trio.peer(trio.bob, club), sent.id, limit=5)
    assert await trio.refused(trio.b, votes) == "MSG_ID_INVALID", "nobody is named in an anonymous one"


async def test_an_edit_closes_a_poll_for_all_of_its_messages():
    trio = Trio()
    club, group = trio.channel(trio.bob, trio.eve), trio.group()
    sent = await _send(trio, club, _poll("tea", "coffee"))
    source = trio.world.messages.box(club.id).messages[sent.id]
    line = forwarding.forward(trio.world, trio.bob, source, group)
    await _vote(trio, trio.b, group, line.from_id, b"A")
    told = trio.pushed(trio.a, types.UpdateMessagePoll)[0]
    assert told.results.total_voters == 1
    closing = _poll("tea", "coffee", closed=True)
    edit = f.messages.EditMessageRequest(trio.peer(trio.eve, club), sent.id, media=closing)
    assert await trio.refused(trio.e, edit) == "MESSAGE_AUTHOR_REQUIRED"
    edit.peer = trio.peer(trio.ann, club)
    edit.media = _poll("tea", "coffee")
    assert await trio.refused(trio.a, edit) == "MEDIA_NEW_INVALID"
    edit.media = closing
    trio.rig.pushes.sent.clear()
    pts = trio.world.messages.box(club.id).pts
    answer = await trio.ask(trio.a, edit)
    edited = next(each for each in answer.updates if isinstance(each, types.UpdateEditChannelMessage))
    assert (edited.pts, edited.message.media.poll.closed, edited.message.media.results.results[0].voters) == (
        pts + 1,
        True,
        1,
    )
    assert {each.msg_id for each in trio.pushed(trio.b, types.UpdateMessagePoll)} == {sent.id, line.from_id}
    vote = f.messages.SendVoteRequest(trio.peer(trio.eve, club), sent.id, [b"A"])
    assert await trio.refused(trio.e, vote) == "MESSAGE_POLL_CLOSED"
    assert await trio.refused(trio.a, edit) == "MESSAGE_NOT_MODIFIED"
    difference = await trio.channel_difference(trio.e, club, pts)
    assert difference.other_updates[0].message.media.poll.closed


async def test_a_poll_ends_by_itself():
    trio = Trio()
    sent = await _send(trio, trio.bob, _poll("tea", "coffee", close_period=60))
    assert sent.media.poll.close_date is not None
    trio.rig.clock.now += 61
    voting.sweep(trio.world)
    (told,) = trio.pushed(trio.b, types.UpdateMessagePoll)
    assert told.poll.closed
    voting.sweep(trio.world)
    assert not trio.pushed(trio.b, types.UpdateMessagePoll), "told once"


@pytest.mark.parametrize(
    ("media", "name"),
    [
        (_poll("a", "b", question=" "), "POLL_QUESTION_INVALID"),
        (_poll("alone"), "POLL_ANSWERS_INVALID"),
        (_poll(*(str(each) for each in range(13))), "POLL_ANSWERS_INVALID"),
        (_poll("a", ""), "POLL_ANSWER_INVALID"),
        (_poll("a", "b", quiz=True), "QUIZ_CORRECT_ANSWERS_EMPTY"),
        (_poll("a", "b", quiz=True, correct=[0, 1]), "QUIZ_CORRECT_ANSWERS_TOO_MUCH"),
        (_poll("a", "b", quiz=True, correct=[2]), "QUIZ_CORRECT_ANSWER_INVALID"),
        (_poll("a", "b", close_period=1), "MEDIA_INVALID"),
        (_poll("a", "b", open_answers=True), "MEDIA_INVALID"),
    ],
)
async def test_polls_that_are_none_are_refused(media: Any, name: str):
    trio = Trio()
    club = trio.channel(trio.bob)
    request = f.messages.SendMediaRequest(trio.peer(trio.ann, club), media, "", random_id=5)
    assert await trio.refused(trio.a, request) == name
    assert not trio.world.messages.polls.by_id, "nothing is left of it"


async def test_polls_are_refused_where_they_do_not_belong():
    trio = Trio()
    news, club = trio.channel(trio.bob, megagroup=False), trio.channel(trio.bob, trio.eve)
    public = f.messages.SendMediaRequest(
        trio.peer(trio.ann, news), _poll("a", "b", public_voters=True), "", random_id=5
    )
    assert await trio.refused(trio.a, public) == "BROADCAST_PUBLIC_VOTERS_FORBIDDEN"
    twice = _poll("a", "b")
    twice.poll.answers[1].option = b"A"
    public.media = twice
    assert await trio.refused(trio.a, public) == "POLL_OPTION_DUPLICATE"
    club.banned = {"send_polls"}
    mine = f.messages.SendMediaRequest(trio.peer(trio.bob, club), _poll("a", "b"), "", random_id=6)
    assert await trio.refused(trio.b, mine) == "CHAT_SEND_POLL_FORBIDDEN"
    assert not trio.world.messages.polls.by_id
    text = await trio.say(trio.a, club, "no poll")
    number = text.updates[0].id
    vote = f.messages.SendVoteRequest(trio.peer(trio.bob, club), number, [b"A"])
    assert await trio.refused(trio.b, vote) == "MESSAGE_ID_INVALID"
    sent = await _send(trio, club, _poll("a", "b"))
    vote.msg_id, vote.options = sent.id, [b"?"]
    assert await trio.refused(trio.b, vote) == "OPTION_INVALID"
    vote.options = [b"A", b"B"]
    assert await trio.refused(trio.b, vote) == "OPTIONS_TOO_MUCH"
    results = await trio.ask(trio.b, f.messages.GetPollResultsRequest(vote.peer, sent.id, poll_hash=0))
    assert results.updates[0].poll is not None
    again = f.messages.GetPollResultsRequest(vote.peer, sent.id, poll_hash=results.updates[0].poll.hash)
    assert (await trio.ask(trio.b, again)).updates[0].poll is None


async def test_polls_outlive_a_load_and_go_with_their_last_message():
    trio = Trio()
    control = WorldControl(trio.world)
    group = trio.group()
    made = await control.act(
        f"+{BOB}", {"do": "sendPoll", "to": group.id, "question": "When?", "answers": ["now", "later"], "correct": [1]}
    )
    await control.act(f"+{BOB}", {"do": "vote", "chat": group.id, "messageId": made["messageId"], "options": [1]})
    control.save()
    control.load()
    (poll,) = trio.world.messages.polls.by_id.values()
    assert (poll.question, poll.votes[trio.bob.id].chosen) == ("When?", [1])
    bob = trio.world.people.by_id[trio.bob.id]
    await control.act(f"+{BOB}", {"do": "stopPoll", "chat": group.id, "messageId": made["messageId"]})
    assert trio.world.messages.polls.is_closed(poll)
    trio.world.messages.delete(bob, [made["messageId"]], revoke=True)
    assert not trio.world.messages.polls.by_id
