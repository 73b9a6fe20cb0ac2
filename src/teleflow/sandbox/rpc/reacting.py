"""messages.* about reactions, pins, and what of a message's contents has been seen."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.gather import gathering
from teleflow.sandbox.rpc.message_updates import reactions, reactor
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.reading import PAGE, found_messages, window
from teleflow.sandbox.world import reactions as world_reactions
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.marks import annex_of
from teleflow.sandbox.world.records import Message, Person

AVAILABLE_HASH = 1


async def send_reaction(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """An empty list takes the reaction back. Only emojis, and one of them, as without a subscription."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    wanted = [each for each in request.reaction or () if not isinstance(each, types.ReactionEmpty)]
    if len(wanted) > 1:
        raise RpcError(400, "REACTIONS_TOO_MANY")
    if wanted and not isinstance(wanted[0], types.ReactionEmoji):
        raise RpcError(400, "REACTION_INVALID")
    emoji = wanted[0].emoticon if wanted else ""
    if wanted and not emoji:
        raise RpcError(400, "REACTION_EMPTY")
    with gathering(desk, caller, me) as told:
        world_reactions.react(desk.world, me, target, request.msg_id, emoji, big=bool(request.big), origin=told.origin)
    return told.updates(target.id)


def _reacted_to(desk: Desk, me: Person, peer: Any, number: int) -> tuple[Person | Chat, Message]:
    target = desk.target(me, peer)
    return target, world_reactions.found(desk.world, me, target, number)


async def get_messages_reactions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    box = desk.place(me, target)
    updates = []
    involved = {me.id, target.id}
    for number in request.id[:PAGE]:
        message = box.messages.get(number)
        if message is None or message.annex is None or message.peer_for(me.id) != target.id:
            continue
        told = reactions(message.annex, message, me.id)
        involved |= set(message.annex.reactions)
        updates.append(types.UpdateMessageReactions(peer_of(target.id), number, told))
    users, chats = desk.view.users(me, involved), desk.view.chats(me, involved)
    return types.Updates(updates=updates, users=users, chats=chats, date=desk.now(), seq=0)


async def get_message_reactions_list(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The newest first; the offset is how many were told already."""
    me = desk.me(caller)
    _target, message = _reacted_to(desk, me, request.peer, request.id)
    if message.post:
        raise RpcError(403, "BROADCAST_FORBIDDEN")
    annex = message.annex
    known = list(annex.reactions.items())[::-1] if annex is not None else []
    if isinstance(request.reaction, types.ReactionEmoji):
        wanted = request.reaction.emoticon.replace("\ufe0f", "")
        known = [each for each in known if each[1].emoji == wanted]
    offset = request.offset or "0"
    if not (offset.isascii() and offset.isdigit()):
        raise RpcError(400, "OFFSET_INVALID")
    start = int(offset)
    page = known[start : start + max(1, min(request.limit, PAGE))]
    end = start + len(page)
    involved = {person for person, _ in page}
    return types.messages.MessageReactionsList(
        count=len(known),
        reactions=[reactor(person, each, annex, message, me.id) for person, each in page] if annex is not None else [],
        chats=[],
        users=desk.view.users(me, involved),
        next_offset=str(end) if end < len(known) else None,
    )


async def get_available_reactions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What can be reacted with; without the pictures, as there are no stickers here."""
    desk.me(caller)
    if request.hash == AVAILABLE_HASH:
        return types.messages.AvailableReactionsNotModified()
    picture = types.DocumentEmpty(0)
    return types.messages.AvailableReactions(
        AVAILABLE_HASH,
        [
            types.AvailableReaction(emoji, emoji, picture, picture, picture, picture, picture)
            for emoji in world_reactions.EMOJIS
        ],
    )


async def update_pinned_message(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    with gathering(desk, caller, me) as told:
        world_reactions.pin(
            desk.world,
            me,
            target,
            request.id,
            pinned=not request.unpin,
            one_side=bool(request.pm_oneside),
            silent=bool(request.silent),
            origin=told.origin,
        )
    return told.updates(target.id)


async def unpin_all_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    pts, count = world_reactions.unpin_all(desk.world, me, target, desk.origin(caller), topic=request.top_msg_id or 0)
    return types.messages.AffectedHistory(pts, count, 0)


async def get_unread_mentions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    ids = _in_topic(desk, target, desk.world.messages.marks.mentions(me.id, target.id), request)
    return _unseen(desk, me, target, ids, request)


async def get_unread_reactions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    ids = _in_topic(desk, target, desk.world.messages.marks.reactions(me.id, target.id), request)
    return _unseen(desk, me, target, ids, request)


def _in_topic(desk: Desk, target: Person | Chat, ids: list[int], request: TLRequest) -> list[int]:
    """Those of the forum's topic that a request is about, if it is about one."""
    if not request.top_msg_id or not isinstance(target, Chat) or not target.forum:
        return ids
    box, topics = desk.world.messages.box(target.id), desk.world.messages.topics
    return [each for each in ids if topics.of_message(box.messages[each]) == request.top_msg_id]


def _unseen(desk: Desk, me: Person, target: Person | Chat, ids: list[int], request: TLRequest) -> Any:
    box = desk.place(me, target)
    return found_messages(desk, me, box, window(box, ids, request, 0), len(ids))


async def read_mentions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    ids = _in_topic(desk, target, desk.world.messages.marks.mentions(me.id, target.id), request)
    pts, count = world_reactions.seen(desk.world, me, target, ids, desk.origin(caller))
    return types.messages.AffectedHistory(pts, count, 0)


async def read_reactions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    ids = _in_topic(desk, target, desk.world.messages.marks.reactions(me.id, target.id), request)
    pts, count = world_reactions.seen(desk.world, me, target, ids, desk.origin(caller))
    return types.messages.AffectedHistory(pts, count, 0)


async def read_message_contents(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Of the account's own numbers, in whichever chats they are."""
    me = desk.me(caller)
    box = desk.box(me)
    by_peer: dict[int, list[int]] = {}
    for number in request.id[:PAGE]:
        message = box.messages.get(number)
        if message is not None:
            by_peer.setdefault(message.peer_for(me.id), []).append(number)
    total = 0
    for peer, numbers in by_peer.items():
        target = desk.world.chats.by_id.get(peer) or desk.world.people.by_id[peer]
        total += world_reactions.seen(desk.world, me, target, numbers, desk.origin(caller))[1]
    return types.messages.AffectedMessages(box.pts, total)


async def read_channel_contents(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    world_reactions.seen(desk.world, me, desk.chat(me, request.channel), request.id[:PAGE], desk.origin(caller))
    return True


async def get_messages_views(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Posts count who has looked at them, each person once."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    box = desk.place(me, target)
    found = []
    for number in request.id[:PAGE]:
        message = box.messages.get(number)
        if message is None or not message.post:
            found.append(types.MessageViews())
            continue
        annex = message.annex
        if request.increment and me.id != message.sender and (annex is None or me.id not in annex.viewers):
            annex = annex_of(message)
            annex.viewers.add(me.id)
            desk.world.messages.keep_message(message)
        shown = desk.view.message(box, number, message, me.id)
        views = 1 + (len(annex.viewers) if annex is not None else 0)
        found.append(types.MessageViews(views, annex.forwards if annex is not None else 0, shown.replies))
    involved = {me.id, target.id}
    return types.messages.MessageViews(found, desk.view.chats(me, involved), desk.view.users(me, involved))
