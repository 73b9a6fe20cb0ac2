"""Reactions to messages and what of them, and of mentions, has been seen; pins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from teleflow.sandbox.world import rights
from teleflow.sandbox.world.admin_log import Side
from teleflow.sandbox.world.annexes import Reaction
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.marks import annex_of
from teleflow.sandbox.world.records import Action, EntryKind, Message, Origin, Person
from teleflow.sandbox.world.world import World

# each is one character
EMOJIS = tuple("👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳💯🤣⚡🏆💔🤨😐🍓👀😴😭🤝👻😇😨🫡🎅🎄🤗🆒💘😎")
# how many different ones a message can have
DIFFERENT = 11


def found(world: World, me: Person, target: Person | Chat, number: int) -> Message:
    """A message of a chat by the number that somebody sees. Raises MESSAGE_ID_INVALID."""
    message = world.messages.place(me.id, target.id).messages.get(number)
    if message is None or message.peer_for(me.id) != target.id:
        raise Refused("MESSAGE_ID_INVALID")
    return message


def react(
    world: World,
    me: Person,
    target: Person | Chat,
    number: int,
    emoji: str,
    *,
    big: bool = False,
    origin: Origin | None = None,
) -> None:
    """React, or with an empty `emoji` take it back. Everybody in the chat who is there is told."""
    message = found(world, me, target, number)
    if message.action is not None:
        raise Refused("MESSAGE_ID_INVALID")
    plain = emoji.replace("\ufe0f", "")
    if plain and plain not in EMOJIS:
        raise Refused("REACTION_INVALID")
    if isinstance(target, Chat):
        _may_react(world, target, me)
    annex = annex_of(message)
    before = annex.reactions.get(me.id)
    if (before.emoji if before is not None else "") == plain:
        raise Refused("MESSAGE_NOT_MODIFIED")
    kinds = {each.emoji for each in annex.reactions.values()}
    if plain and plain not in kinds and len(kinds) >= DIFFERENT:
        raise Refused("REACTIONS_TOO_MANY")
    annex.reactions.pop(me.id, None)
    annex.fresh.discard(me.id)
    if plain:
        annex.reactions[me.id] = Reaction(plain, int(world.clock.time()), big)
        if message.sender != me.id and not message.post and not _cleared(world, target, message):
            annex.fresh.add(me.id)
    world.messages.marks.file(message)
    world.messages.keep_message(message)
    tell(world, message, "reactions", me, origin)


def _cleared(world: World, target: Person | Chat, message: Message) -> bool:
    """Whether the author has cleared the history: what does not show does not wait to be seen."""
    member = world.chats.member(target, message.sender) if isinstance(target, Chat) and target.channel else None
    return member is not None and message.sides[target.id][0] <= member.hidden_up_to


def _may_react(world: World, chat: Chat, me: Person) -> None:
    member = world.chats.member(chat, me.id)
    if member is None or not member.inside:
        raise Refused("CHANNEL_PRIVATE") if chat.channel else Refused("CHAT_WRITE_FORBIDDEN", 403)
    if rights.is_admin(chat, member):
        return
    banned = rights.whole(rights.restrictions(member, world.clock.time())) | rights.whole(chat.banned)
    if chat.kind != "broadcast" and "send_reactions" in banned:
        raise Refused("CHAT_WRITE_FORBIDDEN", 403)


def tell(world: World, message: Message, kind: EntryKind, me: Person, origin: Origin | None) -> None:
    """An update about a message, without pts, to everybody who has it and is there."""
    chat = world.chats.by_id.get(message.to) if message.to < 0 else None
    if chat is not None and chat.channel:
        number = message.sides[chat.id][0]
        for member in world.chats.present(chat):
            if member.user == me.id or world.is_reachable(member.user):
                world.messages.tell(member.user, kind, chat=chat.id, max_id=number, origin=origin)
        return
    for owner, (number, _) in list(message.sides.items()):
        if owner == me.id or world.is_reachable(owner):
            world.messages.tell(owner, kind, peer=message.peer_for(owner), max_id=number, origin=origin)


def seen(
    world: World, me: Person, target: Person | Chat, numbers: Iterable[int], origin: Origin | None = None
) -> tuple[int, int]:
    """Mentions of me and reactions to my messages have been seen. Returns (pts, pts_count) of the box."""
    messages = world.messages
    box = messages.place(me.id, target.id)
    changed = []
    for number in sorted(set(numbers)):
        message = box.messages.get(number)
        if message is None or message.peer_for(me.id) != target.id:
            continue
        listened = _listened(message, me)
        annex = message.annex
        if annex is None:
            continue
        if listened:
            _tell_author(world, message, origin)
        unseen = annex.mentions.get(me.id, False)
        if unseen:
            annex.mentions[me.id] = False
        if message.sender == me.id and annex.fresh:
            annex.fresh.clear()
            unseen = True
        if unseen or listened:
            messages.marks.file(message)
            messages.keep_message(message)
            changed.append(number)
    if not changed:
        return box.pts, 0
    if box.owner < 0:
        for number in changed:
            messages.tell(me.id, "contents", chat=target.id, max_id=number, origin=origin)
        return box.pts, 0
    box.state.pts += len(changed)
    messages.emit(messages.log(box, "contents", ids=changed, count=len(changed), peer=target.id), origin)
    return box.pts, len(changed)


def _listened(message: Message, me: Person) -> bool:
    """Whether this is the first time that somebody listens to another's voice message."""
    if message.media is None or not message.media.heard or message.sender == me.id:
        return False
    annex = annex_of(message)
    if me.id in annex.heard:
        return False
    annex.heard.add(me.id)
    return True


