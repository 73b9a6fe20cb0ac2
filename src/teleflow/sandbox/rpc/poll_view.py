"""Polls in TL, as one viewer sees them. Only translates."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.world.poll_records import Poll
from teleflow.sandbox.world.world import World

RECENT = 3
# among how many of the last voters those of one answer are looked for
MOST_NAMED = 100


def _text(text: str, entities: list[bytes]) -> Any:
    return types.TextWithEntities(text, _entities(entities))


def _entities(kept: list[bytes]) -> list[Any]:
    found = []
    for each in kept:
        with BinaryReader(each) as reader:
            found.append(reader.tgread_object())
    return found


def poll_hash(poll: Poll) -> int:
    """Changes with what is asked, not with the votes."""
    return zlib.crc32(repr((poll.question, [(each.option, each.text) for each in poll.answers])).encode()) >> 1


def poll_of(world: World, poll: Poll, viewer: int) -> Any:
    """`poll`."""
    return types.Poll(
        id=poll.id,
        question=_text(poll.question, poll.entities),
        answers=[types.PollAnswer(_text(each.text, each.entities), each.option) for each in poll.answers],
        hash=poll_hash(poll),
        closed=world.messages.polls.is_closed(poll) or None,
        public_voters=poll.public or None,
        multiple_choice=poll.multiple or None,
        quiz=poll.quiz or None,
        revoting_disabled=poll.fixed or None,
        shuffle_answers=poll.shuffled or None,
        hide_results_until_close=poll.hidden_until_closed or None,
        creator=poll.creator == viewer or None,
        close_period=poll.close_period or None,
        close_date=poll.close_date or None,
    )


def recent_voters(world: World, poll: Poll, most: int = RECENT) -> list[int]:
    """Who voted last, where voters are named."""
    if not poll.public or (poll.hidden_until_closed and not world.messages.polls.is_closed(poll)):
        return []
    return list(poll.votes)[: -most - 1 : -1]


def _chose(world: World, poll: Poll, place: int) -> list[Any]:
    """The last who chose an answer, where voters are named."""
    voters = recent_voters(world, poll, MOST_NAMED)
    return [types.PeerUser(each) for each in voters if place in poll.votes[each].chosen][:RECENT]


def results_of(world: World, poll: Poll, viewer: int) -> Any:
    """`pollResults`: how many chose what is told to those who have voted, and to everybody in the end.

    Without a viewer it is `min`: the same for all who are told of the message at once.
    """
    closed = world.messages.polls.is_closed(poll)
    mine = poll.votes.get(viewer)
    told = closed or (mine is not None and not poll.hidden_until_closed)
    counted = Counter(place for ballot in poll.votes.values() for place in ballot.chosen)
    chosen = mine.chosen if mine is not None else []
    reveal = poll.quiz and (closed or mine is not None)
    results = [
        types.PollAnswerVoters(
            option=answer.option,
            chosen=place in chosen or None,
            correct=(reveal and place in poll.correct) or None,
            voters=counted[place] if told else None,
            recent_voters=_chose(world, poll, place) if told else None,
        )
        for place, answer in enumerate(poll.answers)
    ]
    return types.PollResults(
        min=not viewer or None,
        results=results if told or mine is not None else None,
        total_voters=len(poll.votes),
        recent_voters=[types.PeerUser(each) for each in recent_voters(world, poll)] or None,
        solution=(poll.solution or None) if reveal else None,
        solution_entities=_entities(poll.solution_entities) if reveal and poll.solution else None,
    )


def poll_media(world: World, number: int, viewer: int) -> Any:
    """`messageMediaPoll`; of one that is forgotten, what clients show as unsupported."""
    poll = world.messages.polls.by_id.get(number)
    if poll is None:
        return types.MessageMediaUnsupported()
    return types.MessageMediaPoll(poll_of(world, poll, viewer), results_of(world, poll, viewer))


def shown_voters(world: World, poll: Poll) -> set[int]:
    """Everybody who is named in results."""
    last = recent_voters(world, poll, MOST_NAMED)
    found = set(last[:RECENT])
    for place in range(len(poll.answers)):
        found.update([each for each in last if place in poll.votes[each].chosen][:RECENT])
    return found
