"""One follower a session: takes its updates in order, and puts what they tell into the log.

Promises: an event and the position that it moves are one commit; what can't be stored is tried until it can, and
nothing overtakes it; a session that is gone stops its follower.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import structlog

from teleflow.errors import StorageUnavailable
from teleflow.events.ahead import Ahead
from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import Clock, loop_time, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.meters import Meters
from teleflow.model.events import EventType
from teleflow.model.peers import Known
from teleflow.model.sessions import Session
from teleflow.storage.base import Storage
from teleflow.telegram.tap import Tap
from teleflow.telegram.updates.feed import Feed
from teleflow.telegram.updates.gaps import Batch, Surroundings
from teleflow.telegram.updates.teller import Teller
from teleflow.wire.messages import FileIdOf

_log = structlog.get_logger(__name__)
_ASKED_AT_ONCE = 32  # differences that all sessions of a process ask for at one time
_STORE_AGAIN = FullJitter(first=0.2, most=5.0)
_BEGIN_AGAIN = FullJitter(first=1.0, most=60.0)
_STEADY_S = 60.0
_OWNER_WITHIN_S = 30.0
_OWNER_EVERY_S = 0.2
_WISHES_EVERY_S = 1.0


class Followed(Protocol):
    """A live session, as a follower knows it."""

    tap: Tap

    @property
    def is_connected(self) -> bool: ...

    async def repeat(self, request: Any, *, within: float) -> Any: ...


class Followers:
    """The followers of this node's sessions."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        chance: random.Random,
        *,
        learn: Callable[[str, Sequence[Known]], None],
        file_id: FileIdOf,
        meters: Meters | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._chance = chance
        self._learn = learn
        self._file_id = file_id
        self._meters = meters
        self._turn = asyncio.Semaphore(_ASKED_AT_ONCE)
        self._tasks = Tasks("followers")
        self._running: dict[str, tuple[Followed, asyncio.Task[None]]] = {}
        self._raw: frozenset[str] = frozenset()
        self._watching: asyncio.Task[None] | None = None

    def is_up(self, session_id: str, live: Followed) -> None:
        """The session was answered on a new link: follow it, from where the log has it."""
        running = self._running.get(session_id)
        if running is not None and running[0] is live and not running[1].done():
            if isinstance(live.tap.updates, Feed):
                live.tap.updates.up()
            return
        if running is not None:
            running[1].cancel()
        if self._watching is None:
            self._watching = self._tasks.start(self._watch_wishes(), "wishes")
        task = self._tasks.start(self._follow(session_id, live), f"follow:{session_id}")
        self._running[session_id] = (live, task)

    async def drop(self, session_id: str) -> None:
        running = self._running.pop(session_id, None)
        if running is None:
            return
        live, task = running
        live.tap.updates = None
        if task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait([task], timeout=5)

    async def stop(self) -> None:
        for live, _ in self._running.values():
            live.tap.updates = None
        self._running.clear()
        await self._tasks.close()

    async def _follow(self, session_id: str, live: Followed) -> None:
        session = await self._owner(session_id)
        if session is None or session.account_id is None:
            return
        attempt = 0
        while True:
            began = self._clock.monotonic()
            try:
                await self._follow_from_log(session, session.account_id, live)
            except Exception:  # noqa: BLE001 - a bug met by one update must not end the following of all that come after
                _log.exception("updates.follower_failed", session=session_id)
            else:
                return
            attempt = 0 if self._clock.monotonic() - began > _STEADY_S else attempt + 1
            await self._clock.sleep(_BEGIN_AGAIN.delay(attempt, self._chance))

    async def _follow_from_log(self, session: Session, me: int, live: Followed) -> None:
        feed = await self._feed(session, me, live)
        live.tap.updates = feed
        if live.is_connected:
            feed.up()
        ahead = Ahead(partial(self._store, session), feed.end, self._tasks, self._clock)
        try:
            while (batch := await feed.next()) is not None:
                await ahead.put(batch)
        finally:
            if live.tap.updates is feed:
                live.tap.updates = None
            await ahead.close()

    async def _feed(self, session: Session, me: int, live: Followed) -> Feed:
        positions, faces = await self._patiently(partial(_standing, self._storage, session.id))
        around = Surroundings(
            ask=live.repeat,
            learn=partial(self._learn, session.id),
            recall=partial(self._storage.peer, session.id),
            clock=self._clock,
            chance=self._chance,
            turn=self._turn,
        )
        teller = Teller(
            session.id, me, partial(self._file_id, session.id), wants_raw=lambda: session.user_id in self._raw
        )
        return Feed(teller, positions, faces, around)

    async def _watch_wishes(self) -> None:
        """Raw updates are stored for those who have an endpoint that names them, and for nobody else."""
        while True:
            with suppress(StorageUnavailable):
                self._raw = await self._storage.who_wants(EventType.RAW_UPDATE.value)
            await self._clock.sleep(_WISHES_EVERY_S)

    async def _owner(self, session_id: str) -> Session | None:
        """Whose it is; a login that was taken a moment ago may not be written down yet."""
        until = self._clock.monotonic() + _OWNER_WITHIN_S
        while self._clock.monotonic() < until:
            found: Session | None = await self._patiently(partial(self._storage.session_by_id, session_id))
            if found is None or (found.authorised and found.account_id is not None):
                return found
            await self._clock.sleep(_OWNER_EVERY_S)
        return None

    async def _store(self, session: Session, batch: Batch) -> bool:
        """False when there is nobody to keep it for."""

        async def append() -> int | None:
            return await self._storage.append_events(
                session.user_id,
                batch.events,
                now=milliseconds(self._clock.time()),
                session_id=session.id,
                positions=batch.positions,
                faces=batch.faces,
            )

        kept = await self._patiently(append) is not None
        if self._meters is not None and batch.came_at is not None and batch.events:
            self._meters.events(loop_time() - batch.came_at)
        return kept

    async def _patiently(self, work: Callable[[], Any]) -> Any:
        attempt = 0
        while True:
            try:
                return await work()
            except StorageUnavailable:
                _log.warning("events.not_stored_yet", attempt=attempt)
                await self._clock.sleep(_STORE_AGAIN.delay(attempt, self._chance))
                attempt += 1


async def _standing(storage: Storage, session_id: str) -> tuple[Any, Any]:
    return await storage.positions(session_id), await storage.faces(session_id)
