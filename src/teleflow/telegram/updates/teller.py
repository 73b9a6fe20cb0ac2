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
from typing import Any, Literal

import msgspec
import structlog
from telethon.tl import types as tl

from teleflow.model.chats import ChatType
from teleflow.model.events import EventType, NewEvent, event_id
from teleflow.model.messages import Message
from teleflow.model.peers import PeerKind, marked_id
from teleflow.model.updates import Face
from teleflow.telegram.convert.messages import message_from
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.updates import happenings, people, rooms
from teleflow.telegram.updates.faces import face_of
from teleflow.telegram.updates.raw import bounded, plain_of
from teleflow.wire.messages import FileId, told_message

_log = structlog.get_logger(__name__)
Origin = Literal["api", "device"]
_T = EventType
STATUS_EVERY_MS = 30_000
_STATUSES = 10_000
_NEW = (tl.UpdateNewMessage, tl.UpdateNewChannelMessage)
_READ_THREAD = (tl.UpdateReadChannelDiscussionInbox, tl.UpdateReadChannelDiscussionOutbox)
_READ_IN = (tl.UpdateReadHistoryInbox, tl.UpdateReadChannelInbox, tl.UpdateReadChannelDiscussionInbox)


class Told(msgspec.Struct, frozen=True):
    """What an update tells. `faces` are those that look otherwise now."""

    events: Sequence[NewEvent] = ()
    faces: Sequence[Face] = ()


_NOTHING = Told()


class Teller:
    """The events of one session. `me` is its account."""

    def __init__(
        self,
        session_id: str,
        me: int,
        file_id: FileId,
        *,
        wants_raw: Callable[[], bool] = lambda: False,
    ) -> None:
        self.session_id = session_id
        self.me = me
        self._wants_raw = wants_raw
        self._file_id = file_id
        self._statuses: OrderedDict[int, int] = OrderedDict()
        self._turns: OrderedDict[object, tuple[int, str, int]] = OrderedDict()

    def tell(
        self, update: Any, everybody: Mapping[int, Any], faces: Mapping[int, Face], *, at: int, origin: Origin
    ) -> Told:
        """`everybody` came with the update, by marked id; `at` is Unix milliseconds. Never raises."""
        telling = _TELLING.get(type(update))
        raw = self._wants_raw()
        if telling is None and not raw:
            return _NOTHING
        one = _One(self, everybody, faces, at, origin)
        told, looked = self._guarded(telling, one, update) if telling is not None else ([], [])
        if raw:
            bare = _One(self, everybody, faces, at, origin)
            told = [*told, *self._guarded(_One.raw_update, bare, update)[0]]
        return Told(told, looked)

    def _guarded(
        self, telling: Callable[[_One, Any], None], one: _One, update: Any
    ) -> tuple[Sequence[NewEvent], Sequence[Face]]:
        """An object of an odd form must not stop all that follow: of that one a gap is told."""
        try:
            telling(one, update)
        except Exception as error:  # noqa: BLE001 - whatever Telegram thinks of
            _log.warning("update.not_told", kind=type(update).__name__, cause=repr(error)[:200])
            return [self._not_told(update, one.at)], ()
        return one.events, one.faces

    def _not_told(self, update: Any, at: int) -> NewEvent:
        """That something happened, at least, and what Telegram calls it."""
        digest = hashlib.blake2b(repr(update).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        kind = type(update).__name__
        data = {"scope": "update", "kind": kind[:1].lower() + kind[1:], "reason": "NOT_UNDERSTOOD"}
        return NewEvent(
            event_id(self.session_id, _T.UPDATES_GAP, "update", digest), _T.UPDATES_GAP, self.session_id, at, data
        )

    def turn(self, thing: object, at: int, state: str) -> int | None:
        """Which change of a thing in this second it is, where nothing else numbers them; None where it is none."""
        second, known, turn = self._turns.get(thing, (0, "", 0))
        if known == state:
            return None
        turn = turn + 1 if second == at // 1000 else 0
        self._turns[thing] = (at // 1000, state, turn)
        self._turns.move_to_end(thing)
        if len(self._turns) > _STATUSES:
            self._turns.popitem(last=False)
        return turn

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

    @property
    def origin(self) -> Origin:
        return self._origin

    def known_face(self, chat_id: int) -> Face | None:
        """As it was seen last."""
        return self._faces.get(chat_id)

    def turn(self, thing: object, state: str) -> int:
        return self._teller.turn(thing, self.at, state) or 0

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
            rooms.service(self, message, chat_id)
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
        turn = self._teller.turn((chat_id, update.msg_id), self.at, str(told))
        if turn is None:
            return  # a difference brings it again
        data = {"chatId": str(chat_id), "messageId": update.msg_id, "reactions": told}
        self.add(_T.MESSAGE_REACTION, (chat_id, update.msg_id, self.at // 1000, str(told), turn), data, chat_id)

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

    def raw_update(self, update: Any) -> None:
        told = bounded(plain_of(update))
        digest = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        # What has a place in a box is one thing, whenever it comes; what has none is told apart by its second.
        when = "" if getattr(update, "pts", 0) else self.at // 1000
        self.add(_T.RAW_UPDATE, (digest, when), {"update": told}, None)


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
    **rooms.TELLING,
    **people.TELLING,
}
