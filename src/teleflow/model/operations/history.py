"""Operations that read messages. `me` is the session's own account: Telegram leaves it out of its own messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.messages import Message
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer


@dataclass(frozen=True, slots=True)
class Found:
    """Messages, newest first. `total` where Telegram counts; `next_rate` is where a search everywhere goes on."""

    messages: tuple[Message, ...]
    known: tuple[Known, ...] = ()
    total: int | None = None
    next_rate: int | None = None


@dataclass(frozen=True, slots=True)
class ReadHistory(Operation[Found]):
    """messages.getHistory: those before `before_id` (0: the newest), or the nearest ones after `after_id`."""

    peer: Peer
    me: int
    limit: int
    before_id: int = 0
    after_id: int = 0
    before_date: int = 0
    method: ClassVar[str] = "messages.getHistory"


@dataclass(frozen=True, slots=True)
class SearchChat(Operation[Found]):
    """messages.search in one chat."""

    peer: Peer
    me: int
    query: str
    limit: int
    before_id: int = 0
    sender: Peer | None = None
    method: ClassVar[str] = "messages.search"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a page of a search everywhere ended."""

    rate: int
    message_id: int
    peer: Peer


@dataclass(frozen=True, slots=True)
class SearchEverywhere(Operation[Found]):
    """messages.searchGlobal."""

    me: int
    query: str
    limit: int
    after: Spot | None = None
    method: ClassVar[str] = "messages.searchGlobal"


@dataclass(frozen=True, slots=True)
class GetMessages(Operation[Found]):
    """messages.getMessages or channels.getMessages: those of these ids that are in this chat."""

    peer: Peer
    me: int
    ids: tuple[int, ...]
    method: ClassVar[str] = "messages.getMessages"


@dataclass(frozen=True, slots=True)
class ReadScheduled(Operation[Found]):
    """messages.getScheduledHistory: soonest first."""

    peer: Peer
    me: int
    method: ClassVar[str] = "messages.getScheduledHistory"
