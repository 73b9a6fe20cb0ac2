"""Forwarding: what goes from one chat into another, and what it says of where it is from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from teleflow.sandbox.world import voting
from teleflow.sandbox.world.annexes import Annex, Forward
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.marks import annex_of
from teleflow.sandbox.world.records import Committed, Message, Origin, Person
from teleflow.sandbox.world.world import World


def protected(world: World, message: Message) -> bool:
    """Whether a message must stay where it is."""
    chat = world.chats.by_id.get(message.to)
    return (chat is not None and chat.no_forwards) or (message.annex is not None and message.annex.no_forwards)


def sources(world: World, me: Person, source: Person | Chat, numbers: Sequence[int]) -> list[Message | None]:
    """The messages of a chat that can be forwarded, None for those that are not there.

    Raises MESSAGE_IDS_EMPTY, MESSAGE_ID_INVALID and CHAT_FORWARDS_RESTRICTED.
    """
    if not numbers:
        raise Refused("MESSAGE_IDS_EMPTY")
    box = world.messages.place(me.id, source.id)
    member = world.chats.member(source, me.id) if isinstance(source, Chat) else None
    hidden = member.hidden_up_to if member is not None and box.owner < 0 else 0
    found: list[Message | None] = []
    for number in numbers:
        message = box.messages.get(number)
        there = message is not None and message.action is None and message.peer_for(me.id) == source.id
        found.append(message if there and number > hidden else None)
    if not any(found):
        raise Refused("MESSAGE_ID_INVALID")
    if any(message is not None and protected(world, message) for message in found):
        raise Refused("CHAT_FORWARDS_RESTRICTED")
    return found


def header(world: World, me: Person, message: Message, to: Person | Chat) -> Forward:
    """Of something forwarded again it stays the first one's."""
    annex = message.annex
    if annex is not None and annex.forward is not None:
        made = msgspec.structs.replace(annex.forward, saved_peer=0, saved_id=0)
    else:
        made = _first(world, me, message)
    if to is me:
        made.saved_peer = message.peer_for(me.id)
        made.saved_id = message.sides[world.messages.place(me.id, made.saved_peer).owner][0]
    return made


def _first(world: World, me: Person, message: Message) -> Forward:
    if message.written_as:
        number = message.sides[message.to][0] if message.post else 0
        return Forward(message.date, from_id=message.written_as, post=number, author=message.author)
    author = world.people.by_id.get(message.sender)
    if author is None or (author is not me and not world.people.allows(author, "forwards", me)):
        name = f"{author.first_name} {author.last_name}".strip() if author is not None else "Deleted Account"
        return Forward(message.date, from_name=name)
    return Forward(message.date, from_id=message.sender)


def forward(
    world: World,
    me: Person,
    message: Message,
    to: Person | Chat,
    *,
    random_id: int = 0,
    drop_author: bool = False,
    silent: bool = False,
    no_forwards: bool = False,
    topic: int = 0,
    origin: Origin | None = None,
) -> Committed:
    """Send on one message that may be."""
    voting.require_fit(world, to, message.media)
    annex = Annex(no_forwards=no_forwards)
    if not drop_author:
        annex.forward = header(world, me, message, to)
    line = world.messages.send(
        me,
        to,
        message.text,
        random_id=random_id,
        entities=message.entities,
        silent=silent,
        annex=annex,
        topic=topic,
        media=message.media,
        origin=origin,
    )
    if message.post and not drop_author:
        annex_of(message).forwards += 1
        world.messages.keep_message(message)
    return line
