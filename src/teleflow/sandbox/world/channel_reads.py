"""What has been read in supergroups and channels: per member, without any pts of the account."""

from __future__ import annotations

import bisect

from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Origin, Person
from teleflow.sandbox.world.world import World


def ids_of(world: World, chat: Chat, member: Member | None = None) -> list[int]:
    """The numbers of a channel's messages, ascending; for a member those that still show."""
    dialog = world.messages.box(chat.id).dialogs.get(chat.id)
    ids = dialog.ids if dialog is not None else []
    if member is not None and member.hidden_up_to:
        return ids[bisect.bisect_right(ids, member.hidden_up_to) :]
    return ids


def unread(world: World, chat: Chat, member: Member) -> int:
    """How many messages of others are newer than what was read."""
    box = world.messages.box(chat.id)
    ids = ids_of(world, chat)
    start = bisect.bisect_right(ids, max(member.read_inbox, member.hidden_up_to))
    if chat.forum and member.topics:
        topics = world.messages.topics
        newer = ((number, box.messages[number]) for number in ids[start:])
        return sum(
            1
            for number, message in newer
            if message.sender != member.user and number > member.topics.get(topics.of_message(message), 0)
        )
    return sum(1 for number in ids[start:] if box.messages[number].sender != member.user)


def read(world: World, me: Person, chat: Chat, max_id: int, origin: Origin | None = None) -> bool:
    """Mark as read up to `max_id` (0: all); the authors are told. Returns whether anything changed."""
    member = world.chats.member(chat, me.id)
    world.chats.require_visible(chat, me.id)
    ids = ids_of(world, chat)
    if member is None or not member.inside or not ids:
        return False
    top = min(max_id, ids[-1]) if max_id > 0 else ids[-1]
    before = member.read_inbox
    if top <= before:
        return False
    member.read_inbox = top
    world.chats.keep_member(member)
    left = unread(world, chat, member)
    world.messages.tell(me.id, "channel_read_inbox", chat=chat.id, max_id=top, unread=left, origin=origin)
    if chat.kind == "megagroup":
        _tell_authors(world, chat, me, ids[bisect.bisect_right(ids, before) : bisect.bisect_right(ids, top)], origin)
    return True


def _tell_authors(world: World, chat: Chat, me: Person, newly: list[int], origin: Origin | None) -> None:
    box = world.messages.box(chat.id)
    told: set[int] = {me.id}
    for number in reversed(newly):
        author = box.messages[number].sender
        if author in told:
            continue
        told.add(author)
        member = world.chats.member(chat, author)
        if member is None or member.read_outbox >= number:
            continue
        member.read_outbox = number
        world.chats.keep_member(member)
        if member.inside and world.is_reachable(author):
            world.messages.tell(author, "channel_read_outbox", chat=chat.id, max_id=number, origin=origin)


def hide_history(world: World, me: Person, chat: Chat, max_id: int, origin: Origin | None = None) -> int:
    """Clear a channel's history for oneself. Returns up to which number."""
    member = world.chats.member(chat, me.id)
    if member is None or not member.inside:
        raise Refused("CHANNEL_PRIVATE")
    ids = ids_of(world, chat)
    last = ids[-1] if ids else 0
    top = min(max_id, last) if max_id > 0 else last
    if top > member.hidden_up_to:
        member.hidden_up_to = top
        member.read_inbox = max(member.read_inbox, top)
        world.chats.keep_member(member)
        _see_all(world, me, chat, top)
        world.messages.tell(me.id, "channel_available", chat=chat.id, max_id=top, origin=origin)
    return top


def read_up_to(member: Member, topic: int) -> int:
    """How far somebody has read in a forum's topic."""
    return max(member.read_inbox, member.hidden_up_to, member.topics.get(topic, 0))


def tell_topic_authors(
    world: World, chat: Chat, me: Person, topic: int, newly: list[int], origin: Origin | None = None
) -> None:
    """The authors of what has been read in a topic learn of it."""
    box = world.messages.box(chat.id)
    told = {me.id}
    for number in reversed(newly):
        author = box.messages[number].sender
        member = world.chats.member(chat, author)
        if author in told or member is None or member.topics_outbox.get(topic, 0) >= number:
            continue
        told.add(author)
        member.topics_outbox[topic] = number
        world.chats.keep_member(member)
        if member.inside and world.is_reachable(author):
            world.messages.tell(author, "topic_read_outbox", chat=chat.id, max_id=number, unread=topic, origin=origin)


def _see_all(world: World, me: Person, chat: Chat, top: int) -> None:
    """What no longer shows is not waiting to be looked at."""
    messages = world.messages
    box, marks = messages.box(chat.id), messages.marks
    for number in {*marks.mentions(me.id, chat.id), *marks.reactions(me.id, chat.id)}:
        message = box.messages[number]
        if number > top or message.annex is None:
            continue
        if me.id in message.annex.mentions:
            message.annex.mentions[me.id] = False
        if message.sender == me.id:
            message.annex.fresh.clear()
        marks.file(message)
        messages.keep_message(message)
