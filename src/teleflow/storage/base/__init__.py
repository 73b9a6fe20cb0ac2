"""The storage port: units of work in domain words.

Each method is one atomic batch: when it returns, everything in it is on disk (full sync); when it raises,
nothing of it is. `StorageUnavailable` means that nothing was stored and that trying again is right. Every
method that touches a user's rows takes the `user_id`, and a stranger's row looks like no row. All instants
are Unix milliseconds, and `now` is always the caller's. Lists are pages: `limit` is required, at most 1,000.

One file a noun; everything that is named outside is named here.
"""

from __future__ import annotations

from teleflow.model.peers import Known
from teleflow.storage.base.audit import AuditStore
from teleflow.storage.base.broadcasts import BroadcastStore, Placed
from teleflow.storage.base.creations import CreationStore
from teleflow.storage.base.events import EventStore, LogEnds
from teleflow.storage.base.keys import KeyStore
from teleflow.storage.base.logins import LoginStore, Rotation
from teleflow.storage.base.pacing import PacingStore
from teleflow.storage.base.peers import PeerStore, PhoneLookup
from teleflow.storage.base.requests import Begun, Claimed, RequestStore, StoredAnswer
from teleflow.storage.base.sends import Accepted, SendStore, Settlement
from teleflow.storage.base.sessions import SessionStore
from teleflow.storage.base.storage import Storage
from teleflow.storage.base.tickets import TicketStore
from teleflow.storage.base.users import UserStore
from teleflow.storage.base.webhooks import Claim, Settled, WebhookStore

__all__ = [
    "Accepted",
    "AuditStore",
    "Begun",
    "BroadcastStore",
    "Claim",
    "Claimed",
    "CreationStore",
    "EventStore",
    "KeyStore",
    "Known",
    "LogEnds",
    "LoginStore",
    "PacingStore",
    "PeerStore",
    "PhoneLookup",
    "Placed",
    "RequestStore",
    "Rotation",
    "SendStore",
    "SessionStore",
    "Settled",
    "Settlement",
    "Storage",
    "StoredAnswer",
    "TicketStore",
    "UserStore",
    "WebhookStore",
]
