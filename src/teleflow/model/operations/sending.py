"""Operations that make new messages, and that find out whether they did.

Each carries random ids that its caller keeps: any repeat must carry the same, and Telegram drops the double. `me` is
the session's own account: Telegram leaves it out of its own messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.jobs import Content, Forward, Parcel, Text
from teleflow.model.media import FileRef
from teleflow.model.messages import Message
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Sent:
    """What Telegram made of it. `message_id` is None when it took the message and never told its id.

    `date` in Unix seconds. `messages` are those that Telegram showed, in the order in which they were asked for.
    """

    message_id: int | None
    date: int | None
    messages: tuple[Message, ...] = ()
    known: tuple[Known, ...] = ()


class _ToPeer(Operation[Sent]):
    __slots__ = ()
    peer: Peer
    sends: ClassVar[bool] = True

    @property
    def scope(self) -> str:
        return str(self.peer.marked_id)


@dataclass(frozen=True, slots=True)
class SendText(_ToPeer):
    """messages.sendMessage. `mentioned`: those whom the entities mention by id."""

    peer: Peer
    content: Text
    random_id: int
    me: int = 0
    to_stranger: bool = False
    mentioned: tuple[Peer, ...] = ()
    method: ClassVar[str] = "messages.sendMessage"


@dataclass(frozen=True, slots=True)
class ForwardMessages(_ToPeer):
    """messages.forwardMessages from `source`."""

    peer: Peer
    source: Peer
    content: Forward
    me: int = 0
    to_stranger: bool = False
    method: ClassVar[str] = "messages.forwardMessages"


@dataclass(frozen=True, slots=True)
class SendParcel(_ToPeer):
    """messages.sendMedia, or messages.sendMultiMedia for an album.

    `files`: for each part, where Telegram has its file; None for what has none. The rest as of `SendText`.
    """

    peer: Peer
    content: Parcel
    random_id: int
    files: tuple[FileRef | None, ...]
    me: int = 0
    to_stranger: bool = False
    mentioned: tuple[Peer, ...] = ()
    method: ClassVar[str] = "messages.sendMedia"


@dataclass(frozen=True, slots=True)
class FindSent(Operation[Sent | None]):
    """Look in the history for our own message of this content, not older than `since` (Unix seconds).

    `taken` are ids that are known to be other sends of ours; `files` as of `SendParcel`.
    """

    peer: Peer
    content: Content
    me: int
    since: int
    taken: frozenset[int] = frozenset()
    files: tuple[FileRef | None, ...] = ()
    method: ClassVar[str] = "messages.getHistory"