def _tell_author(world: World, message: Message, origin: Origin | None) -> None:
    """The author learns of the first one who listened; in a channel's box it is news without pts."""
    heard = message.annex.heard if message.annex is not None else set()
    if len(heard) > 1:
        return
    messages, author = world.messages, message.sender
    if message.to < 0 and message.to in message.sides:
        if world.is_reachable(author):
            messages.tell(author, "contents", chat=message.to, max_id=message.sides[message.to][0], origin=origin)
    elif author in message.sides:
        box = messages.box(author)
        box.state.pts += 1
        number = message.sides[author][0]
        messages.emit(messages.log(box, "contents", ids=[number], count=1, peer=message.peer_for(author)), origin)


def require_pin(world: World, me: Person, target: Person | Chat) -> None:
    """Raises CHAT_ADMIN_REQUIRED."""
    if isinstance(target, Chat):
        member = world.chats.member(target, me.id)
        if target.kind == "broadcast":
            rights.require_admin(target, member, "edit_messages")
        else:
            rights.require(target, member, "pin_messages", world.clock.time())


def pin(
    world: World,
    me: Person,
    target: Person | Chat,
    number: int,
    *,
    pinned: bool = True,
    one_side: bool = False,
    silent: bool = False,
    origin: Origin | None = None,
) -> None:
    """Pin or unpin one message. A pin that others see is told by a service message; no change, nothing told."""
    require_pin(world, me, target)
    message = found(world, me, target, number)
    if message.action is not None:
        raise Refused("MESSAGE_ID_INVALID")
    alone = one_side and isinstance(target, Person) and target is not me
    if not _set_pinned(world, [message], me.id if alone else 0, pinned=pinned, origin=origin):
        return
    if isinstance(target, Chat):
        world.chats.admin_log.add(target, me.id, "update_pinned", Side(number=int(pinned)), Side(message=message))
    if pinned and not alone:
        action = Action("pin_message")
        world.messages.send(me, target, "", reply_to=number, silent=silent, action=action, origin=origin)


def unpin_all(
    world: World, me: Person, target: Person | Chat, origin: Origin | None = None, *, topic: int = 0
) -> tuple[int, int]:
    """In a forum of one topic only, if it is named. Returns (pts, pts_count) of the box."""
    require_pin(world, me, target)
    messages = world.messages
    box = messages.place(me.id, target.id)
    found_pins = [box.messages[each] for each in messages.marks.pinned(box.owner, target.id)]
    if topic and isinstance(target, Chat) and target.forum:
        found_pins = [each for each in found_pins if messages.topics.of_message(each) == topic]
    _set_pinned(world, found_pins, 0, pinned=False, origin=origin)
    return box.pts, len(found_pins)


def _set_pinned(
    world: World, changed: Sequence[Message], only: int, *, pinned: bool, origin: Origin | None
) -> list[Message]:
    """On every side, or on one. Returns what has changed anywhere."""
    messages = world.messages
    by_owner: dict[int, list[Message]] = {}
    moved = []
    for message in changed:
        annex = annex_of(message)
        owners = [each for each in message.sides if only in (0, each) and (each in annex.pinned) is not pinned]
        for owner in owners:
            (annex.pinned.add if pinned else annex.pinned.discard)(owner)
            by_owner.setdefault(owner, []).append(message)
        if owners:
            moved.append(message)
            messages.marks.file(message)
            messages.keep_message(message)
    entries = []
    for owner, theirs in by_owner.items():
        box = messages.box(owner)
        box.state.pts += len(theirs)
        ids = sorted(message.sides[owner][0] for message in theirs)
        peer = theirs[0].peer_for(owner)
        kind: EntryKind = "pinned" if pinned else "unpinned"
        entries.append(messages.log(box, kind, ids=ids, count=len(ids), peer=peer))
    for entry in entries:
        messages.emit(entry, origin)
    return moved
