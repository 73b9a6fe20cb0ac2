"""Whom each session knows, in memory, and what is new on its way to the database.

Promises: learning costs its caller no wait; what was learnt is found at once, and written soon by one task, only
where it is news. What a crash loses of it is asked for again. Bounded: the oldest go first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import structlog

from teleflow.errors import TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.peers import ME, Known, Peer, PeerKind, PeerRef, RefForm
from teleflow.storage.base import PeerStore

_log = structlog.get_logger(__name__)

_REMEMBERED = 50_000
_UNWRITTEN = 20_000
NAME_GOOD_FOR_S = 24 * 3600.0  # usernames change hands
_GROUP_GOOD_FOR_S = 600.0  # basic groups become supergroups
_BASIC_GROUPS = 10**12  # marked ids below are channels
_FOR_EVER = float("inf")

_Key = tuple[str, PeerRef]


class Acquaintance:
    """Peers by session and ref."""

    def __init__(self, storage: PeerStore, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._peers: OrderedDict[_Key, tuple[Peer, float]] = OrderedDict()
        self._seen: OrderedDict[tuple[str, int], Known] = OrderedDict()
        self._news: dict[str, dict[int, Known]] = {}
        self._tasks = Tasks("directory")
        self._unwritten = 0
        self._writing = False

    async def stop(self) -> None:
        await self._tasks.close()

    def get(self, session_id: str, ref: PeerRef) -> Peer | None:
        key = (session_id, ref)
        entry = self._peers.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock.monotonic():
            del self._peers[key]
            return None
        self._peers.move_to_end(key)
        return entry[0]

    def keep(self, session_id: str, ref: PeerRef, peer: Peer) -> Peer:
        good_for = _FOR_EVER
        if peer.kind is PeerKind.CHAT:
            good_for = _GROUP_GOOD_FOR_S
        elif ref.form is RefForm.USERNAME:
            good_for = NAME_GOOD_FOR_S
        self._peers[session_id, ref] = (peer, self._clock.monotonic() + good_for)
        if len(self._peers) > _REMEMBERED:
            self._peers.popitem(last=False)
        return peer

    def drop(self, session_id: str, ref: PeerRef) -> None:
        """What was remembered here turned out to be wrong."""
        peer = self._peers.pop((session_id, ref), None)
        if peer is not None:
            self._peers.pop((session_id, PeerRef(RefForm.ID, peer[0].marked_id)), None)
            self._seen.pop((session_id, peer[0].marked_id), None)

    def forget_session(self, session_id: str) -> None:
        """Access hashes die with the login."""
        for key in [key for key in self._peers if key[0] == session_id]:
            del self._peers[key]
        for seen in [seen for seen in self._seen if seen[0] == session_id]:
            del self._seen[seen]
        self._unwritten -= len(self._news.pop(session_id, {}))

    def learn(self, session_id: str, known: Sequence[Known]) -> None:
        """Everything of an answer that lets the session address somebody."""
        news = [one for one in known if self._seen.get((session_id, one.peer_id)) != one]
        for one in sorted(news, key=_moved):  # those that a group moved to come before it
            self.note(session_id, one)
            self._write_soon(session_id, one)
        soon = self._clock.monotonic() + _GROUP_GOOD_FOR_S / 2
        for one in known:
            if -_BASIC_GROUPS < one.peer_id < 0 and one.migrated_to is None:
                entry = self._peers.get((session_id, PeerRef(RefForm.ID, one.peer_id)))
                if entry is None or entry[1] < soon:
                    self._note(session_id, one)  # no news, and seen where it was

    def note(self, session_id: str, known: Known) -> Peer:
        """Take over what is known already; how to address it."""
        self._seen[session_id, known.peer_id] = known
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return self._note(session_id, known)

    def _note(self, session_id: str, known: Known) -> Peer:
        ref = PeerRef(RefForm.ID, known.peer_id)
        peer = Peer.of(known.peer_id, known.access_hash)
        if known.is_self:
            self.keep(session_id, ME, replace(peer, is_self=True))
        if known.migrated_to is not None:
            # The group goes on elsewhere; until that is addressable, the old one is all there is.
            successor = self.get(session_id, PeerRef(RefForm.ID, known.migrated_to))
            peer = successor or peer
            if successor is None:
                return peer
        elif known.username:
            self.keep(session_id, PeerRef(RefForm.USERNAME, known.username.lower()), peer)
        return self.keep(session_id, ref, peer)

    # -- to the database ----------------------------------------------------------------------------------

    def _write_soon(self, session_id: str, known: Known) -> None:
        if self._unwritten >= _UNWRITTEN:
            self._seen.pop((session_id, known.peer_id), None)  # the disk is far behind: news again the next time
            return
        news = self._news.setdefault(session_id, {})
        self._unwritten += known.peer_id not in news
        news[known.peer_id] = known
        if not self._writing:
            self._writing = True
            self._tasks.start(self._write(), "peers")

    async def _write(self) -> None:
        try:
            while self._news:
                session_id = next(iter(self._news))
                known = self._news.pop(session_id)
                self._unwritten -= len(known)
                try:
                    now = milliseconds(self._clock.time())
                    await self._storage.remember_peers(session_id, list(known.values()), now=now)
                except TeleFlowError as error:
                    _log.warning("peers.not_stored", session=session_id, cause=error.code)
                    for peer_id in known:
                        self._seen.pop((session_id, peer_id), None)  # so that it is news the next time
        finally:
            self._writing = False


def _moved(known: Known) -> bool:
    return known.migrated_to is not None
