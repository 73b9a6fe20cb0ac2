"""The sessions of this node: started, watched, stopped; what becomes of them is written down at once.

The one place that holds live sessions. Exactly one process may hold an auth key; on one node the lock on the
data directory sees to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import structlog

from teleflow.errors import Invalid, StorageUnavailable, TeleFlowError
from teleflow.events.followers import Followers
from teleflow.fleet.ended import refuse_ended
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.seal import SealBroken
from teleflow.kit.tasks import Tasks
from teleflow.model.operations.base import Operation
from teleflow.model.sessions import Credentials, Device, Profile, Session, SessionState
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.site import Site

_log = structlog.get_logger(__name__)
R = TypeVar("R")

_PAGE = 500
_WRITE_TRIES = 5
_START_AGAIN_S = 1.0


class Runner:
    """Keeps every authorised session connected. Is the `Watcher` and the local `Call` of its sessions."""

    def __init__(self, storage: Storage, clock: Clock, device: Device) -> None:
        self._storage = storage
        self._clock = clock
        self._device = device
        self._site: Site | None = None
        self._live: dict[str, LiveSession] = {}
        self._tasks = Tasks("runner")
        self._stopping = False
        self._all_started = asyncio.Event()
        self._forgetters: list[Callable[[str], None]] = []
        self._followers: Followers | None = None

    def settle_in(self, site: Site) -> None:
        """Runner and site name each other (the site's watcher is this runner): this ties the knot."""
        self._site = site

    def follow_with(self, followers: Followers) -> None:
        """Whoever follows the sessions' updates; they ask through the sessions, so they are made after this."""
        self._followers = followers

    @property
    def site(self) -> Site:
        if self._site is None:
            raise RuntimeError("the runner has no site yet")
        return self._site

    def on_end(self, forget: Callable[[str], None]) -> None:
        """`forget(session_id)` is called when a login has ended: what was known through it is void."""
        self._forgetters.append(forget)

    # -- life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to connect all sessions; returns at once, they come up at the connect limiter's pace."""
        self._tasks.start(self._start_all(), "start sessions")

    async def _start_all(self) -> None:
        after = None
        while True:
            try:
                page = await self._storage.sessions_to_run(limit=_PAGE, after=after)
                for session in page:
                    if session.id not in self._live:
                        await self.run(session)
            except StorageUnavailable:
                _log.warning("sessions.not_started_yet")
                await self._clock.sleep(_START_AGAIN_S)
                continue
            if len(page) < _PAGE:
                self._all_started.set()
                return
            after = page[-1].id

    async def stop(self) -> None:
        """Disconnect all. What they are in the database stays: the next start brings them back."""
        self._stopping = True
        await self._tasks.close()
        if self._followers is not None:
            await self._followers.stop()
        for live in list(self._live.values()):
            await live.stop()
        self._live.clear()

    # -- sessions -----------------------------------------------------------------------------------------

    async def run(self, session: Session) -> LiveSession | None:
        """Start a stored session, unless its key does not open; then its state tells why."""
        try:
            credentials = await self._storage.credentials(session.id)
            await self.profile(session.id)
        except SealBroken:
            _log.exception("session.seal_broken", session=session.id)
            await self.state_changed(session.id, SessionState.DISCONNECTED, "SEAL_BROKEN")
            return None
        if credentials is None:
            await self.state_changed(session.id, SessionState.LOGGED_OUT, "NO_CREDENTIALS")
            return None
        return await self.adopt(session.id, credentials, authorised=session.authorised, impaired=session.impaired)

    async def adopt(
        self, session_id: str, credentials: Credentials, *, authorised: bool, impaired: SessionState | None = None
    ) -> LiveSession:
        """Start a session with these credentials. One that runs already is what you get.

        Its way out is its profile's and no other: a proxy that does not open keeps it down (SealBroken).
        """
        profile = await self.profile(session_id)
        standing = self._live.get(session_id)
        if standing is not None:
            return standing
        live = LiveSession(
            session_id, credentials, profile=profile, authorised=authorised, site=self.site, impaired=impaired
        )
        self._live[session_id] = live
        live.start()
        return live

    async def profile(self, session_id: str) -> Profile:
        """The session's device and way out. One that has none yet is given ours, for good. Raises SealBroken."""
        found = await self._storage.profile(session_id)
        if found is None:
            found = Profile(device=self._device)
            await self._storage.save_profile(session_id, found)
        return found

    def live(self, session_id: str) -> LiveSession | None:
        return self._live.get(session_id)

    @asynccontextmanager
    async def ending(self, session_id: str) -> AsyncIterator[None]:
        """Stop a session whose login is over; the body writes that down.

        Until it has, callers hear it from the session itself: the row still says otherwise.
        """
        live = self._live.get(session_id)
        if self._followers is not None:
            await self._followers.drop(session_id)
        try:
            if live is not None:
                await live.stop(ended=SessionState.LOGGED_OUT if live.authorised else None)
            self.forget(session_id)
            yield
        finally:
            if self._live.get(session_id) is live:
                self._live.pop(session_id, None)

    def forget(self, session_id: str) -> None:
        for forget in self._forgetters:
            forget(session_id)

    async def drop(self, session_id: str, *, by_owner: bool = False) -> None:
        """Stop a session and forget it here; nothing changes in the database."""
        live = self._live.pop(session_id, None)
        if self._followers is not None:
            await self._followers.drop(session_id)
        if live is not None:
            await live.stop(by_owner=by_owner)

    @property
    def count(self) -> int:
        """How many sessions are online now."""
        return sum(1 for live in self._live.values() if live.authorised and live.is_connected)

    async def call(self, session_id: str, operation: Operation[R], *, within: float) -> R:
        """See `telegram.base.Call`."""
        live = self._live.get(session_id)
        if live is None:
            live = await self._awaited(session_id, within)
        return await live.call(operation, within=within)

    async def _awaited(self, session_id: str, within: float) -> LiveSession:
        """A session that does not run: at start it may be about to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._all_started.wait()
        live = self._live.get(session_id)
        if live is None:
            # Whoever asks may have looked a moment before the login ended: what counts is how it stands now.
            session = await self._storage.session_by_id(session_id)
            if session is not None:
                refuse_ended(session)
            raise Invalid("The session is not connected", code="SESSION_NOT_CONNECTED")
        return live

    # -- what sessions tell -------------------------------------------------------------------------------

    async def state_changed(self, session_id: str, state: SessionState, cause: str | None) -> None:
        if self._stopping:
            return
        _log.info("session.state", session=session_id, state=state.value, cause=cause)
        now = milliseconds(self._clock.time())
        try:
            if not await self._storage.set_session_state(session_id, state, cause=cause, now=now):
                _log.info("session.state_too_late", session=session_id, state=state.value)
        except TeleFlowError:
            # The live state is the truth and is what callers are told; the row follows with the next change.
            _log.warning("session.state_not_stored", session=session_id)

    def is_up(self, session_id: str) -> None:
        live = self._live.get(session_id)
        if live is not None and self._followers is not None and not self._stopping:
            self._followers.is_up(session_id, live)

    async def credentials_changed(self, session_id: str, credentials: Credentials) -> None:
        """Raises StorageUnavailable: a key that is not kept must not be used for a login."""
        await self._storage.save_credentials(session_id, credentials)

    async def login_ended(self, session_id: str, state: SessionState, cause: str) -> None:
        _log.warning("session.login_ended", session=session_id, state=state.value, cause=cause)
        ended = self._live.get(session_id)
        if self._followers is not None:
            await self._followers.drop(session_id)
        self.forget(session_id)
        await self._forget_authorisation(session_id, state, cause)
        if self._live.get(session_id) is ended:  # until it is written down, callers hear it from the session itself
            self._live.pop(session_id, None)

    async def _forget_authorisation(self, session_id: str, state: SessionState, cause: str) -> None:
        for attempt in range(_WRITE_TRIES):
            try:
                now = milliseconds(self._clock.time())
                await self._storage.forget_authorisation(session_id, state, cause=cause, now=now)
            except TeleFlowError:
                _log.warning("session.end_not_stored", session=session_id, attempt=attempt)
                await self._clock.sleep(2.0**attempt)
            else:
                return
