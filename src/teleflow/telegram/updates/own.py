"""What a request of our own moved: its answer as the updates that other devices are sent.

Telegram tells a session the effect of its own requests in their answers only, and often in a short form: numbers
without the update, a message without its text. The rest is in the request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT
from teleflow.telegram.updates.numbered import Moved, shown_in

_WHOLE = (tl.Updates, tl.UpdatesCombined, tl.UpdateShort, tl.UpdatesTooLong)
_SHORT = (tl.UpdateShortMessage, tl.UpdateShortChatMessage)
_AFFECTED = (tl.messages.AffectedMessages, tl.messages.AffectedHistory)
_WRAPPING = (tl.messages.InvitedUsers, tl.messages.ChatInviteJoinResultOk, tl.payments.PaymentResult)
TELLING = (*_WHOLE, *_SHORT, *_AFFECTED, *_WRAPPING, tl.UpdateShortSentMessage)


def whole(updates: Any, me: int) -> Any:
    """Short forms of pushes, made whole. https://core.telegram.org/constructor/updateShortMessage"""
    if not isinstance(updates, _SHORT):
        return updates
    if isinstance(updates, tl.UpdateShortMessage):
        peer: Any = tl.PeerUser(updates.user_id)
        sender = me if updates.out else updates.user_id
    else:
        peer, sender = tl.PeerChat(updates.chat_id), updates.from_id
    message = tl.Message(
        id=updates.id,
        peer_id=peer,
        from_id=tl.PeerUser(sender),
        date=updates.date,
        message=updates.message,
        out=updates.out,
        mentioned=updates.mentioned,
        media_unread=updates.media_unread,
        silent=updates.silent,
        fwd_from=updates.fwd_from,
        via_bot_id=updates.via_bot_id,
        reply_to=updates.reply_to,
        entities=updates.entities,
        ttl_period=updates.ttl_period,
    )
    return tl.UpdateShort(tl.UpdateNewMessage(message, updates.pts, updates.pts_count), updates.date)


def unwrapped(answer: Any) -> Any:
    """The updates in an answer that has more to say than these."""
    return answer.updates if isinstance(answer, _WRAPPING) else answer


def messages_of(waiting: Iterable[tuple[Any, str, float]], me: int) -> frozenset[tuple[int, int]]:
    """(box, number) of the messages in answers that still wait for their turn."""
    answers = [
        effect(item[0], item[1], me) for item, origin, _ in waiting if origin == "api" and isinstance(item, tuple)
    ]
    return frozenset(place for answer in answers for update in _updates(answer) for place in shown_in(update))


def _updates(answer: Any) -> list[Any]:
    found = [answer.update] if isinstance(answer, tl.UpdateShort) else getattr(answer, "updates", ())
    return found if isinstance(found, list) else []


def lacks(request: Any, answer: Any) -> int | None:
    """The box of a message that an answer numbers and does not show; None where there is none."""
    updates = _updates(answer)
    numbered = {one.id for one in updates if isinstance(one, tl.UpdateMessageID)}
    shown = {getattr(getattr(one, "message", None), "id", None) for one in updates}
    if numbered <= shown:
        return None
    peer = getattr(request, "to_peer", None) or getattr(request, "peer", None)
    return int(getattr(peer, "channel_id", ACCOUNT))


def effect(request: Any, answer: Any, me: int) -> Any:
    """The updates that an answer stands for; None where it moved nothing."""
    answer = unwrapped(answer)
    if isinstance(answer, _WHOLE + _SHORT):
        return whole(answer, me)
    if isinstance(answer, tl.UpdateShortSentMessage):
        return _sent(request, answer, me)
    if isinstance(answer, _AFFECTED):
        return tl.UpdateShort(_affected(request, answer, me), None)
    if answer is True and isinstance(request, f.channels.ReadHistoryRequest):
        channel_id = getattr(request.channel, "channel_id", None)
        if channel_id is not None:
            return tl.UpdateShort(tl.UpdateReadChannelInbox(channel_id, request.max_id, 0, 0), None)
    return None


def _sent(request: Any, answer: Any, me: int) -> Any:
    peer = _peer(getattr(request, "peer", None), me)
    if peer is None:  # in a chat that we can't name: a difference shows it
        return tl.UpdatesTooLong()
    reply = getattr(request, "reply_to", None)
    message = tl.Message(
        id=answer.id,
        peer_id=peer,
        from_id=tl.PeerUser(me),
        date=answer.date,
        message=(getattr(request, "message", "") or "").strip(),
        out=True,
        silent=getattr(request, "silent", None),
        media=answer.media,
        entities=answer.entities,
        ttl_period=answer.ttl_period,
        reply_to=tl.MessageReplyHeader(reply_to_msg_id=reply.reply_to_msg_id)
        if isinstance(reply, tl.InputReplyToMessage)
        else None,
    )
    return tl.UpdateShort(tl.UpdateNewMessage(message, answer.pts, answer.pts_count), answer.date)


def _affected(request: Any, answer: Any, me: int) -> Any:
    pts, count = answer.pts, answer.pts_count
    match request:
        case f.messages.DeleteMessagesRequest():
            return tl.UpdateDeleteMessages(list(request.id), pts, count)
        case f.channels.DeleteMessagesRequest():
            channel_id = getattr(request.channel, "channel_id", 0)
            return tl.UpdateDeleteChannelMessages(channel_id, list(request.id), pts, count)
        case f.messages.ReadMessageContentsRequest():
            return tl.UpdateReadMessagesContents(list(request.id), pts, count)
        case f.messages.ReadHistoryRequest():
            peer = _peer(request.peer, me)
            if isinstance(peer, tl.PeerUser | tl.PeerChat):
                return tl.UpdateReadHistoryInbox(peer, request.max_id, 0, pts, count)
    named = getattr(request, "channel", None) or getattr(request, "peer", None)
    return Moved(pts, count, getattr(named, "channel_id", 0))


def _peer(peer: Any, me: int) -> Any:
    match peer:
        case tl.InputPeerSelf():
            return tl.PeerUser(me)
        case tl.InputPeerUser() | tl.InputPeerUserFromMessage():
            return tl.PeerUser(peer.user_id)
        case tl.InputPeerChat():
            return tl.PeerChat(peer.chat_id)
        case tl.InputPeerChannel() | tl.InputPeerChannelFromMessage():
            return tl.PeerChannel(peer.channel_id)
    return None
