"""Logins by QR code: one task for each keeps its code fresh, and sees when somebody has scanned it.

Promises: the code that is shown is good for some seconds yet; a scan is noticed at once by Telegram's update, and at
the next refresh where that was lost; a restart goes on with the same key; after the attempt's ten minutes it is over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from teleflow.errors import Conflict, Kind, TeleFlowError, Unavailable
from teleflow.fleet.attempts import Attempts
from teleflow.fleet.locks import Locks
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.logins import QrLogin, QrStep
from teleflow.model.sessions import QR, Session, SessionState
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.qr import PasswordWanted, ShownToken, next_token, tells_of_scan

_log = structlog.get_logger(__name__)

REFRESH_BEFORE_S = 5.0
_SHOWN_WITHIN_S = 20.0
_AGAIN_S = 2.0
_LONGEST_PAUSE_S = 60.0
_MOST_EXCEPTIONS = 100
_PASSING = frozenset({Kind.UNAVAILABLE, Kind.LIMITED, Kind.UPSTREAM})


@dataclass(slots=True)
class _Running:
    """One login: the code shown now, and news for those who wait for it."""

    session: Session
    live: LiveSession
    scanned: asyncio.Event = field(default_factory=asyncio.Event)
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    token: QrLogin | None = None
    error: TeleFlowError | None = None
    task: asyncio.Task[None] | None = None


class QrLogins:
    """Begun, polled, and ended by `Attempts`."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, attempts: Attempts, locks: Locks) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._attempts = attempts
        self._locks = locks
        self._running: dict[str, _Running] = {}
        self._tasks = Tasks("qr logins")
        attempts.on_close(self._end)

    async def stop(self) -> None:
        await self._tasks.close()
        self._running.clear()

    async def resume(self, session_id: str) -> None:
        """Go on with a login that an earlier process began, if it was one by QR code."""
        attempt = await self._storage.attempt(session_id)
        session = await self._storage.session_by_id(session_id)
        if attempt is None or attempt.code_type != QR or session is None or session.state is not SessionState.CODE_SENT:
            return
        try:
            live = await self._attempts.same_link(session)
        except TeleFlowError as error:
            _log.warning("qr.not_resumed", session=session_id, cause=error.code)
            return
        self._start(session, live)

    async def begin(self, session: Session, *, api_id: int, api_hash: str) -> QrLogin:
        """Raises Conflict when the account is logged in; what Telegram says against it."""
        async with self._locks.of(session.id):
            if (await self._attempts.fresh(session)).authorised:
                raise Conflict("The account is logged in already", code="ALREADY_LOGGED_IN")
            if await self._storage.attempt(session.id) is not None:
                await self._attempts.give_up(session.id, "LOGIN_BEGUN_ANEW")
            live = await self._attempts.fresh_link(session, api_id, api_hash)
            await self._attempts.remember(session, kind=QR, cause="QR")
            running = self._start(session, live)
            try:
                async with asyncio.timeout(_SHOWN_WITHIN_S):
                    await running.shown.wait()
            except TimeoutError:
                running.error = Unavailable("There is no connection to Telegram", code="TELEGRAM_UNREACHABLE")
            if running.error is not None:
                await self._attempts.give_up(session.id, running.error.code)
                raise running.error
        return await self.shown(session)

    async def shown(self, session: Session) -> QrLogin:
        """How it stands. Raises NotFound, Conflict when another kind of login is under way."""
        fresh = await self._attempts.fresh(session)
        if fresh.authorised:
            return QrLogin(QrStep.LOGGED_IN)
        if fresh.state is SessionState.PASSWORD_NEEDED:
            return QrLogin(QrStep.PASSWORD_REQUIRED)
        if fresh.state is not SessionState.CODE_SENT:
            return QrLogin(QrStep.EXPIRED)
        running = self._running.get(session.id)
        if running is None:
            if fresh.cause != "QR":
                raise Conflict("This login goes by code, not by QR", code="LOGIN_STEP_WRONG")
            return QrLogin(QrStep.QR_REQUIRED)
        return running.token or QrLogin(QrStep.QR_REQUIRED)

    # -- inside -------------------------------------------------------------------------------------------

    def _start(self, session: Session, live: LiveSession) -> _Running:
        running = self._running[session.id] = _Running(session, live)

        def heard(body: memoryview) -> None:
            if tells_of_scan(body):
                running.scanned.set()

        live.tap.on_update = heard
        running.task = self._tasks.start(self._keep(running), f"qr:{session.id}")
        return running

    def _end(self, session_id: str) -> None:
        running = self._running.pop(session_id, None)
        if running is None:
            return
        running.live.tap.on_update = None
        if running.task is not None and running.task is not asyncio.current_task():
            running.task.cancel()

    async def _keep(self, running: _Running) -> None:
        except_ids = await self._accounts_of(running.session.user_id)
        while True:
            running.scanned.clear()
            try:
                answer = await next_token(running.live, self._runner.site, except_ids=except_ids)
            except PasswordWanted:
                await self._wants_password(running)
                return
            except TeleFlowError as error:
                if error.kind not in _PASSING:
                    await self._failed(running, error)
                    return
                # Nobody has a code to scan meanwhile; the attempt's own end is the end of this.
                running.token = None
                await asyncio.sleep(min(error.retry_after or _AGAIN_S, _LONGEST_PAUSE_S))
                continue
            if not isinstance(answer, ShownToken):
                running.shown.set()
                async with self._locks.of(running.session.id):
                    await self._attempts.finish(running.session, running.live, answer, method=QR)
                    self._running.pop(running.session.id, None)
                return
            expires_at = milliseconds(self._clock.time() + answer.expires_in)
            running.token = QrLogin(QrStep.QR_REQUIRED, answer.url, expires_at)
            running.shown.set()
            try:
                async with asyncio.timeout(max(1.0, answer.expires_in - REFRESH_BEFORE_S)):
                    await running.scanned.wait()
            except TimeoutError:
                continue

    async def _wants_password(self, running: _Running) -> None:
        running.live.tap.on_update = None
        self._running.pop(running.session.id, None)
        await self._storage.set_session_state(
            running.session.id,
            SessionState.PASSWORD_NEEDED,
            cause="SESSION_PASSWORD_NEEDED",
            now=milliseconds(self._clock.time()),
        )
        running.shown.set()

    async def _failed(self, running: _Running, error: TeleFlowError) -> None:
        _log.warning("qr.failed", session=running.session.id, cause=error.code)
        running.error = error
        if running.shown.is_set():  # else whoever began it hears of it, and gives it up
            async with self._locks.of(running.session.id):
                state = SessionState.BANNED if error.code == "ACCOUNT_BANNED" else SessionState.NEW
                await self._attempts.give_up(running.session.id, error.code, state)
        running.shown.set()

    async def _accounts_of(self, user_id: str) -> list[int]:
        """Who is logged in here already: Telegram refuses to log them in twice."""
        sessions = await self._storage.sessions(user_id, limit=_MOST_EXCEPTIONS)
        return [session.account_id for session in sessions if session.authorised and session.account_id is not None]
