"""How a session addresses a peer: from memory, else the database, else Telegram.

Promises: a peer is never guessed; a failure says which fact is missing; equal questions that come together are asked
once; what is remembered wrongly can be asked for again. "Nobody has this number" is remembered for an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from teleflow.errors import NotFound, Unavailable
from teleflow.fleet.acquaintance import NAME_GOOD_FOR_S, Acquaintance
from teleflow.fleet.lookups import Lookups, nobody
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.model.peers import ME, Known, Peer, PeerKind, PeerRef, RefForm, unmarked
from teleflow.storage.base import PeerStore
from teleflow.telegram.base import Call

_NOBODY_FOR_MS = 3_600_000


class Directory:
    """The peers of all sessions of this node."""

    def __init__(self, storage: PeerStore, call: Call, clock: Clock, *, imports_per_hour: int) -> None:
        self._storage = storage
        self._clock = clock
        self._memory = Acquaintance(storage, clock)
        self._ask = Lookups(call, self._memory.learn, clock, imports_per_hour=imports_per_hour)
        self._asking: WeakValueDictionary[tuple[str, PeerRef], asyncio.Lock] = WeakValueDictionary()

    async def stop(self) -> None:
        await self._memory.stop()

    async def find(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        """Raises NotFound(PEER_NOT_FOUND, `missing` in its details), Limited(CONTACT_BUDGET), what `Call` raises."""
        peer = self._memory.get(session_id, ref)
        return peer or await self._find_once(session_id, ref, within, stored=True)

    def recall(self, session_id: str, ref: PeerRef) -> Peer | None:
        """What is in memory; asks nobody."""
        return self._memory.get(session_id, ref)

    async def find_again(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        """As `find`, past everything that is remembered: it turned out to be wrong."""
        self._memory.drop(session_id, ref)
        return await self._find_once(session_id, ref, within, stored=False)

    def learn(self, session_id: str, known: Sequence[Known]) -> None:
        """Take in whom an answer lets the session address. Costs no wait."""
        if known:
            self._memory.learn(session_id, known)

    def forget_session(self, session_id: str) -> None:
        self._memory.forget_session(session_id)
        self._ask.forget_session(session_id)

    async def _find_once(self, session_id: str, ref: PeerRef, within: float, *, stored: bool) -> Peer:
        until = loop_time() + within
        lock = self._asking.setdefault((session_id, ref), asyncio.Lock())
        try:
            async with asyncio.timeout_at(until):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("Telegram takes too long to tell who this is", code="TELEGRAM_UNAVAILABLE") from None
        try:
            peer = self._memory.get(session_id, ref)  # an equal question may have been answered meanwhile
            if peer is not None:
                return peer
            if stored:
                peer = await self._stored(session_id, ref)
                if peer is not None:
                    return peer
            return await self._look_up(session_id, ref, max(0.1, until - loop_time()))
        finally:
            lock.release()

    async def _stored(self, session_id: str, ref: PeerRef) -> Peer | None:
        value = ref.value
        if ref.form is RefForm.PHONE:
            return await self._phone_stored(session_id, ref)
        known = None
        if ref.form is RefForm.ID and isinstance(value, int):
            known = await self._storage.peer(session_id, value)
            if known is not None and known.migrated_to is None and unmarked(value)[0] is PeerKind.CHAT:
                return None  # it may have become a supergroup since, and asking costs one small call
        elif ref.form is RefForm.USERNAME:
            since = milliseconds(self._clock.time() - NAME_GOOD_FOR_S)
            known = await self._storage.peer_named(session_id, str(value), since=since)
        if known is None:
            return None
        return await self._note(session_id, known)

    async def _phone_stored(self, session_id: str, ref: PeerRef) -> Peer | None:
        lookup = await self._storage.phone_lookup(session_id, str(ref.value))
        if lookup is None:
            return None
        if lookup.known is not None:
            peer = self._memory.note(session_id, lookup.known)
            return self._memory.keep(session_id, ref, peer)
        if milliseconds(self._clock.time()) - lookup.looked_up_at < _NOBODY_FOR_MS:
            raise _no_number()
        return None

    async def _look_up(self, session_id: str, ref: PeerRef, within: float) -> Peer:
        match ref.form, ref.value:
            case RefForm.PHONE, str(phone):
                return await self._phone(session_id, ref, phone, within)
            case RefForm.ID, int(peer_id):
                known = await self._ask.marked(session_id, peer_id, within=within)
            case RefForm.USERNAME, str(username):
                known = await self._ask.username(session_id, username, within=within)
            case RefForm.INVITE, str(hash_):
                known = await self._ask.invite(session_id, hash_, within=within)
            case _:
                await self._ask.me(session_id, within=within)
                return self._memory.get(session_id, ME) or self._broken()
        peer = await self._note(session_id, known)
        if ref.form is RefForm.USERNAME:  # perhaps not the one of its usernames that is shown
            self._memory.keep(session_id, ref, peer)
        return peer

    async def _note(self, session_id: str, known: Known) -> Peer:
        """Remember; a group that has moved is followed to where it is now."""
        peer = self._memory.note(session_id, known)
        if known.migrated_to is None or known.migrated_to == peer.marked_id:
            return peer
        successor = await self._storage.peer(session_id, known.migrated_to)
        if successor is None:
            return peer
        self._memory.note(session_id, successor)
        return self._memory.note(session_id, known)

    async def _phone(self, session_id: str, ref: PeerRef, phone: str, within: float) -> Peer:
        found = await self._ask.phone(session_id, phone, within=within)
        now = milliseconds(self._clock.time())
        if found is None:
            await self._storage.put_phone_lookup(session_id, phone, None, now=now)
            raise _no_number()
        known = Known(found.user_id, found.access_hash, phone, found.username, found.name)
        await self._storage.put_phone_lookup(session_id, phone, known, now=now)
        return self._memory.keep(session_id, ref, self._memory.note(session_id, known))

    @staticmethod
    def _broken() -> Peer:
        raise nobody("Telegram does not say who this account is", "account")


def _no_number() -> NotFound:
    return nobody("The number is not on Telegram, or hides that it is", "phone")
