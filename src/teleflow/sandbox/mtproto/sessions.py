"""All sessions, by key: finding and forgetting them, writing to them, pushing updates, looking after them.

Promises: a bounded number of sessions for each key; a push returns at once and never piles up behind a client that
does not read (it is told `updatesTooLong` when it reads again). It is the `Push` of the world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from telethon.tl import types

from teleflow.kit.clock import Clock
from teleflow.sandbox.mtproto import layers, tl
from teleflow.sandbox.mtproto.keys import AuthKey
from teleflow.sandbox.mtproto.msg_ids import MsgIds
from teleflow.sandbox.mtproto.salts import Salts
from teleflow.sandbox.mtproto.session import Session

MAX_SESSIONS_PER_KEY = 32
SESSION_KEPT = 600.0
"""Seconds for which a session without a connection is remembered."""
MAX_ORPHANS = 20_000
MAX_ORPHAN_BYTES = 64 * 1024 * 1024
"""Sessions without a connection, and what they keep to send again, in all; the oldest go first."""
RESEND_SWEEP = 5.0
"""Seconds between two looks for what was not acknowledged, which is most sessions' state most of the time."""
_NOBODY: dict[int, Session] = {}


class Sessions:
    """See the module."""

    def __init__(self, clock: Clock, ids: MsgIds, salts: Salts) -> None:
        self._clock = clock
        self._ids = ids
        self._salts = salts
        self._by_key: dict[int, dict[int, Session]] = {}
        self._ready: list[Session] = []
        self._chores: set[Session] = set()
        self._orphans: dict[Session, tuple[float, int]] = {}
        self._orphan_bytes = 0
        self.left: Callable[[Session], None] = lambda _session: None
        """Hears of a session that is being forgotten, while it still knows its connections."""
        self._unheard: set[Session] = set()
        self._resend_sweep = 0.0
        self.standing_for: Callable[[int], tuple[int, ...]] = lambda key_id: (key_id,)
        """The key and the temporary ones that stand for it."""

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def __iter__(self) -> Iterator[Session]:
        return iter([session for of_key in self._by_key.values() for session in of_key.values()])

    def get(self, key: AuthKey, session_id: int) -> Session:
        """The session, made when it is new."""
        of_key = self._by_key.get(key.key_id)
        if of_key is None:
            of_key = self._by_key[key.key_id] = {}
        session = of_key.get(session_id)
        if session is None:
            if len(of_key) >= MAX_SESSIONS_PER_KEY:
                self._make_room(of_key)
            of_key = self._by_key.setdefault(key.key_id, of_key)
            session = of_key[session_id] = Session(
                key, session_id, self._ids, self.salt_of, self._needs_flush, self._chores.add, self._unheard.add
            )
        return session

    def salt_of(self, key: AuthKey) -> int:
        return self._salts.current(key, self._ids.now())

    def find(self, key_id: int, session_id: int) -> Session | None:
        return self._by_key.get(key_id, {}).get(session_id)

    def adopted(self, session: Session) -> None:
        """The session has a connection."""
        _, size = self._orphans.pop(session, (0, 0))
        self._orphan_bytes -= size

    def orphaned(self, session: Session) -> None:
        """The session has lost its last connection."""
        self._orphans[session] = self._clock.monotonic(), session.kept_bytes
        self._orphan_bytes += session.kept_bytes
        while len(self._orphans) > MAX_ORPHANS or (self._orphan_bytes > MAX_ORPHAN_BYTES and len(self._orphans) > 1):
            self.forget(next(iter(self._orphans)))

    def _make_room(self, of_key: dict[int, Session]) -> None:
        """Forget the key's oldest session, one without a connection if there is any."""
        oldest = next((session for session in of_key.values() if not session.live), None)
        if oldest is None:
            oldest = next(iter(of_key.values()))
        for connection in list(oldest.connections):
            connection.close("too many sessions")
        self.forget(oldest)

    def forget(self, session: Session) -> None:
        self.left(session)
        session.end()
        self._chores.discard(session)
        self._unheard.discard(session)
        self.adopted(session)
        of_key = self._by_key.get(session.key.key_id)
        if of_key is not None and of_key.get(session.id) is session:
            del of_key[session.id]
            if not of_key:
                del self._by_key[session.key.key_id]
                session.key.standing.used_at = int(self._ids.now())

    def used(self, key_id: int) -> bool:
        """Whether the key has a session."""
        return key_id in self._by_key

    def _of(self, key_id: int) -> Iterator[Session]:
        """The sessions of a key and of those that stand for it."""
        for each in self.standing_for(key_id):
            yield from self._by_key.get(each, {}).values()

    def _needs_flush(self, session: Session) -> None:
        self._ready.append(session)
        if len(self._ready) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        for session in ready:
            session.flush()

    def push(self, key_id: int, updates: Any, *, except_session: int | None = None) -> None:
        bodies: dict[layers.Dialect | None, bytes] = {}
        for each in self.standing_for(key_id):
            for session in self._by_key.get(each, _NOBODY).values():
                if session.id == except_session or not session.wants_updates:
                    continue
                connection = session.connection
                if connection is None:
                    continue
                if connection.congested or session.lagging:
                    session.lagging = True  # the sweeper tells it later that it has missed something
                    self._chores.add(session)
                    continue
                older = layers.dialect(session.key.standing.layer)
                body = bodies.get(older)
                if body is None:
                    body = bodies[older] = tl.packed(bytes(updates if older is None else _said(older, updates)))
                session.send(body)

    def revoke(self, key_id: int) -> None:
        loop = asyncio.get_running_loop()
        # Two turns of the loop later, so that an answer that the same key waits for goes out first.
        loop.call_soon(loop.call_soon, self.drop_connections, key_id, "revoked")

    def live(self, key_id: int) -> bool:
        for each in self.standing_for(key_id):
            for session in self._by_key.get(each, _NOBODY).values():
                if session.live:
                    return True
        return False

    def drop_connections(self, key_id: int, cause: str) -> None:
        for session in list(self._of(key_id)):
            session.flush()
            for connection in list(session.connections):
                connection.close(cause)
            self.forget(session)

    def sweep(self) -> None:
        """Late acknowledgements, resending, forgetting."""
        now = self._clock.monotonic()
        for session in list(self._chores):
            connection = session.connection
            if session.lagging and connection is not None and not connection.congested:
                session.lagging = False
                session.send(bytes(types.UpdatesTooLong()))
            if not session.sweep():
                self._chores.discard(session)
        if now >= self._resend_sweep:
            self._resend_sweep = now + RESEND_SWEEP
            server_now = self._ids.now()
            self._unheard.difference_update([each for each in self._unheard if not each.resend(server_now)])
        for session, (since, _) in list(self._orphans.items()):
            if since > now - SESSION_KEPT:
                break
            self.forget(session)


def _said(older: layers.Dialect, updates: Any) -> Any:
    """Updates in the words of an older layer; those that are made late are made now."""
    return older.said(updates.made() if hasattr(updates, "made") else updates)
