"""Peers: from TL to what a session knows of them, and back to what requests carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types as tl

from teleflow.model.peers import Known, Peer, PeerKind, marked_id
from teleflow.telegram.convert.users import display_name


def known_from(users: Iterable[Any] = (), chats: Iterable[Any] = ()) -> tuple[Known, ...]:
    """Whom these objects let the session address.

    `min` objects are left out: their access hash, if they have one, is good for little.
    https://core.telegram.org/api/min
    """
    found: dict[int, Known] = {}
    successors: list[Known] = []
    for user in users:
        if isinstance(user, tl.User) and not user.min and user.access_hash is not None:
            phone = f"+{user.phone.removeprefix('+')}" if user.phone else None
            found[user.id] = Known(
                user.id, user.access_hash, phone, username_of(user), display_name(user), is_self=bool(user.is_self)
            )
    for chat in chats:
        match chat:
            case tl.Chat() | tl.ChatForbidden():
                moved = getattr(chat, "migrated_to", None)
                successor = None
                if isinstance(moved, tl.InputChannel):
                    successor = marked_id(PeerKind.CHANNEL, moved.channel_id)
                    successors.append(Known(successor, moved.access_hash))
                found[-chat.id] = Known(-chat.id, 0, name=chat.title, migrated_to=successor)
            case tl.Channel() if not chat.min and chat.access_hash is not None:
                id_ = marked_id(PeerKind.CHANNEL, chat.id)
                found[id_] = Known(id_, chat.access_hash, username=username_of(chat), name=chat.title)
            case tl.ChannelForbidden():
                id_ = marked_id(PeerKind.CHANNEL, chat.id)
                found[id_] = Known(id_, chat.access_hash, name=chat.title)
    for successor_known in successors:
        found.setdefault(successor_known.peer_id, successor_known)
    return tuple(found.values())


def username_of(entity: Any) -> str | None:
    """The one that is shown: of several, the first active one."""
    if entity.username:
        return str(entity.username)
    for other in getattr(entity, "usernames", None) or ():
        if other.active:
            return str(other.username)
    return None


def marked(peer: Any) -> int:
    """The marked id of a TL peer (peerUser, peerChat, peerChannel)."""
    kind = type(peer)  # lists have hundreds of them
    if kind is tl.PeerUser:
        return int(peer.user_id)
    if kind is tl.PeerChat:
        return -int(peer.chat_id)
    return marked_id(PeerKind.CHANNEL, peer.channel_id)


def input_peer(peer: Peer) -> Any:
    if peer.is_self:
        return tl.InputPeerSelf()
    match peer.kind:
        case PeerKind.USER:
            return tl.InputPeerUser(peer.id, peer.access_hash)
        case PeerKind.CHAT:
            return tl.InputPeerChat(peer.id)
        case PeerKind.CHANNEL:
            return tl.InputPeerChannel(peer.id, peer.access_hash)


def input_channel(peer: Peer) -> Any:
    return tl.InputChannel(peer.id, peer.access_hash)


def input_user(peer: Peer) -> Any:
    return tl.InputUserSelf() if peer.is_self else tl.InputUser(peer.id, peer.access_hash)
