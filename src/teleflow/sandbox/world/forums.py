"""The rules of forums: topics made, changed, pinned, emptied and read.

Promises that every change is in the administrators' log and, where members are to know, told by a
service message in the topic.
"""

from __future__ import annotations

import bisect

import msgspec

from teleflow.sandbox.world import rights
from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.channel_reads import ids_of, read_up_to, tell_topic_authors
from teleflow.sandbox.world.chat_members import tell_all
from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Action, Committed, EntryKind, Origin, Person
from teleflow.sandbox.world.topic_records import GENERAL, Topic
from teleflow.sandbox.world.world import World

TITLE_LIMIT = 128
PINNED_LIMIT = 5
COLOURS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)


def toggle(world: World, me: Person, chat: Chat, *, enabled: bool, tabs: bool, origin: Origin | None = None) -> None:
    """Make a supergroup a forum, or one without topics again. The creator's to do."""
    if chat.kind != "megagroup":
        raise Refused("CHANNEL_INVALID")
    if me.id != chat.creator:
        raise Refused("CHAT_ADMIN_REQUIRED")
    if chat.linked and enabled:
        raise Refused("CHAT_DISCUSSION_UNALLOWED")
    if (chat.forum, chat.forum_tabs) == (enabled, enabled and tabs):
        raise Refused("CHAT_NOT_MODIFIED")
    if chat.forum is not enabled:
        world.chats.admin_log.add(chat, me.id, "toggle_forum", Side(number=int(chat.forum)), Side(number=int(enabled)))
    chat.forum, chat.forum_tabs = enabled, enabled and tabs
    topics = world.messages.topics
    if enabled and topics.get(chat.id, GENERAL) is None:
        topics.keep(Topic(chat.id, GENERAL, "General", chat.creator, chat.date, icon_color=COLOURS[0]))
    world.chats.keep(chat)
    tell_all(world, chat, "channel", origin)


def require_forum(chat: Chat) -> None:
    """Raises CHANNEL_FORUM_MISSING."""
    if not chat.forum:
        raise Refused("CHANNEL_FORUM_MISSING")


def _title(title: str) -> str:
    kept = title.strip()
    if not kept:
        raise Refused("TOPIC_TITLE_EMPTY")
    return kept[:TITLE_LIMIT]


def _member(world: World, me: Person, chat: Chat) -> Member:
    require_forum(chat)
    member = world.chats.member(chat, me.id)
    if member is None or not member.inside:
        raise Refused("CHANNEL_PRIVATE")
    return member


def create(
    world: World,
    me: Person,
    chat: Chat,
    title: str,
    *,
    icon_color: int = 0,
    icon_emoji: int = 0,
    random_id: int = 0,
    origin: Origin | None = None,
) -> Committed:
    """A topic, begun by a service message whose number is its own."""
    rights.require(chat, _member(world, me, chat), "manage_topics", world.clock.time())
    named, colour = _title(title), icon_color if icon_color in COLOURS else COLOURS[0]
    values = {"icon_color": colour} | ({"icon_emoji_id": icon_emoji} if icon_emoji else {})
    action = Action("topic_create", text=named, values=values)
    world.chats.require_write(chat, me.id)
    # filed before anybody is told of the message, so that whoever asks finds the topic
    number = world.messages.box(chat.id).state.last_id + 1
    topic = Topic(chat.id, number, named, me.id, int(world.clock.time()), icon_color=colour, icon_emoji=icon_emoji)
    world.messages.topics.keep(topic)
    world.chats.admin_log.add(chat, me.id, "create_topic", after=Side(topic=topic))
    line = world.messages.send(me, chat, "", action=action, random_id=random_id, origin=origin)
    topic.root = line.uid
    world.messages.topics.keep(topic)
    return line


def _may_change(chat: Chat, member: Member, topic: Topic) -> None:
    if topic.creator != member.user or topic.id == GENERAL:
        rights.require_admin(chat, member, "manage_topics")


def edit(
    world: World,
    me: Person,
    chat: Chat,
    number: int,
    *,
    title: str | None = None,
    icon_emoji: int | None = None,
    closed: bool | None = None,
    hidden: bool | None = None,
    origin: Origin | None = None,
) -> None:
    """Rename, re-icon, close, open again; hide the general topic. Raises TOPIC_NOT_MODIFIED and others."""
    member = _member(world, me, chat)
    topic = world.messages.topics.find(chat.id, number)
    _may_change(chat, member, topic)
    asked = {"title": title, "icon_emoji": icon_emoji, "closed": closed, "hidden": hidden}
    given = {name for name, value in asked.items() if value is not None}
    if "closed" in given and len(given) > 1:
        raise Refused("TOPIC_CLOSE_SEPARATELY")
    if "hidden" in given and len(given) > 1:
        raise Refused("TOPIC_HIDE_SEPARATELY")
    if "hidden" in given and number != GENERAL:
        raise Refused("TOPIC_ID_INVALID")
    if icon_emoji is not None and number == GENERAL:
        raise Refused("GENERAL_MODIFY_ICON_FORBIDDEN")
    changes: dict[str, object] = {} if title is None else {"title": _title(title)}
    changes |= {name: asked[name] for name in ("icon_emoji", "closed", "hidden") if name in given}
    changes = {name: value for name, value in changes.items() if getattr(topic, name) != value}
    if not changes:
        raise Refused("TOPIC_NOT_MODIFIED")
    old = Side(topic=msgspec.structs.replace(topic))
    for name, value in changes.items():
        setattr(topic, name, value)
    if "hidden" in changes:
        topic.closed = topic.hidden
    world.messages.topics.keep(topic)
    world.chats.admin_log.add(chat, me.id, "edit_topic", old, Side(topic=topic))
    values = {}
    if "icon_emoji" in changes:
        values["icon_emoji_id"] = topic.icon_emoji
    values |= {name: int(getattr(topic, name)) for name in ("closed", "hidden") if name in changes}
    action = Action("topic_edit", text=topic.title if "title" in changes else "", values=values)
    world.messages.send(me, chat, "", action=action, topic=number, origin=origin)


