"""The account's own folders: from TL to the model and back, pure. https://core.telegram.org/api/folders"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types as tl

from teleflow.model.chats import ChatFolder, FolderKind
from teleflow.model.peers import PeerKind, marked_id

_KINDS = (
    ("contacts", "contacts"),
    ("non_contacts", "nonContacts"),
    ("groups", "groups"),
    ("broadcasts", "channels"),
    ("bots", "bots"),
)
_WITHOUT = (("exclude_muted", "muted"), ("exclude_read", "read"), ("exclude_archived", "archived"))


def folder_from(found: Any, me: int) -> ChatFolder:
    """From a TL `dialogFilter`, `dialogFilterChatlist` or `dialogFilterDefault`."""
    if isinstance(found, tl.DialogFilterDefault):
        return ChatFolder(0, FolderKind.ALL)
    shared = isinstance(found, tl.DialogFilterChatlist)
    return ChatFolder(
        found.id,
        FolderKind.SHARED if shared else FolderKind.CUSTOM,
        found.title.text,
        found.emoticon or None,
        found.color,
        kinds=() if shared else tuple(name for flag, name in _KINDS if getattr(found, flag)),
        without=() if shared else tuple(name for flag, name in _WITHOUT if getattr(found, flag)),
        pinned=_ids(found.pinned_peers, me),
        included=_ids(found.include_peers, me),
        excluded=() if shared else _ids(found.exclude_peers, me),
    )


def filter_of(folder: ChatFolder, *, pinned: list[Any], included: list[Any], excluded: list[Any]) -> Any:
    """The TL `dialogFilter` of a folder of the account's own; its chats as InputPeers."""
    kinds = {flag: True for flag, name in _KINDS if name in folder.kinds}
    without = {flag: True for flag, name in _WITHOUT if name in folder.without}
    return tl.DialogFilter(
        folder.id,
        tl.TextWithEntities(folder.title, []),
        pinned,
        included,
        excluded,
        emoticon=folder.emoticon,
        color=folder.color,
        **kinds,
        **without,
    )


def _ids(peers: Iterable[Any], me: int) -> tuple[int, ...]:
    """Marked ids of InputPeers. One that names nobody is left out."""
    return tuple(id_ for id_ in (_id(peer, me) for peer in peers) if id_)


def _id(peer: Any, me: int) -> int:
    match peer:
        case tl.InputPeerSelf():
            return me
        case tl.InputPeerUser() | tl.InputPeerUserFromMessage():
            return int(peer.user_id)
        case tl.InputPeerChat():
            return -int(peer.chat_id)
        case tl.InputPeerChannel() | tl.InputPeerChannelFromMessage():
            return marked_id(PeerKind.CHANNEL, peer.channel_id)
    return 0
