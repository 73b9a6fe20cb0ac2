"""Who has this number: the remembered answer, else Telegram's.

A number that is not a contact is asked for with contacts.resolvePhone; where Telegram does not tell, it is
imported as a contact, which it allows only so often: an hourly budget for each session. "Unknown or hidden" is an
answer too, and kept for an hour.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from teleflow.errors import Limited, NotFound, Upstream
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.operations.contacts import Found, ImportContact, ResolvePhone
from teleflow.model.peers import Peer
from teleflow.storage.base import Known, Storage
from teleflow.telegram.base import Call

_REMEMBERED = 20_000
_NOBODY_FOR_MS = 3_600_000
_HOUR_S = 3600.0


class PhoneBook:
    """Resolves numbers for sessions."""

    def __init__(self, storage: Storage, call: Call, clock: Clock, *, imports_per_hour: int) -> None:
        self._storage = storage
        self._call = call
        self._clock = clock
        self._imports_per_hour = imports_per_hour
        self._imports: dict[str, deque[float]] = {}
        self._peers: OrderedDict[tuple[str, str], Peer] = OrderedDict()

    async def find(self, session_id: str, phone: str, *, within: float) -> Peer:
        """Raises NotFound(PEER_NOT_FOUND), Limited(CONTACT_BUDGET), and what `Call` raises."""
        key = (session_id, phone)
        peer = self._peers.get(key)
        if peer is not None:
            self._peers.move_to_end(key)
            return peer
        now = milliseconds(self._clock.time())
        lookup = await self._storage.phone_lookup(session_id, phone)
        if lookup is not None and lookup.known is not None:
            return self._keep(key, Peer(lookup.known.user_id, lookup.known.access_hash))
        if lookup is not None and now - lookup.looked_up_at < _NOBODY_FOR_MS:
            raise _nobody()
        found = await self._ask(session_id, phone, within)
        known = None
        if found is not None:
            known = Known(found.user_id, found.access_hash, phone, found.username, found.name)
        await self._storage.put_phone_lookup(session_id, phone, known, now=now)
        if found is None:
            raise _nobody()
        return self._keep(key, Peer(found.user_id, found.access_hash))

    def forget(self, session_id: str, phone: str) -> None:
        """The remembered peer turned out to be wrong."""
        self._peers.pop((session_id, phone), None)

    def forget_session(self, session_id: str) -> None:
        for key in [key for key in self._peers if key[0] == session_id]:
            del self._peers[key]
        self._imports.pop(session_id, None)

    async def ask_again(self, session_id: str, phone: str, *, within: float) -> Peer:
        """As `find`, past everything that is remembered."""
        self.forget(session_id, phone)
        found = await self._ask(session_id, phone, within)
        now = milliseconds(self._clock.time())
        if found is None:
            await self._storage.put_phone_lookup(session_id, phone, None, now=now)
            raise _nobody()
        known = Known(found.user_id, found.access_hash, phone, found.username, found.name)
        await self._storage.put_phone_lookup(session_id, phone, known, now=now)
        return self._keep((session_id, phone), Peer(found.user_id, found.access_hash))

    async def _ask(self, session_id: str, phone: str, within: float) -> Found | None:
        try:
            found = await self._call(session_id, ResolvePhone(phone), within=within)
        except Upstream as error:
            if error.code != "TELEGRAM_ERROR":
                raise
            found = None  # a data centre that does not know the method may know the older way
        if found is not None:
            return found
        self._spend_import(session_id)
        return await self._call(session_id, ImportContact(phone), within=within)

    def _spend_import(self, session_id: str) -> None:
        now = self._clock.monotonic()
        spent = self._imports.setdefault(session_id, deque())
        while spent and spent[0] <= now - _HOUR_S:
            spent.popleft()
        if len(spent) >= self._imports_per_hour:
            retry = max(1.0, spent[0] + _HOUR_S - now) if spent else _HOUR_S
            raise Limited(
                "This account has looked up as many strangers as it may in an hour",
                code="CONTACT_BUDGET",
                retry_after=retry,
            )
        spent.append(now)

    def _keep(self, key: tuple[str, str], peer: Peer) -> Peer:
        self._peers[key] = peer
        if len(self._peers) > _REMEMBERED:
            self._peers.popitem(last=False)
        return peer


def _nobody() -> NotFound:
    return NotFound("The number is not on Telegram, or hides that it is", code="PEER_NOT_FOUND")
