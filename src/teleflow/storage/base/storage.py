"""One database: all the nouns together, and its own life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from teleflow.storage.base.audit import AuditStore
from teleflow.storage.base.broadcasts import BroadcastStore
from teleflow.storage.base.creations import CreationStore
from teleflow.storage.base.events import EventStore
from teleflow.storage.base.keys import KeyStore
from teleflow.storage.base.logins import LoginStore
from teleflow.storage.base.pacing import PacingStore
from teleflow.storage.base.peers import PeerStore
from teleflow.storage.base.requests import RequestStore
from teleflow.storage.base.sends import SendStore
from teleflow.storage.base.sessions import SessionStore
from teleflow.storage.base.tickets import TicketStore
from teleflow.storage.base.users import UserStore
from teleflow.storage.base.webhooks import WebhookStore


class Storage(
    UserStore,
    LoginStore,
    KeyStore,
    SessionStore,
    PeerStore,
    PacingStore,
    SendStore,
    RequestStore,
    EventStore,
    WebhookStore,
    TicketStore,
    AuditStore,
    BroadcastStore,
    CreationStore,
    Protocol,
):
    """One database."""

    async def start(self) -> None:
        """Open, migrate under a lock, check the seal key. Raises SettingsError with a clear line."""

    async def hold(self, lost: Callable[[], None]) -> None:
        """Be the one service that runs on this database, until `stop`. Raises SettingsError when another one does.

        `lost` is called when another one took it while we could not see it: then this one has to end.
        """

    async def stop(self) -> None: ...

    async def ping(self) -> None:
        """Raises StorageUnavailable when it does not answer."""

    async def sweep(self, *, now: int) -> int:
        """Remove what has expired: logins, tokens, attempts, code requests (24 h), idempotency keys (72 h).

        Bounded: some hundred rows of a kind in one call; how many went. Call again while it is not 0.
        """

    async def remembered(self, key: str) -> str | None:
        """A small fact of the installation (not of a user)."""

    async def remember(self, key: str, value: str) -> str:
        """Store unless there is one; the value that stands."""
