"""What a message carries beside its text, and what changes of it, in TL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.poll_view import poll_of, results_of
from teleflow.sandbox.world.annexes import Annex, Forward, Reaction
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import bare
from teleflow.sandbox.world.records import Entry, Message
from teleflow.sandbox.world.world import World

RECENT = 3
KINDS = frozenset(("reactions", "pinned", "unpinned", "contents", "folder", "poll"))


def annexed(annex: Annex, message: Message, box: Box, viewer: int) -> dict[str, Any]:
    """The fields of `message` that come from its annex, as `viewer` sees them."""
    unseen = annex.mentions.get(viewer)
    return {
        "fwd_from": forwarded(annex.forward) if annex.forward is not None else None,
        "forwards": annex.forwards if message.post else None,
        "views": len(annex.viewers) + 1 if message.post else None,
        "pinned": box.owner in annex.pinned or None,
        "mentioned": unseen is not None or None,
        "media_unread": unseen or None,
        "noforwards": annex.no_forwards or None,
        "from_scheduled": (annex.scheduled and viewer == message.sender) or None,
        "reactions": reactions(annex, message, viewer) if annex.reactions else None,
    }


def unheard(message: Message, viewer: int) -> bool:
    """Whether a voice message waits for its listener: for its author, that nobody has listened yet."""
    heard = message.annex.heard if message.annex is not None else set()
    return not heard if viewer == message.sender else viewer not in heard


def forwarded(known: Forward) -> Any:
    return types.MessageFwdHeader(
        date=known.date,
        from_id=peer_of(known.from_id) if known.from_id else None,
        from_name=known.from_name or None,
        channel_post=known.post or None,
        post_author=known.author or None,
        saved_from_peer=peer_of(known.saved_peer) if known.saved_peer else None,
        saved_from_msg_id=known.saved_id or None,
    )


def reactor(person: int, reaction: Reaction, annex: Annex, message: Message, viewer: int) -> Any:
    """Who reacted how, `messagePeerReaction`."""
    return types.MessagePeerReaction(
        peer_id=peer_of(person),
        date=reaction.date,
        reaction=types.ReactionEmoji(reaction.emoji),
        big=reaction.big or None,
        unread=(person in annex.fresh and message.sender == viewer) or None,
        my=person == viewer or None,
    )


def reactions(annex: Annex, message: Message, viewer: int) -> Any:
    """Counted, the most frequent first; who reacted is told where the chat is not a broadcast."""
    counts: dict[str, int] = {}
    for reaction in annex.reactions.values():
        counts[reaction.emoji] = counts.get(reaction.emoji, 0) + 1
    mine = annex.reactions.get(viewer)
    results = [
        types.ReactionCount(
            types.ReactionEmoji(emoji), count, chosen_order=0 if mine is not None and mine.emoji == emoji else None
        )
        for emoji, count in sorted(counts.items(), key=lambda each: -each[1])
    ]
    recent = [
        reactor(person, reaction, annex, message, viewer)
        for person, reaction in list(annex.reactions.items())[: -RECENT - 1 : -1]
    ]
    listed = not message.post
    return types.MessageReactions(
        results, can_see_list=listed or None, recent_reactions=(recent or None) if listed else None
    )


def place_of(world: World, entry: Entry) -> tuple[Box, int]:
    """Where the message of an entry without pts is, and its chat."""
    peer = entry.chat or entry.peer
    return world.messages.place(entry.owner, peer), peer


def message_update(world: World, entry: Entry, numbers: Sequence[int]) -> Any | None:
    """The update that an entry of KINDS stands for."""
    kind = entry.kind
    if kind in {"pinned", "unpinned"}:
        pinned = kind == "pinned" or None
        if entry.owner < 0:
            return types.UpdatePinnedChannelMessages(
                bare(entry.owner), list(numbers), entry.pts, entry.count, pinned=pinned
            )
        return types.UpdatePinnedMessages(peer_of(entry.peer), list(numbers), entry.pts, entry.count, pinned=pinned)
    if kind == "folder":
        moved = [types.FolderPeer(peer_of(entry.peer), entry.max_id)]
        return types.UpdateFolderPeers(moved, entry.pts, entry.count)
    if kind == "contents":
        if entry.chat:
            return types.UpdateChannelReadMessagesContents(bare(entry.chat), [entry.max_id])
        return types.UpdateReadMessagesContents(list(numbers), entry.pts, entry.count, date=entry.date)
    box, peer = place_of(world, entry)
    message = box.messages.get(entry.max_id)
    if message is not None and kind == "poll":
        return _poll_update(world, entry, message)
    if message is None or message.annex is None:
        return None
    told = reactions(message.annex, message, entry.owner)
    return types.UpdateMessageReactions(peer_of(peer), entry.max_id, told)


def _poll_update(world: World, entry: Entry, message: Message) -> Any | None:
    poll = world.messages.polls.of(message)
    if poll is None:
        return None
    return types.UpdateMessagePoll(
        poll.id,
        results_of(world, poll, entry.owner),
        peer=peer_of(entry.peer),
        msg_id=entry.max_id,
        poll=poll_of(world, poll, entry.owner),
    )
