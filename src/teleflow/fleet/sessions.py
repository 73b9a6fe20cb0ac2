"""What an owner does with a session that is logged in: connect, disconnect, another way, log out, delete.

One at a time with each session. What was wanted is written down before it is told, so that a restart keeps to it.
"""

from __future__ import annotations

import structlog

from teleflow.errors import Conflict, Forbidden, Invalid, TeleFlowError
from teleflow.fleet.attempts import Attempts
from teleflow.fleet.locks import Locks
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.operations.account import LogOut
from teleflow.model.proxies import Proxy
from teleflow.model.sessions import Profile, Session, SessionState
from teleflow.storage.base import Storage

_log = structlog.get_logger(__name__)

_CONNECT_WAIT_S = 10.0
_LOG_OUT_WITHIN_S = 10.0


class Sessions:
    """See the module."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, attempts: Attempts, locks: Locks) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._attempts = attempts
        self._locks = locks

    async def connect(self, session: Session) -> bool:
        """Bring it up; whether it is, after a short wait. Idempotent. A restriction is given another try.

        Raises Conflict where there is no login, Forbidden for a banned account.
        """
        async with self._locks.of(session.id):
            fresh = await self._attempts.fresh(session)
            _require_login(fresh)
            live = self._runner.live(session.id)
            if live is None:
                live = await self._runner.run(fresh)
            if live is None:
                raise Conflict("What opens this account can't be read: log in again", code="SESSION_LOGGED_OUT")
            if live.state is SessionState.RESTRICTED:
                live.relieve()
        return await live.is_reached(within=_CONNECT_WAIT_S)

    async def disconnect(self, session: Session) -> None:
        """Take it down, for restarts too. Raises Invalid SESSION_NOT_CONNECTED when it is down."""
        async with self._locks.of(session.id):
            fresh = await self._attempts.fresh(session)
            if not fresh.authorised or self._runner.live(session.id) is None:
                raise Invalid("The session is not connected", code="SESSION_NOT_CONNECTED")
            await self._runner.drop(session.id, by_owner=True)
            await self._storage.set_session_state(
                session.id,
                SessionState.DISCONNECTED,
                cause="DISCONNECTED_HERE",
                now=milliseconds(self._clock.time()),
            )

    async def check_proxy(self, proxy: Proxy) -> None:
        """Raises Invalid for one that may not be used here."""
        await self._runner.site.proxies.check(proxy)

    async def profile(self, session: Session) -> Profile:
        return await self._runner.profile(session.id)

    async def reroute(self, session: Session, proxy: Proxy | None) -> None:
        """Another way from now on; None is the straight one."""
        async with self._locks.of(session.id):
            profile = await self._runner.profile(session.id)
            changed = Profile(profile.device, proxy, profile.api)
            await self._storage.save_profile(session.id, changed)
            live = self._runner.live(session.id)
            if live is not None:
                live.reroute(changed)

    async def log_out(self, session: Session, *, audit: AuditEntry | None = None) -> None:
        """At Telegram as far as it is heard, and here in any case. The row stays."""
        async with self._locks.of(session.id):
            await self._end_at_telegram(session)
            async with self._runner.ending(session.id):
                now = milliseconds(self._clock.time())
                await self._storage.end_attempt(session.id)
                await self._storage.forget_authorisation(
                    session.id, SessionState.LOGGED_OUT, cause="LOGGED_OUT_HERE", now=now, audit=audit
                )

    async def delete(self, session: Session, *, audit: AuditEntry | None = None) -> None:
        """Log out, and leave nothing. Raises NotFound when it is gone already."""
        async with self._locks.of(session.id):
            await self._attempts.fresh(session)
            await self._end_at_telegram(session)
            async with self._runner.ending(session.id):
                await self._storage.delete_session(session.user_id, session.id, audit=audit)

    async def _end_at_telegram(self, session: Session) -> None:
        self._attempts.forget(session.id)
        live = self._runner.live(session.id)
        if live is None:
            fresh = await self._storage.session(session.user_id, session.id)
            if fresh is not None and fresh.authorised:  # disconnected: the login is to end all the same
                live = await self._runner.run(fresh)
        if live is not None and live.authorised:
            try:
                await live.call(LogOut(), within=_LOG_OUT_WITHIN_S)
            except TeleFlowError as error:
                # The key is destroyed here all the same; the account's owner can end the login from a phone.
                _log.warning("session.log_out_unheard", session=session.id, cause=error.code)


def _require_login(session: Session) -> None:
    if session.state is SessionState.BANNED:
        raise Forbidden("Telegram has banned or deleted this account", code="ACCOUNT_BANNED")
    if session.state is SessionState.LOGGED_OUT:
        raise Conflict("Telegram has ended this login: log in again", code="SESSION_LOGGED_OUT")
    if not session.authorised:
        raise Conflict("The login is not finished", code="LOGIN_NOT_FINISHED")
