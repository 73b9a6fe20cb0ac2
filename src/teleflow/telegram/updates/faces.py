"""Chats as a session last saw them: what changes are told from."""

from __future__ import annotations

from typing import Any

from telethon.tl import types as tl

from teleflow.model.chats import ChatType
from teleflow.model.peers import PeerKind, marked_id
from teleflow.model.updates import Face
from teleflow.telegram.convert.peers import username_of


def face_of(chat: Any) -> Face | None:
    """None for a user, and for what says too little (`min`)."""
    match chat:
        case tl.Channel() if not chat.min:
            return Face(
                marked_id(PeerKind.CHANNEL, chat.id),
                ChatType.CHANNEL if chat.broadcast and not chat.megagroup else ChatType.SUPERGROUP,
                chat.title,
                username_of(chat),
                _photo(chat.photo),
                left=bool(chat.left),
                admin=bool(chat.creator) or chat.admin_rights is not None,
            )
        case tl.ChannelForbidden():
            kind = ChatType.CHANNEL if chat.broadcast and not chat.megagroup else ChatType.SUPERGROUP
            return Face(marked_id(PeerKind.CHANNEL, chat.id), kind, chat.title, left=True, forbidden=True)
        case tl.Chat():
            left = bool(chat.left or chat.deactivated)
            admin = bool(chat.creator) or chat.admin_rights is not None
            return Face(-chat.id, ChatType.GROUP, chat.title, None, _photo(chat.photo), left=left, admin=admin)
        case tl.ChatForbidden():
            return Face(-chat.id, ChatType.GROUP, chat.title, left=True, forbidden=True)
    return None


def _photo(photo: Any) -> int | None:
    return getattr(photo, "photo_id", None)
