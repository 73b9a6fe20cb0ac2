"""From Telegram's updates to events: pure, and the one place that decides which update tells of what.

One happening is one event, though Telegram may tell it in several ways; the source of each fact:

- Members, titles and photos: the service message in the chat, which stands in the history and so is found again after
  any absence. `updateChatParticipantAdd`, `-Delete` and `updateChatParticipants` say the same again and tell nothing.
  Broadcast channels have no such messages: there one's own coming and going is told by `updateChannel`.
- A chat that is out of reach (left, removed, deleted), a username, one's own rights in a supergroup or channel: the
  chat object beside the update, compared with how it was seen last (`Face`). Face and event are stored together, so the
  same change can't be told twice.
- Rights of others in basic groups: `updateChatParticipantAdmin`; elsewhere `updateChannelParticipant`.
- One's own leaving of a supergroup or channel: `updateChannel` too; who is out is sent no more of its messages.
- Edits: `updateEditMessage` and its like, but for hidden ones, which are not edits for a reader.
- Pins: `updatePinnedMessages` and its like; the service message of a pin tells nothing.

What identifies an event (`event_id`): a message its chat and number; an edit these, its date and content (not `pts`: an
answer of history has none); a scheduled message these too; a deletion the numbers, which are deleted once; a read mark
chat, direction, thread and number; a pin chat, numbers and `pts`; a change told by a service message that
message; everything that has no place in a box, the second in which it came.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from telethon.tl import types as tl

from teleflow.model.chats import ChatType
from teleflow.model.events import EventType, NewEvent, event_id
from teleflow.model.media import FileRef
from teleflow.model.messages import Message
from teleflow.model.peers import PeerKind, marked_id
from teleflow.model.updates import Face
from teleflow.telegram.convert.messages import message_from
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.updates import happenings, people
from teleflow.telegram.updates.faces import face_of
from teleflow.telegram.updates.raw import plain_of
from teleflow.wire.messages import told_message

_log = structlog.get_logger(__name__)
Origin = Literal["api", "device"]
_T = EventType
STATUS_EVERY_MS = 30_000
_STATUSES = 10_000
_NEW = (tl.UpdateNewMessage, tl.UpdateNewChannelMessage)
_READ_THREAD = (tl.UpdateReadChannelDiscussionInbox, tl.UpdateReadChannelDiscussionOutbox)
_READ_IN = (tl.UpdateReadHistoryInbox, tl.UpdateReadChannelInbox, tl.UpdateReadChannelDiscussionInbox)


@dataclass(frozen=True, slots=True)
class Told:
    """What an update tells. `faces` are those that look otherwise now."""

    events: Sequence[NewEvent] = ()
    faces: Sequence[Face] = ()


_NOTHING = Told()


class Teller:
    """The events of one session. `me` is its account."""

    def __init__(self, session_id: str, me: int, file_id: Callable[[FileRef], str], *, raw: bool = False) -> None:
        self.session_id = session_id
        self.me = me
        self.raw = raw
        self._file_id = file_id
        self._statuses: OrderedDict[int, int] = OrderedDict()

    def tell(
        self, update: Any, everybody: Mapping[int, Any], faces: Mapping[int, Face], *, at: int, origin: Origin
    ) -> Told:
        """`everybody` came with the update, by marked id; `at` is Unix milliseconds. Never raises."""
        telling = _TELLING.get(type(update))
        if telling is None and not self.raw:
            return _NOTHING
        try:
            one = _One(self, everybody, faces, at, origin)
            if telling is not None:
                telling(one, update)
            if self.raw:
                one.raw_update(update)
        except Exception as error:  # noqa: BLE001 - an object of an odd form must not stop all that follow
            _log.warning("update.not_told", kind=type(update).__name__, cause=repr(error)[:200])
            return _NOTHING
        return Told(one.events, one.faces)

    def message(self, message: Any) -> tuple[Message, dict[str, Any]]:
        converted = message_from(message, self.me)
        return converted, told_message(converted, self._file_id)

    def is_due(self, user_id: int, at: int) -> bool:
        """At most one status of a user in 30 seconds."""
        last = self._statuses.get(user_id)
        if last is not None and at - last < STATUS_EVERY_MS:
            return False
        self._statuses[user_id] = at
        self._statuses.move_to_end(user_id)
        if len(self._statuses) > _STATUSES:
            self._statuses.popitem(last=False)
        return True


class _One:
    """One update being told."""

    __slots__ = ("_everybody", "_faces", "_origin", "_teller", "at", "events", "faces")

    def __init__(
        self, teller: Teller, everybody: Mapping[int, Any], faces: Mapping[int, Face], at: int, origin: Origin
    ) -> None:
        self._teller = teller
        self._everybody = everybody
        self._faces = faces
        self._origin = origin
        self.at = at
        self.events: list[NewEvent] = []
        self.faces: list[Face] = []

    @property
    def me(self) -> int:
        return self._teller.me

    def seen(self, id_: int) -> Any:
        """What came with the update of this user or chat."""
        return self._everybody.get(id_)

    def is_due(self, user_id: int) -> bool:
        return self._teller.is_due(user_id, self.at)

    def add(self, type_: EventType, key: tuple[object, ...], data: Mapping[str, Any], chat_id: int | None) -> None:
        session = self._teller.session_id
        self.events.append(NewEvent(event_id(session, type_, *key), type_, session, self.at, data, chat_id))

    def of_chat(self, suffix: str, key: tuple[object, ...], data: dict[str, Any], chat_id: int, kind: ChatType) -> None:
        """chat.* for every kind, and group.* or channel.* beside it. `suffix` is that of chat.*."""
        self.add(_T(f"chat.{suffix}"), key, data, chat_id)
        if kind is ChatType.CHANNEL:
            if suffix in {"created", "updated", "deleted"}:
                self.add(_T(f"channel.{suffix}"), key, data, chat_id)
        elif kind is not ChatType.USER:
            named = {"member_joined": "member_added", "member_left": "member_removed"}.get(suffix, suffix)
            self.add(_T(f"group.{named}"), key, data, chat_id)

    def kind(self, chat_id: int) -> ChatType:
        if chat_id > 0:
            return ChatType.USER
        face = face_of(self._everybody.get(chat_id)) or self._faces.get(chat_id)
        if face is not None:
            return face.type
        return ChatType.SUPERGROUP if chat_id < -(10**12) else ChatType.GROUP

    # -- messages -----------------------------------------------------------------------------------------

    def new_message(self, update: Any) -> None:
        message = update.message
        if isinstance(message, tl.MessageEmpty):
            return
        chat_id = marked(message.peer_id)
        if message.date is not None:
            self.at = int(message.date.timestamp() * 1000)
        if isinstance(message, tl.MessageService):
            self._service(message, chat_id)
            return
        known, told = self._teller.message(message)
        key = (chat_id, known.id)
        kind = ChatType.CHANNEL if known.post else self.kind(chat_id)
        if known.outgoing or chat_id == self.me:  # nobody else writes in Saved Messages
            data = {**told, "messageId": known.id, "chatType": kind.value, "origin": self._origin}
            self.add(_T.MESSAGE_SENT, key, data, chat_id)
        else:
            data = _short(known, told)
            data["isOutgoing"] = False
            if known.reply_to_msg_id is not None:
                data["replyToMsgId"] = known.reply_to_msg_id
            data |= {"chatType": kind.value, "message": told}
            self.add(_T.MESSAGE_RECEIVED, key, data, chat_id)
        if known.post:
            self.add(_T.CHANNEL_POST_PUBLISHED, key, {**_short(known, told), "message": told}, chat_id)

    def edited(self, update: Any) -> None:
        message = update.message
        if not isinstance(message, tl.Message) or message.edit_hide or message.edit_date is None:
            return
        known, told = self._teller.message(message)
        self.at = (known.edit_date or known.date) * 1000
        data = {**_short(known, told), "editDate": known.edit_date, "message": told}
        if known.outgoing:
            data["origin"] = self._origin
        key = (known.chat_id, known.id, known.edit_date, _content(told))
        self.add(_T.MESSAGE_EDITED, key, data, known.chat_id)

    def deleted(self, update: Any) -> None:
        ids = sorted(update.messages)
        data: dict[str, Any] = {"deletedIds": ids}
        chat_id = None
        if isinstance(update, tl.UpdateDeleteChannelMessages):
            chat_id = marked_id(PeerKind.CHANNEL, update.channel_id)
            data["chatId"] = str(chat_id)
        if self._origin == "api":
            data["origin"] = "api"
        self.add(_T.MESSAGE_DELETED, (chat_id, *ids), data, chat_id)

    def read(self, update: Any) -> None:
        if isinstance(update, tl.UpdateReadHistoryInbox | tl.UpdateReadHistoryOutbox):
            chat_id = marked(update.peer)
        else:
            chat_id = marked_id(PeerKind.CHANNEL, update.channel_id)
        inbox = isinstance(update, _READ_IN)
        thread = getattr(update, "top_msg_id", None)
        max_id = update.read_max_id if isinstance(update, _READ_THREAD) else update.max_id
        data: dict[str, Any] = {
            "chatId": str(chat_id),
            "maxId": max_id,
            "direction": "inbox" if inbox else "outbox",
        }
        if thread is not None:
            data["threadId"] = thread
        if inbox:
            data["origin"] = self._origin
            if self._origin == "device" and not isinstance(
                update, _READ_THREAD
            ):  # what a request of ours answers does not count what is left
                data["unreadCount"] = update.still_unread_count
        self.add(_T.MESSAGE_READ, (chat_id, data["direction"], thread, max_id), data, chat_id)

    def reactions(self, update: Any) -> None:
        chat_id = marked(update.peer)
        told = [happenings.reaction(one) for one in getattr(update.reactions, "results", ())]
        data = {"chatId": str(chat_id), "messageId": update.msg_id, "reactions": told}
        self.add(_T.MESSAGE_REACTION, (chat_id, update.msg_id, self.at // 1000, str(told)), data, chat_id)

    def pinned(self, update: Any) -> None:
        channel = isinstance(update, tl.UpdatePinnedChannelMessages)
        chat_id = marked_id(PeerKind.CHANNEL, update.channel_id) if channel else marked(update.peer)
        ids = sorted(update.messages)
        data = {"chatId": str(chat_id), "messageIds": ids, "pinned": bool(update.pinned)}
        self.add(_T.MESSAGE_PINNED, (chat_id, update.pts, bool(update.pinned), *ids), data, chat_id)

    def scheduled(self, update: Any) -> None:
        known, told = self._teller.message(update.message)
        data = {**told, "messageId": known.id, "origin": self._origin}
        key = (known.chat_id, known.id, known.date, _content(told))
        self.add(_T.MESSAGE_SCHEDULED, key, data, known.chat_id)

    # -- chats --------------------------------------------------------------------------------------------

    def _service(self, message: Any, chat_id: int) -> None:
        self.look(chat_id, first=False)
        kind = ChatType.CHANNEL if message.post else self.kind(chat_id)
        actor = marked(message.from_id) if message.from_id is not None else None
        for suffix, data, part in happenings.of(message.action, actor):
            if suffix == "member_left" and part == self.me and kind is ChatType.SUPERGROUP:
                continue  # told by its face
            told: dict[str, Any] = {"chatId": str(chat_id), "chatType": kind.value, **data, "messageId": message.id}
            if actor is not None:
                told["actorId"] = str(actor)
            if message.out:
                told["origin"] = self._origin
            self.of_chat(suffix, (chat_id, message.id, part), told, chat_id, kind)

    def look(self, chat_id: int, *, first: bool = True) -> None:
        """Compare a chat that came with the update with how it was.

        `first`: a chat never seen before is a new one, and not one whose message is only the first to come.
        """
        face = face_of(self._everybody.get(chat_id))
        if face is None:
            return
        before = self._faces.get(chat_id)
        if face == before:
            return
        self.faces.append(face)
        if before is None and first:
            self._first_seen(face)
        elif before is not None:
            self._changed(before, face)

    def _first_seen(self, face: Face) -> None:
        if face.type is ChatType.CHANNEL and not face.left and not face.admin:
            self._own(face, "member_joined")

    def _changed(self, before: Face, face: Face) -> None:
        data: dict[str, Any] = {"chatId": str(face.chat_id), "chatType": face.type.value}
        key = (face.chat_id, self.at // 1000)
        if before.left != face.left:
            if face.left and face.type is ChatType.SUPERGROUP:
                self._own(face, "member_left")
            if face.type is ChatType.CHANNEL:
                self._own(face, "member_left" if face.left else "member_joined")
            if face.left:
                told = {**data, "title": before.title, "forbidden": face.forbidden}
                self.of_chat("deleted", key, told, face.chat_id, face.type)
            return
        if before.username != face.username and not face.left:
            told = {**data, "title": face.title, "username": face.username}
            self.of_chat("updated", (*key, face.username), told, face.chat_id, face.type)
        if before.admin != face.admin and face.type in {ChatType.SUPERGROUP, ChatType.CHANNEL}:
            self._admin(face.chat_id, self.me, None, face.admin, face.type, key)

    def _own(self, face: Face, suffix: str) -> None:
        data = {
            "chatId": str(face.chat_id),
            "chatType": face.type.value,
            "userId": str(self.me),
            "origin": self._origin,
        }
        self.of_chat(suffix, (face.chat_id, self.me, self.at // 1000), data, face.chat_id, face.type)

    def _admin(
        self, chat_id: int, user_id: int, actor: int | None, is_admin: bool, kind: ChatType, key: tuple[object, ...]
    ) -> None:
        data: dict[str, Any] = {
            "chatId": str(chat_id),
            "chatType": kind.value,
            "userId": str(user_id),
            "isAdmin": is_admin,
        }
        if actor:
            data["actorId"] = str(actor)
        self.add(_T.GROUP_ADMIN_CHANGED, (*key, user_id, is_admin), data, chat_id)

    def chat(self, update: Any) -> None:
        self.look(-update.chat_id)

    def channel(self, update: Any) -> None:
        self.look(marked_id(PeerKind.CHANNEL, update.channel_id))

    def chat_admin(self, update: Any) -> None:
        key = (-update.chat_id, update.version)
        self._admin(-update.chat_id, update.user_id, None, bool(update.is_admin), ChatType.GROUP, key)

    def participant(self, update: Any) -> None:
        """https://core.telegram.org/constructor/updateChannelParticipant"""
        channel = isinstance(update, tl.UpdateChannelParticipant)
        chat_id = marked_id(PeerKind.CHANNEL, update.channel_id) if channel else -update.chat_id
        before, now = happenings.is_admin(update.prev_participant), happenings.is_admin(update.new_participant)
        if before != now:
            kind = self.kind(chat_id)
            self._admin(chat_id, update.user_id, update.actor_id, now, kind, (chat_id, update.qts))

    def banned_rights(self, update: Any) -> None:
        chat_id = marked(update.peer)
        kind = self.kind(chat_id)
        data = {"chatId": str(chat_id), "chatType": kind.value, "permissions": happenings.allowed(update)}
        self.of_chat("updated", (chat_id, "rights", update.version), data, chat_id, kind)

    def raw_update(self, update: Any) -> None:
        told = plain_of(update)
        digest = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        self.add(_T.RAW_UPDATE, (digest, self.at // 1000), {"update": told}, None)


def _content(told: Mapping[str, Any]) -> str:
    """What an edit can change, as a digest."""
    parts = repr([told.get(part) for part in ("text", "entities", "media")])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _short(message: Message, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "chatId": told["chatId"],
        "senderId": told["senderId"],
        "text": message.text,
        "date": message.date,
    }


_TELLING: dict[type, Callable[[_One, Any], None]] = {
    **dict.fromkeys(_NEW, _One.new_message),
    tl.UpdateEditMessage: _One.edited,
    tl.UpdateEditChannelMessage: _One.edited,
    tl.UpdateDeleteMessages: _One.deleted,
    tl.UpdateDeleteChannelMessages: _One.deleted,
    tl.UpdateReadHistoryInbox: _One.read,
    tl.UpdateReadHistoryOutbox: _One.read,
    tl.UpdateReadChannelInbox: _One.read,
    tl.UpdateReadChannelOutbox: _One.read,
    **dict.fromkeys(_READ_THREAD, _One.read),
    tl.UpdateMessageReactions: _One.reactions,
    tl.UpdatePinnedMessages: _One.pinned,
    tl.UpdatePinnedChannelMessages: _One.pinned,
    tl.UpdateNewScheduledMessage: _One.scheduled,
    tl.UpdateChat: _One.chat,
    tl.UpdateChannel: _One.channel,
    tl.UpdateChatParticipantAdmin: _One.chat_admin,
    tl.UpdateChannelParticipant: _One.participant,
    tl.UpdateChatParticipant: _One.participant,
    tl.UpdateChatDefaultBannedRights: _One.banned_rights,
    **people.TELLING,
}
