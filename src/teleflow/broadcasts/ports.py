"""What broadcasts need beside storage: the outbox, and who is a stranger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from teleflow.model.jobs import SendJob
from teleflow.model.media import FileRef
from teleflow.model.peers import Peer, PeerRef
from teleflow.model.sending import Sending
from teleflow.storage.base import BroadcastStore, SessionStore, UserStore

FileOf = Callable[[str, str], FileRef]
"""The file of a session's file id. Raises NotFound(FILE_NOT_FOUND)."""


class Store(BroadcastStore, SessionStore, UserStore, Protocol):
    """What of the storage is needed here."""


class Outbox(Protocol):
    async def place(
        self, sending: Sending, random_id: int, store: Callable[[SendJob, str, int], Awaitable[bool]]
    ) -> None: ...

    def withdrawn(self, job_id: str) -> None: ...


class Peers(Protocol):
    async def find(self, session_id: str, ref: PeerRef, *, within: float) -> Peer: ...


class Strangers(Protocol):
    async def is_stranger(self, session_id: str, peer: Peer, *, within: float) -> bool: ...
