"""The rules of polls: what can be asked, who may choose, when it is over.

Promises that everybody who has a message with a poll and is there hears of each vote, and that nobody
votes after the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.poll_records import Ballot, Poll
from teleflow.sandbox.world.records import Entry, Message, Origin, Person
from teleflow.sandbox.world.world import World

QUESTION_LIMIT = 300
ANSWER_LIMIT = 100
FEWEST, MOST = 2, 12
SOLUTION_LIMIT = 200
OPTION_LIMIT = 100
CLOSE_PERIODS = range(5, 2_628_001)


def check(poll: Poll, now: float) -> None:
    """Whether a poll can be sent. Raises POLL_* and QUIZ_*."""
    if not 0 < len(poll.question) <= QUESTION_LIMIT:
        raise Refused("POLL_QUESTION_INVALID")
    if not FEWEST <= len(poll.answers) <= MOST:
        raise Refused("POLL_ANSWERS_INVALID")
    if not all(0 < len(each.text) <= ANSWER_LIMIT for each in poll.answers):
        raise Refused("POLL_ANSWER_INVALID")
    if not all(0 < len(each.option) <= OPTION_LIMIT for each in poll.answers):
        raise Refused("POLL_OPTION_INVALID")
    if len({each.option for each in poll.answers}) < len(poll.answers):
        raise Refused("POLL_OPTION_DUPLICATE")
    if poll.close_period and poll.close_period not in CLOSE_PERIODS:
        raise Refused("MEDIA_INVALID")
    if poll.close_date and (poll.close_period or int(poll.close_date - now) not in CLOSE_PERIODS):
        raise Refused("MEDIA_INVALID")
    if poll.quiz:
        _check_quiz(poll)
    elif poll.correct or poll.solution:
        raise Refused("MEDIA_INVALID")


def _check_quiz(poll: Poll) -> None:
    if not poll.correct:
        raise Refused("QUIZ_CORRECT_ANSWERS_EMPTY")
    if len(poll.correct) > 1 and not poll.multiple:
        raise Refused("QUIZ_CORRECT_ANSWERS_TOO_MUCH")
    if not all(0 <= each < len(poll.answers) for each in poll.correct):
        raise Refused("QUIZ_CORRECT_ANSWER_INVALID")
    if len(poll.solution) > SOLUTION_LIMIT:
        raise Refused("MEDIA_CAPTION_TOO_LONG")


def require_fit(world: World, to: Person | Chat, media: Media | None) -> None:
    """Raises BROADCAST_PUBLIC_VOTERS_FORBIDDEN: readers of a channel are not named."""
    if media is None or media.kind != "poll" or not isinstance(to, Chat) or to.kind != "broadcast":
        return
    poll = world.messages.polls.by_id.get(media.file)
    if poll is not None and poll.public:
        raise Refused("BROADCAST_PUBLIC_VOTERS_FORBIDDEN")


def found(world: World, me: Person, target: Person | Chat, number: int) -> tuple[Message, Poll]:
    """A message with a poll by the number that somebody sees. Raises MESSAGE_ID_INVALID."""
    message = world.messages.place(me.id, target.id).messages.get(number)
    poll = world.messages.polls.of(message) if message is not None else None
    if message is None or poll is None or message.peer_for(me.id) != target.id:
        raise Refused("MESSAGE_ID_INVALID")
    return message, poll


def vote(
    world: World,
    me: Person,
    target: Person | Chat,
    number: int,
    options: Sequence[bytes],
    origin: Origin | None = None,
) -> Poll:
    """Choose, choose anew, or without options take the vote back."""
    _, poll = found(world, me, target, number)
    polls = world.messages.polls
    if isinstance(target, Chat) and not target.channel and not world.chats.inside(target, me.id):
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)
    if polls.is_closed(poll):
        raise Refused("MESSAGE_POLL_CLOSED")
    places = {answer.option: place for place, answer in enumerate(poll.answers)}
    if not all(option in places for option in options):
        raise Refused("OPTION_INVALID")
    chosen = sorted({places[option] for option in options})
    if len(chosen) > 1 and not poll.multiple:
        raise Refused("OPTIONS_TOO_MUCH")
    before = poll.votes.get(me.id)
    if before is not None and (poll.quiz or poll.fixed):
        raise Refused("REVOTE_NOT_ALLOWED")
    if chosen != (before.chosen if before is not None else []):
        poll.votes.pop(me.id, None)
        if chosen:
            poll.votes[me.id] = Ballot(int(world.clock.time()), chosen)
        polls.keep(poll)
    tell(world, poll, me, origin)
    return poll


def stop(world: World, me: Person, target: Person | Chat, number: int, origin: Origin | None = None) -> None:
    """End a poll, as its author (or whoever may edit the post) does by an edit."""
    messages = world.messages
    message, poll = found(world, me, target, number)
    if message.to < 0:
        world.chats.require_edit(message, me.id)
    elif message.sender != me.id:
        raise Refused("MESSAGE_AUTHOR_REQUIRED", 403)
    if message.annex is not None and message.annex.forward is not None:
        raise Refused("MESSAGE_ID_INVALID")
    if messages.polls.is_closed(poll):
        raise Refused("MESSAGE_NOT_MODIFIED")
    poll.closed = True
    messages.polls.keep(poll)
    if isinstance(target, Chat):
        world.chats.admin_log.add(target, me.id, "stop_poll", after=Side(message=message))
    entries: list[Entry] = []
    for owner, (theirs, _) in message.sides.items():
        box = messages.box(owner)
        box.state.pts += 1
        entries.append(messages.log(box, "edit", ids=[theirs], uid=message.uid))
    for entry in entries:
        messages.emit(entry, origin)
    tell(world, poll, me, origin)


def sweep(world: World) -> None:
    """Close what is due by the world's clock."""
    for poll in world.messages.polls.due():
        poll.closed = True
        world.messages.polls.keep(poll)
        tell(world, poll, None, None)


def tell(world: World, poll: Poll, me: Person | None, origin: Origin | None) -> None:
    """Everybody who has a message with the poll, and is there, learns how it stands."""
    messages = world.messages
    for uid in messages.polls.places(poll):
        message = messages.by_uid.get(uid)
        if message is None:
            continue
        for owner, number, peer in _holders(world, message):
            if (me is not None and owner == me.id) or world.is_reachable(owner):
                chat = min(0, peer)
                messages.tell(owner, "poll", peer=peer, chat=chat, max_id=number, origin=origin)


def _holders(world: World, message: Message) -> Iterable[tuple[int, int, int]]:
    """Who sees a message: person, number, peer."""
    chat = world.chats.by_id.get(message.to) if message.to < 0 else None
    if chat is None or not chat.channel:
        return [(owner, number, message.peer_for(owner)) for owner, (number, _) in message.sides.items()]
    number = message.sides[chat.id][0]
    return [(member.user, number, chat.id) for member in world.chats.present(chat)]
