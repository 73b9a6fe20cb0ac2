"""messages.* about polls: voting, results, who voted."""

from __future__ import annotations

from collections.abc import AsyncIterator

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, Someone


async def poll(someone: Someone, to: object, options: int = 2, **settings: object) -> types.Message:
    """A poll with options `0`, `1`, …"""
    answers = [types.PollAnswer(types.TextWithEntities(f"{n}", []), bytes((48 + n,))) for n in range(options)]
    asked = types.Poll(0, types.TextWithEntities("which?", []), answers, hash=0, **settings)
    return await someone.client.send_message(await someone.peer(to), file=types.InputMediaPoll(asked))


@case(f.messages.SendVoteRequest, f.messages.GetPollResultsRequest, f.messages.GetPollVotesRequest)
async def a_vote_counts_and_is_seen(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    message = await poll(ann, club, public_voters=True)
    peer = await bob.peer(club)
    voted = await bob(f.messages.SendVoteRequest(peer, message.id, [b"1"]))
    (own,) = [each for each in voted.updates if isinstance(each, types.UpdateMessagePoll)]
    same([(each.option, each.voters, each.chosen) for each in own.results.results if each.chosen], [(b"1", 1, True)])
    results = await ann(f.messages.GetPollResultsRequest(await ann.peer(club), message.id, 0))
    (theirs,) = [each for each in results.updates if isinstance(each, types.UpdateMessagePoll)]
    same(theirs.results.total_voters, 1)
    await ann(f.messages.SendVoteRequest(await ann.peer(club), message.id, [b"0"]))
    votes = await ann(f.messages.GetPollVotesRequest(await ann.peer(club), message.id, 10, option=b"1"))
    same([each.peer.user_id for each in votes.votes], [bob.id])
    true(bob.id in {each.id for each in votes.users}, "the voter introduced")
    await bob(f.messages.SendVoteRequest(peer, message.id, []))
    votes = await ann(f.messages.GetPollVotesRequest(await ann.peer(club), message.id, 10))
    same([each.peer.user_id for each in votes.votes], [ann.id])


@refusals
async def voting(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    club = await house.club(ann, bob)
    message, text = await poll(ann, club), await ann.say(club, "no poll")
    peer, vote = await bob.peer(club), f.messages.SendVoteRequest
    yield "MESSAGE_POLL_CLOSED", bob, vote(peer, (await poll(ann, club, closed=True)).id, [b"0"])
    yield "OPTION_INVALID", bob, vote(peer, message.id, [b"9"])
    yield "OPTIONS_TOO_MUCH", bob, vote(peer, message.id, [b"0", b"1"])
    yield "MESSAGE_ID_INVALID", bob, vote(peer, 9999, [b"0"])
    yield "MESSAGE_ID_INVALID", bob, f.messages.GetPollResultsRequest(peer, text.id, 0)
    yield "MSG_ID_INVALID", ann, f.messages.GetPollVotesRequest(await ann.peer(club), message.id, 10)
    named = await poll(ann, club, public_voters=True)
    yield "POLL_VOTE_REQUIRED", bob, f.messages.GetPollVotesRequest(peer, named.id, 10)
