"""What a person can be made to do with messages that are there, through the control API, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.sandbox.world import forwarding, reactions, voting
from teleflow.sandbox.world.acts import Act, Body, number_of, target, text_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import ControlError, Refused
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.poll_records import Poll, PollAnswer
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World


def _where(world: World, body: Body) -> Person | Chat:
    return target(world, body.get("chat", body.get("to")))


def _react(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`messageId` is the person's own number of the message; without an `emoji` the reaction is taken back."""
    emoji = text_of(body, "emoji", default="")
    reactions.react(world, me, _where(world, body), number_of(body, "messageId"), emoji)
    return {"emoji": emoji}


def _pin(world: World, me: Person, body: Body) -> dict[str, Any]:
    number, pinned = number_of(body, "messageId"), body.get("pinned", True) is True
    one_side, silent = body.get("oneSide") is True, body.get("silent") is True
    reactions.pin(world, me, _where(world, body), number, pinned=pinned, one_side=one_side, silent=silent)
    return {"pinned": pinned}


def _forward(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`messageIds` of the chat `from` go to `to`."""
    ids = body.get("messageIds", [body["messageId"]] if "messageId" in body else None)
    if not isinstance(ids, list) or not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
        raise ControlError(422, "VALIDATION_ERROR", "messageIds must be a list of whole numbers")
    to = target(world, body.get("to"))
    found = forwarding.sources(world, me, target(world, body.get("from")), ids)
    bare, silent = body.get("dropAuthor") is True, body.get("silent") is True
    sent = [
        forwarding.forward(world, me, message, to, drop_author=bare, silent=silent)
        for message in found
        if message is not None
    ]
    return {"messageIds": [line.from_id for line in sent]}


def _numbers(body: Body, name: str) -> list[int]:
    """Places among a poll's answers, from 0."""
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, int) and not isinstance(each, bool) for each in found):
        raise ControlError(422, "VALIDATION_ERROR", f"{name} must be a list of whole numbers")
    return found


def _send_poll(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`correct` (places of the right answers) makes it a quiz; `closeIn` seconds end it."""
    answers = body.get("answers")
    if not isinstance(answers, list) or not all(isinstance(each, str) for each in answers):
        raise ControlError(422, "VALIDATION_ERROR", "answers must be a list of strings")
    correct = _numbers(body, "correct")
    poll = Poll(
        id=world.files.new_id(),
        creator=me.id,
        question=text_of(body, "question").strip(),
        answers=[PollAnswer(str(place).encode(), each.strip()) for place, each in enumerate(answers)],
        public=body.get("public") is True,
        multiple=body.get("multiple") is True,
        quiz=bool(correct),
        correct=sorted(set(correct)),
        solution=text_of(body, "solution", default=""),
        close_period=number_of(body, "closeIn", default=0),
    )
    voting.check(poll, world.clock.time())
    media, to = Media("poll", poll.id, "send_polls"), _where(world, body)
    world.messages.polls.add(poll)
    try:
        voting.require_fit(world, to, media)
        sent = world.messages.send(me, to, "", media=media)
    except Refused:
        world.messages.polls.release(media)
        raise
    return {"messageId": sent.from_id, "recipientMessageId": sent.to_id, "pollId": str(poll.id)}


def _vote(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`options` are places among the answers; none of them takes the vote back."""
    target_, number = _where(world, body), number_of(body, "messageId")
    _, poll = voting.found(world, me, target_, number)
    wanted = _numbers(body, "options")
    if not all(0 <= each < len(poll.answers) for each in wanted):
        raise Refused("OPTION_INVALID")
    voting.vote(world, me, target_, number, [poll.answers[each].option for each in wanted])
    return {"voters": len(poll.votes)}


def _stop_poll(world: World, me: Person, body: Body) -> dict[str, Any]:
    voting.stop(world, me, _where(world, body), number_of(body, "messageId"))
    return {}


MESSAGE_ACTS: Mapping[str, Act] = {
    "react": _react,
    "pin": _pin,
    "forward": _forward,
    "sendPoll": _send_poll,
    "vote": _vote,
    "stopPoll": _stop_poll,
}
