"""What updates tell of groups and channels: members, titles, rights, coming and going."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from telethon.tl import types as tl

from teleflow.model.chats import ChatType
from teleflow.model.events import EventType
from teleflow.model.peers import PeerKind, marked_id
from teleflow.model.updates import Face
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.updates import happenings
from teleflow.telegram.updates.faces import face_of

_BIG = frozenset({ChatType.SUPERGROUP, ChatType.CHANNEL})


class One(Protocol):
    """The update that is being told."""

    at: int
    faces: list[Face]

    @property
    def me(self) -> int: ...

    @property
    def origin(self) -> Literal["api", "device"]: ...

    def add(self, type_: EventType, key: tuple[object, ...], data: Mapping[str, Any], chat_id: int | None) -> None: ...

    def of_chat(
        self, suffix: str, key: tuple[object, ...], data: dict[str, Any], chat_id: int, kind: ChatType
    ) -> None: ...

    def kind(self, chat_id: int) -> ChatType: ...

    def seen(self, id_: int) -> Any: ...

    def known_face(self, chat_id: int) -> Face | None: ...

    def turn(self, thing: object, state: str) -> int: ...


def service(one: One, message: Any, chat_id: int) -> None:
    look(one, chat_id, first=False)
    kind = ChatType.CHANNEL if message.post else one.kind(chat_id)
    actor = marked(message.from_id) if message.from_id is not None else None
    for suffix, data, part in happenings.of(message.action, actor):
        if suffix == "member_left" and part == one.me and kind is ChatType.SUPERGROUP:
            continue  # told by its face
        told: dict[str, Any] = {"chatId": str(chat_id), "chatType": kind.value, **data, "messageId": message.id}
        if actor is not None:
            told["actorId"] = str(actor)
        if message.out:
            told["origin"] = one.origin
        one.of_chat(suffix, (chat_id, message.id, part), told, chat_id, kind)
        if suffix == "member_left" and part == one.me and kind is ChatType.GROUP:
            _out_of_group(one, chat_id, message)


def _out_of_group(one: One, chat_id: int, message: Any) -> None:
    """The account is out of a basic group, whether or not the group beside the message shows it yet."""
    before = one.known_face(chat_id)
    if (before is not None and before.left) or any(face.chat_id == chat_id and face.left for face in one.faces):
        return
    told: dict[str, Any] = {"chatId": str(chat_id), "chatType": ChatType.GROUP.value, "forbidden": not message.out}
    if message.out:
        told["origin"] = one.origin
    if before is not None:
        told["title"] = before.title
        one.faces.append(replace(before, left=True, forbidden=not message.out))
    one.of_chat("deleted", (chat_id, message.id), told, chat_id, ChatType.GROUP)


def look(one: One, chat_id: int, *, first: bool = True) -> None:
    """Compare a chat that came with the update with how it was.

    `first`: a chat never seen before is a new one, and not one whose message is only the first to come.
    """
    chat = one.seen(chat_id)
    face = face_of(chat)
    if face is None:
        return
    before = one.known_face(chat_id)
    if face == before:
        return
    one.faces.append(face)
    key = (chat_id, one.at // 1000, one.turn(chat_id, repr(face)))
    if before is not None:
        _changed(one, before, face, key)
    elif first and not face.left and not getattr(chat, "creator", False):  # what one makes oneself is told as made
        if face.type is ChatType.CHANNEL:
            _own(one, face, "member_joined", key)
        if face.admin and face.type in _BIG:
            _admin(one, chat_id, one.me, None, face.admin, face.type, key)


def _changed(one: One, before: Face, face: Face, key: tuple[object, ...]) -> None:
    data: dict[str, Any] = {"chatId": str(face.chat_id), "chatType": face.type.value}
    if before.left != face.left:
        if face.left and face.type is ChatType.SUPERGROUP:
            _own(one, face, "member_left", key)
        if face.type is ChatType.CHANNEL:
            _own(one, face, "member_left" if face.left else "member_joined", key)
        if face.left:
            told = {**data, "title": before.title, "forbidden": face.forbidden, **_by(one, face)}
            one.of_chat("deleted", key, told, face.chat_id, face.type)
        return
    if before.username != face.username and not face.left:
        told = {**data, "title": face.title, "username": face.username}
        one.of_chat("updated", (*key, face.username), told, face.chat_id, face.type)
    if before.admin != face.admin and face.type in _BIG:
        _admin(one, face.chat_id, one.me, None, face.admin, face.type, key)


def _own(one: One, face: Face, suffix: str, key: tuple[object, ...]) -> None:
    data: dict[str, Any] = {"chatId": str(face.chat_id), "chatType": face.type.value, "userId": str(one.me)}
    one.of_chat(suffix, (*key, one.me), {**data, **_by(one, face)}, face.chat_id, face.type)


def _by(one: One, face: Face) -> dict[str, str]:
    """Whose act it was, where that is known: nobody else makes one leave and lets the chat in sight."""
    if one.origin == "api" or (face.left and not face.forbidden):
        return {"origin": one.origin}
    return {}


def _admin(
    one: One, chat_id: int, user_id: int, actor: int | None, is_admin: bool, kind: ChatType, key: tuple[object, ...]
) -> None:
    data: dict[str, Any] = {
        "chatId": str(chat_id),
        "chatType": kind.value,
        "userId": str(user_id),
        "isAdmin": is_admin,
    }
    if actor:
        data["actorId"] = str(actor)
    one.add(EventType.GROUP_ADMIN_CHANGED, (*key, user_id, is_admin), data, chat_id)


def chat(one: One, update: Any) -> None:
    look(one, -update.chat_id)


def channel(one: One, update: Any) -> None:
    look(one, marked_id(PeerKind.CHANNEL, update.channel_id))


def chat_admin(one: One, update: Any) -> None:
    key = (-update.chat_id, update.version)
    _admin(one, -update.chat_id, update.user_id, None, bool(update.is_admin), ChatType.GROUP, key)


def participant(one: One, update: Any) -> None:
    """https://core.telegram.org/constructor/updateChannelParticipant; one's own rights are told by the chat's face."""
    big = isinstance(update, tl.UpdateChannelParticipant)
    chat_id = marked_id(PeerKind.CHANNEL, update.channel_id) if big else -update.chat_id
    before, now = happenings.is_admin(update.prev_participant), happenings.is_admin(update.new_participant)
    if before != now and not (big and update.user_id == one.me):
        kind = one.kind(chat_id)
        _admin(one, chat_id, update.user_id, update.actor_id, now, kind, (chat_id, update.qts))


def banned_rights(one: One, update: Any) -> None:
    chat_id = marked(update.peer)
    kind = one.kind(chat_id)
    data = {"chatId": str(chat_id), "chatType": kind.value, "permissions": happenings.allowed(update)}
    one.of_chat("updated", (chat_id, "rights", update.version), data, chat_id, kind)


TELLING: dict[type, Callable[[Any, Any], None]] = {
    tl.UpdateChat: chat,
    tl.UpdateChannel: channel,
    tl.UpdateChatParticipantAdmin: chat_admin,
    tl.UpdateChannelParticipant: participant,
    tl.UpdateChatParticipant: participant,
    tl.UpdateChatDefaultBannedRights: banned_rights,
}
