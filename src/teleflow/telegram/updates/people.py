"""What updates tell of people: presence, typing, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from telethon.tl import types as tl

from teleflow.model.events import EventType
from teleflow.model.peers import PeerKind, marked_id
from teleflow.telegram.convert.peers import marked, username_of
from teleflow.telegram.convert.plain import kind_of

_T = EventType
_PRESENCE = {tl.UserStatusOnline: "online", tl.UserStatusOffline: "offline"}


class One(Protocol):
    """The update that is being told."""

    at: int

    def add(self, type_: EventType, key: tuple[object, ...], data: Mapping[str, Any], chat_id: int | None) -> None: ...

    def seen(self, id_: int) -> Any: ...

    def is_due(self, user_id: int) -> bool: ...


def status(one: One, update: Any) -> None:
    if not one.is_due(update.user_id):
        return
    presence = _PRESENCE.get(type(update.status), "recently")
    data: dict[str, Any] = {"userId": str(update.user_id), "status": presence}
    seen = getattr(update.status, "was_online", None)
    if seen is not None:
        data["lastSeen"] = int(seen.timestamp())
    one.add(_T.USER_STATUS_CHANGED, (update.user_id, presence, one.at // 1000), data, None)


def typing(one: One, update: Any) -> None:
    if isinstance(update, tl.UpdateUserTyping):
        chat_id = user_id = update.user_id
    else:
        in_chat = isinstance(update, tl.UpdateChatUserTyping)
        chat_id = -update.chat_id if in_chat else marked_id(PeerKind.CHANNEL, update.channel_id)
        user_id = marked(update.from_id)
    action = kind_of(update.action, "SendMessage").removesuffix("_action")
    data = {"userId": str(user_id), "chatId": str(chat_id), "action": action}
    one.add(_T.USER_TYPING, (chat_id, user_id, action, one.at // 1000), data, chat_id)


def name(one: One, update: Any) -> None:
    usernames = [each.username for each in update.usernames or () if each.active]
    data = {
        "userId": str(update.user_id),
        "firstName": update.first_name,
        "lastName": update.last_name or None,
        "username": usernames[0] if usernames else None,
    }
    key = (update.user_id, update.first_name, update.last_name, *usernames, one.at // 1000)
    one.add(_T.USER_PROFILE_UPDATED, key, data, None)
    title = " ".join(part for part in (update.first_name, update.last_name) if part)
    told = {"chatId": str(update.user_id), "chatType": "user", "title": title, "username": data["username"]}
    one.add(_T.CHAT_UPDATED, key, told, update.user_id)


def changed(one: One, update: Any) -> None:
    """Something of the user is different; the user beside the update says what it is now."""
    user = one.seen(update.user_id)
    if not isinstance(user, tl.User) or user.min:
        return
    data = {
        "userId": str(user.id),
        "firstName": user.first_name,
        "lastName": user.last_name or None,
        "username": username_of(user),
    }
    key = (user.id, user.first_name, user.last_name, data["username"], one.at // 1000)
    one.add(_T.USER_PROFILE_UPDATED, key, data, None)
    title = " ".join(part for part in (user.first_name, user.last_name) if part)
    told = {"chatId": str(user.id), "chatType": "user", "title": title, "username": data["username"]}
    one.add(_T.CHAT_UPDATED, key, told, user.id)


def phone(one: One, update: Any) -> None:
    user = one.seen(update.user_id)
    data = {
        "userId": str(update.user_id),
        "firstName": getattr(user, "first_name", None),
        "lastName": getattr(user, "last_name", None),
        "username": getattr(user, "username", None),
        "phone": f"+{update.phone.removeprefix('+')}" if update.phone else None,
    }
    one.add(_T.USER_PROFILE_UPDATED, (update.user_id, update.phone, one.at // 1000), data, None)


TELLING: dict[type, Callable[[Any, Any], None]] = {
    tl.UpdateUserStatus: status,
    tl.UpdateUserTyping: typing,
    tl.UpdateChatUserTyping: typing,
    tl.UpdateChannelUserTyping: typing,
    tl.UpdateUserName: name,
    tl.UpdateUser: changed,
    tl.UpdateUserPhone: phone,
}
