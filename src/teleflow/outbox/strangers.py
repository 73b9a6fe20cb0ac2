"""First contacts: people whom this account has never talked to, and how many of them a day.

Writing to strangers is what Telegram limits accounts for. Whether somebody is one is asked of Telegram once and kept;
each first contact is counted on disk before it leaves. After PEER_FLOOD no stranger is written to for a day; people
already known are (https://core.telegram.org/api/errors, https://telegram.org/faq_spam).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from teleflow.errors import Forbidden, Limited, TeleFlowError, Uncertain, Upstream, unasked
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.operations.contacts import HaveTalked
from teleflow.model.pacing import FIRST_CONTACTS
from teleflow.model.peers import Peer, PeerKind
from teleflow.storage.base import PacingStore
from teleflow.telegram.base import Call

_DAY_S = 86_400.0
_REMEMBERED = 50_000


class Holds(Protocol):
    """Implemented by `telegram.pacing`."""

    def check(self, session_id: str, method: str, scope: str) -> None:
        """Raises what holds it."""

    def hold(self, session_id: str, method: str, scope: str, seconds: float, error: TeleFlowError) -> None: ...


class Strangers:
    """`per_day`: first contacts of a session in any 24 hours."""

    def __init__(self, storage: PacingStore, call: Call, holds: Holds, clock: Clock, *, per_day: int) -> None:
        self._storage = storage
        self._call = call
        self._holds = holds
        self._clock = clock
        self.per_day = per_day
        self._met: OrderedDict[tuple[str, int], None] = OrderedDict()

    def forget_session(self, session_id: str) -> None:
        for key in [key for key in self._met if key[0] == session_id]:
            del self._met[key]

    async def spent(self, session_id: str) -> int:
        """First contacts of the last 24 hours. Raises Unavailable."""
        since = milliseconds(self._clock.time() - _DAY_S)
        return await self._storage.count_first_contacts(session_id, since=since)

    async def admit(self, session_id: str, peer: Peer, *, within: float) -> bool:
        """Whether this is a first contact.

        Raises Limited(CONTACT_BUDGET), Forbidden(TELEGRAM_RESTRICTED), Unavailable; nothing has left then.
        """
        if peer.kind is not PeerKind.USER or peer.is_self:
            return False
        key = (session_id, peer.id)
        if key in self._met:
            self._met.move_to_end(key)
            return False
        known = await self._storage.is_acquainted(session_id, peer.id)
        first = not known and await self._first_time(session_id, peer, within)
        self._met[key] = None
        if len(self._met) > _REMEMBERED:
            self._met.popitem(last=False)
        return first

    async def is_stranger(self, session_id: str, peer: Peer, *, within: float) -> bool:
        """Whether a message would be a first contact; counts nothing. Raises what asking Telegram raises."""
        if peer.kind is not PeerKind.USER or peer.is_self or (session_id, peer.id) in self._met:
            return False
        if await self._storage.is_acquainted(session_id, peer.id):
            return False
        if not await self._have_talked(session_id, peer, within):
            return True
        await self._storage.note_acquaintance(session_id, peer.id, now=milliseconds(self._clock.time()))
        return False

    def refused(self, session_id: str, error: TeleFlowError) -> None:
        """Telegram refused a message: it may have said that strangers are to be left alone."""
        if isinstance(error, Forbidden) and error.code == "TELEGRAM_RESTRICTED" and not error.details.get("held"):
            self._holds.hold(session_id, FIRST_CONTACTS, "", _DAY_S, error)

    async def _first_time(self, session_id: str, peer: Peer, within: float) -> bool:
        now = milliseconds(self._clock.time())
        if await self._have_talked(session_id, peer, within):
            await self._storage.note_acquaintance(session_id, peer.id, now=now)
            return False
        self._holds.check(session_id, FIRST_CONTACTS, "")
        day = round(_DAY_S * 1000)
        oldest = await self._storage.spend_first_contact(
            session_id, peer.id, now=now, since=now - day, most=self.per_day
        )
        if oldest is not None:
            raise Limited(
                f"This account has written to {self.per_day} people for the first time in 24 hours, as many as it may",
                code="CONTACT_BUDGET",
                retry_after=max(1.0, (oldest + day - now) / 1000),
                details={"scope": "firstContacts"},
            )
        return True

    async def _have_talked(self, session_id: str, peer: Peer, within: float) -> bool:
        try:
            return await self._call(session_id, HaveTalked(peer), within=within)
        except Uncertain as error:
            # That a question was lost says nothing of the message, which has not left.
            raise unasked(error) from error
        except Upstream as error:
            if error.code == "TELEGRAM_ERROR":
                return False  # a data centre that can't tell: counted as a stranger
            raise