def pin(world: World, me: Person, chat: Chat, number: int, *, pinned: bool, origin: Origin | None = None) -> None:
    rights.require_admin(chat, _member(world, me, chat), "manage_topics")
    world.messages.topics.find(chat.id, number)
    if (number in chat.pinned_topics) is pinned:
        raise Refused("PINNED_TOPIC_NOT_MODIFIED")
    if pinned and len(chat.pinned_topics) >= PINNED_LIMIT:
        raise Refused("PINNED_TOO_MUCH")
    _order(world, me, chat, [number, *chat.pinned_topics] if pinned else _without(chat, number))
    _tell(world, chat, "topic_pinned", number, int(pinned), origin)


def reorder(
    world: World, me: Person, chat: Chat, order: list[int], *, force: bool, origin: Origin | None = None
) -> None:
    """Pin in this order; `force` unpins what is not named."""
    rights.require_admin(chat, _member(world, me, chat), "manage_topics")
    named = list(dict.fromkeys(order))
    for number in named:
        world.messages.topics.find(chat.id, number)
    kept = [] if force else [each for each in chat.pinned_topics if each not in named]
    if len(named) + len(kept) > PINNED_LIMIT:
        raise Refused("PINNED_TOO_MUCH")
    _order(world, me, chat, [*named, *kept])
    _tell(world, chat, "topics_pinned", 0, 0, origin)


def _without(chat: Chat, number: int) -> list[int]:
    return [each for each in chat.pinned_topics if each != number]


def _order(world: World, me: Person, chat: Chat, order: list[int]) -> None:
    topics = world.messages.topics
    came = [each for each in order if each not in chat.pinned_topics]
    went = [each for each in chat.pinned_topics if each not in order]
    chat.pinned_topics = order
    world.chats.keep(chat)
    for number in (*came, *went):
        topic = topics.get(chat.id, number)
        sides = Side(topic=None if number in came else topic), Side(topic=topic if number in came else None)
        world.chats.admin_log.add(chat, me.id, "pin_topic", *sides)


def _tell(world: World, chat: Chat, kind: EntryKind, topic: int, flag: int, origin: Origin | None) -> None:
    for member in world.chats.present(chat):
        if world.is_reachable(member.user):
            world.messages.tell(member.user, kind, chat=chat.id, max_id=topic, unread=flag, origin=origin)


def ids_in(world: World, chat: Chat, number: int, member: Member | None = None) -> list[int]:
    """The numbers of a topic's messages, ascending, its first one included; for a member those that still show."""
    messages = world.messages
    topic = messages.topics.get(chat.id, number)
    shown = ids_of(world, chat, member)
    if topic is None or not shown:
        return []
    if number == GENERAL:
        box = messages.box(chat.id)
        return [each for each in shown if messages.topics.of_message(box.messages[each]) == GENERAL]
    first = [number] if number in messages.box(chat.id).messages else []
    found = [*first, *messages.threads.answers(topic.root)]
    return found[bisect.bisect_left(found, shown[0]) :]


def delete_history(
    world: World, me: Person, chat: Chat, number: int, limit: int, origin: Origin | None = None
) -> tuple[int, int, int]:
    """Empty a topic in parts, and with the last one it is gone. Returns (pts, pts_count, how many are left)."""
    member = _member(world, me, chat)
    topic = world.messages.topics.find(chat.id, number)
    box = world.messages.box(chat.id)
    ids = ids_in(world, chat, number)
    own = topic.creator == me.id and all(box.messages[each].sender == me.id for each in ids)
    if number == GENERAL:
        raise Refused("TOPIC_ID_INVALID")
    if not own:
        rights.require_admin(chat, member, "delete_messages")
    part = ids[-limit:]
    pts, count = world.messages.wipe(chat, part, origin=origin)
    if len(part) == len(ids):
        world.chats.admin_log.add(chat, me.id, "delete_topic", after=Side(topic=topic))
        topic.deleted = True
        world.messages.topics.keep(topic)
        if number in chat.pinned_topics:
            chat.pinned_topics = _without(chat, number)
            world.chats.keep(chat)
    return pts, count, len(ids) - len(part)


def read(world: World, me: Person, chat: Chat, number: int, max_id: int, origin: Origin | None = None) -> bool:
    """Mark a topic as read up to `max_id`; its authors are told. Returns whether anything changed."""
    world.messages.topics.find(chat.id, number)
    member = world.chats.member(chat, me.id)
    ids = ids_in(world, chat, number)
    if member is None or not member.inside or not ids:
        return False
    top = min(max_id, ids[-1]) if max_id > 0 else ids[-1]
    before = read_up_to(member, number)
    if top <= before:
        return False
    member.topics[number] = top
    world.chats.keep_member(member)
    world.messages.tell(me.id, "topic_read_inbox", chat=chat.id, max_id=top, unread=number, origin=origin)
    newly = ids[bisect.bisect_right(ids, before) : bisect.bisect_right(ids, top)]
    tell_topic_authors(world, chat, me, number, newly, origin)
    return True


def unread_in(world: World, chat: Chat, member: Member, number: int) -> int:
    """How many messages of others in a topic are newer than what was read."""
    box = world.messages.box(chat.id)
    ids = ids_in(world, chat, number, member)
    start = bisect.bisect_right(ids, read_up_to(member, number))
    return sum(1 for each in ids[start:] if box.messages[each].sender != member.user)
