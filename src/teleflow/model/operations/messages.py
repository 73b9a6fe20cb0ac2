"""Operations on messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.base import Operation
from teleflow.model.peers import Peer


@dataclass(frozen=True, slots=True)
class Sent:
    """`message_id` is None when Telegram took the message and never told its id. `date` in Unix seconds."""

    message_id: int | None
    date: int | None


@dataclass(frozen=True, slots=True)
class SendText(Operation[Sent]):
    """messages.sendMessage with a random_id that the caller keeps: any repeat must carry the same."""

    peer: Peer
    text: str
    random_id: int
    method: ClassVar[str] = "messages.sendMessage"

    @property
    def scope(self) -> str:
        return str(self.peer.marked_id)


@dataclass(frozen=True, slots=True)
class FindSent(Operation[Sent | None]):
    """Look in the history for our own message of this text, not older than `since` (Unix seconds).

    `taken` are ids that are known to be other sends of ours.
    """

    peer: Peer
    text: str
    since: int
    taken: frozenset[int] = frozenset()
    method: ClassVar[str] = "messages.getHistory"
