"""A message as one person sees it: from TL, and from the model. The two have to be equal."""

from __future__ import annotations

from typing import Any, NamedTuple

from telethon.tl import types

from proofs.model.records import CHANNELS_BELOW, Message, State


class Row(NamedTuple):
    peer: int
    sender: int
    out: bool
    text: str
    service: str = ""
    edited: bool = False
    source: int = 0
    reply: int = 0
    pinned: bool = False
    mention: bool | None = None
    """None: not mentioned. True: mentioned and not yet seen."""
    reactions: tuple[tuple[str, int], ...] = ()
    mine: str = ""


def marked(peer: Any) -> int:
    if isinstance(peer, types.PeerUser):
        return int(peer.user_id)
    return -int(peer.chat_id) if isinstance(peer, types.PeerChat) else CHANNELS_BELOW - int(peer.channel_id)


def from_tl(message: Any, me: int) -> Row:
    peer = marked(message.peer_id)
    sender = marked(message.from_id) if message.from_id is not None else peer
    if message.from_id is None and message.out and peer > 0:
        sender = me
    reply = message.reply_to.reply_to_msg_id if message.reply_to is not None else 0
    if isinstance(message, types.MessageService):
        return Row(peer, sender, bool(message.out), "", type(message.action).__name__, reply=reply)
    forward = message.fwd_from
    return Row(
        peer,
        sender,
        bool(message.out),
        message.message,
        edited=message.edit_date is not None,
        source=marked(forward.from_id) if forward is not None and forward.from_id is not None else 0,
        reply=reply,
        pinned=bool(message.pinned),
        mention=bool(message.media_unread) if message.mentioned else None,
    )._replace(**reacted(message.reactions))


def reacted(reactions: Any) -> dict[str, Any]:
    """The fields of a row that tell of reactions."""
    results = reactions.results if reactions is not None else []
    return {
        "reactions": tuple(sorted((each.reaction.emoticon, each.count) for each in results)),
        "mine": next((each.reaction.emoticon for each in results if each.chosen_order is not None), ""),
    }


def from_model(state: State, message: Message, box: int, me: int) -> Row:
    peer = message.peer(box)
    post = peer < 0 and state.chats[peer].kind == "broadcast"
    counts: dict[str, int] = {}
    for emoji in message.reactions.values():
        counts[emoji] = counts.get(emoji, 0) + 1
    return Row(
        peer,
        peer if post else message.sender,
        message.sender == me,
        message.text,
        message.service,
        message.edited,
        message.source,
        message.replies.get(box, 0),
        box in message.pinned,
        message.mentions.get(me) if not message.service else None,
        tuple(sorted(counts.items())),
        message.reactions.get(me, ""),
    )


def unlike(row: Row, wanted: Row) -> str:
    """In what two rows differ; empty when they are equal."""
    if row == wanted:
        return ""
    pairs = zip(Row._fields, row, wanted, strict=True)
    return ", ".join(f"{name} {one!r}, in the model {other!r}" for name, one, other in pairs if one != other)
