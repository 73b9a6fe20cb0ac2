"""messages.* about polls, and polls that clients send."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk, timestamp
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.poll_view import poll_hash, poll_of, results_of, shown_voters
from teleflow.sandbox.rpc.view import opaque
from teleflow.sandbox.world import voting
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.poll_records import Ballot, Poll, PollAnswer
from teleflow.sandbox.world.records import Person

PAGE = 50


def new_poll(desk: Desk, me: Person, media: Any) -> Media:
    """The poll of an InputMediaPoll, filed. Raises POLL_*, QUIZ_* and, for what is not served, MEDIA_INVALID."""
    asked = media.poll
    attached = media.attached_media, media.solution_media, *(getattr(each, "media", None) for each in asked.answers)
    if any(attached) or asked.open_answers or asked.subscribers_only or asked.countries_iso2:
        raise RpcError(400, "MEDIA_INVALID")
    poll = Poll(
        id=desk.world.files.new_id(),
        creator=me.id,
        question=asked.question.text.strip(),
        entities=opaque(asked.question.entities),
        answers=[
            # clients of today leave the naming to the data centre
            PollAnswer(
                getattr(each, "option", None) or str(place).encode(), each.text.text.strip(), opaque(each.text.entities)
            )
            for place, each in enumerate(asked.answers)
        ],
        public=bool(asked.public_voters),
        multiple=bool(asked.multiple_choice),
        quiz=bool(asked.quiz),
        fixed=bool(asked.revoting_disabled),
        shuffled=bool(asked.shuffle_answers),
        hidden_until_closed=bool(asked.hide_results_until_close),
        close_period=asked.close_period or 0,
        close_date=timestamp(asked.close_date),
        closed=bool(asked.closed),
        correct=sorted(set(media.correct_answers or ())),
        solution=(media.solution or "").strip(),
        solution_entities=opaque(media.solution_entities),
    )
    voting.check(poll, desk.world.clock.time())
    desk.world.messages.polls.add(poll)
    return Media("poll", poll.id, "send_polls")


async def send_vote(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    with gathering(desk, caller, me) as told:
        voting.vote(desk.world, me, target, request.msg_id, request.options, told.origin)
    return told.updates(target.id)


def stop_by_edit(desk: Desk, caller: Caller, target: Person | Chat, request: TLRequest) -> Any:
    """A poll can only be edited into a closed one. Raises MEDIA_PREV_INVALID and MEDIA_NEW_INVALID."""
    me = desk.me(caller)
    message = desk.place(me, target).messages.get(request.id)
    poll = desk.world.messages.polls.of(message) if message is not None else None
    if poll is None:
        raise RpcError(400, "MEDIA_PREV_INVALID")
    if not isinstance(request.media, types.InputMediaPoll) or not request.media.poll.closed:
        raise RpcError(400, "MEDIA_NEW_INVALID")
    with gathering(desk, caller, me) as told:
        voting.stop(desk.world, me, target, request.id, told.origin)
    return told.updates(target.id)


async def get_poll_results(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The poll itself comes along where the asker does not have it as it is."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    _, poll = voting.found(desk.world, me, target, request.msg_id)
    known = request.poll_hash == poll_hash(poll)
    update = types.UpdateMessagePoll(
        poll.id,
        results_of(desk.world, poll, me.id),
        peer=peer_of(target.id),
        msg_id=request.msg_id,
        poll=None if known else poll_of(desk.world, poll, me.id),
    )
    ids = {me.id, target.id, *shown_voters(desk.world, poll)}
    return types.Updates([update], desk.view.users(me, ids), desk.view.chats(me, ids), desk.now(), 0)


async def get_poll_votes(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The newest first, to those who have voted; the offset is how many were told already."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    _, poll = voting.found(desk.world, me, target, request.id)
    if isinstance(target, Chat) and target.kind == "broadcast":
        raise RpcError(403, "BROADCAST_FORBIDDEN")
    if not poll.public:
        raise RpcError(400, "MSG_ID_INVALID")
    if me.id not in poll.votes and not desk.world.messages.polls.is_closed(poll):
        raise RpcError(403, "POLL_VOTE_REQUIRED")
    wanted = None
    if request.option is not None:
        wanted = next((place for place, each in enumerate(poll.answers) if each.option == request.option), None)
        if wanted is None:
            raise RpcError(400, "OPTION_INVALID")
    offset = request.offset or "0"
    if not (offset.isascii() and offset.isdigit()):
        raise RpcError(400, "OFFSET_INVALID")
    known = [each for each in list(poll.votes.items())[::-1] if wanted is None or wanted in each[1].chosen]
    start = int(offset)
    page = known[start : start + max(1, min(request.limit, PAGE))]
    end = start + len(page)
    return types.messages.VotesList(
        count=len(known),
        votes=[_vote(poll, person, ballot, named=wanted is not None) for person, ballot in page],
        chats=[],
        users=desk.view.users(me, {person for person, _ in page}),
        next_offset=str(end) if end < len(known) else None,
    )


def _vote(poll: Poll, person: int, ballot: Ballot, *, named: bool) -> Any:
    peer, options = types.PeerUser(person), [poll.answers[place].option for place in ballot.chosen]
    if named:
        return types.MessagePeerVoteInputOption(peer, ballot.date)
    if len(options) == 1:
        return types.MessagePeerVote(peer, options[0], ballot.date)
    return types.MessagePeerVoteMultiple(peer, options, ballot.date)
