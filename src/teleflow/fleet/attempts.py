"""Logins under way, whatever way they go: stored, counted, ended in time.

Promises: what Telegram gave (the code's hash, the key that asked for it) is stored before a caller is told, so a
restart in between changes nothing; an attempt has five tries and ten minutes, then it is closed and its key thrown
away; few codes an hour are asked for one phone, whoever asks.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from teleflow.errors import Conflict, Invalid, Limited, NotFound, TeleFlowError, Unavailable
from teleflow.fleet.locks import Locks
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.sessions import QR, Credentials, LoginAttempt, Session, SessionState
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import Account
from teleflow.telegram.standing import standing

_log = structlog.get_logger(__name__)

ATTEMPT_LIFE_MS = 600_000
CODE_TRIES = 5
PASSWORD_TRIES = 5
_HOUR_MS = 3_600_000
_SWEEP_EVERY_S = 30.0
_PAGE = 500
# After one of these the attempt is over, as Telegram sees it.
_CLOSING = frozenset({"LOGIN_FLOOD", "PHONE_CODE_EXPIRED", "PHONE_NOT_REGISTERED"})


class Attempts:
    """`on_close(session_id)` hears of each attempt that is given up."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, locks: Locks, *, codes_per_hour: int) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._locks = locks
        self._codes_per_hour = codes_per_hour
        self._expires: dict[str, int] = {}
        self._awaited: dict[str, str] = {}  # session → the phone whose code it waits for
        self._asking: Counter[str] = Counter()
        self._tasks = Tasks("logins")
        self._closers: list[Callable[[str], None]] = []

    def on_close(self, closer: Callable[[str], None]) -> None:
        self._closers.append(closer)

    async def start(self) -> list[str]:
        """Take over the logins that were under way when the last process ended, so that they end in time too.

        Their sessions.
        """
        after = None
        while page := await self._storage.attempts_under_way(limit=_PAGE, after=after):
            self._expires.update((session_id, expires_at or 0) for session_id, expires_at in page)
            for session_id, _ in page:
                attempt = await self._storage.attempt(session_id)
                if attempt is not None:
                    self._awaited[session_id] = attempt.phone
            after = page[-1][0]
        self._tasks.start(self._close_abandoned(), "close abandoned logins")
        return list(self._expires)

    async def stop(self) -> None:
        await self._tasks.close()

    # -- links --------------------------------------------------------------------------------------------

    async def fresh_link(self, session: Session, api_id: int, api_hash: str) -> LiveSession:
        """The link of an attempt that is under way, else a new one at the home data centre, without a key."""
        live = self._runner.live(session.id)
        if live is not None and live.credentials.api_id == api_id:
            return live
        await self._runner.drop(session.id)
        stored = await self._storage.credentials(session.id)
        home = self._runner.site.telegram.home
        blank = Credentials(home.id, home.host, home.port, b"", 0, api_id, api_hash)
        if stored is not None and stored.api_id == api_id and self._runner.site.telegram.centre(stored.dc_id):
            blank = replace(stored, api_hash=api_hash)
        self._expires[session.id] = milliseconds(self._clock.time()) + ATTEMPT_LIFE_MS
        return await self._runner.adopt(session.id, blank, authorised=False)

    async def same_link(self, session: Session) -> LiveSession:
        """The link that asked for the code; after a restart, a new one with the same key."""
        live = self._runner.live(session.id)
        if live is not None:
            return live
        credentials = await self._storage.credentials(session.id)
        if credentials is None:
            await self._storage.end_attempt(session.id)
            raise Invalid("The login was given up: ask for a new code", code="PHONE_CODE_EXPIRED")
        return await self._runner.adopt(session.id, credentials, authorised=False)

    # -- attempts -----------------------------------------------------------------------------------------

    async def fresh(self, session: Session) -> Session:
        """The session as it is now. Raises NotFound."""
        found = await self._storage.session(session.user_id, session.id)
        if found is None:
            raise NotFound("There is no such session", code="SESSION_NOT_FOUND")
        return found

    async def opened(self, session: Session) -> LoginAttempt:
        """The attempt under way. Raises Conflict when the login is done, Invalid when there is none."""
        attempt = await self._storage.attempt(session.id)
        if attempt is None:
            if (await self.fresh(session)).authorised:
                raise Conflict("The account is logged in already", code="ALREADY_LOGGED_IN")
            raise Invalid("No code was asked for, or it was given up: ask for a new one", code="PHONE_CODE_EXPIRED")
        if attempt.expires_at <= milliseconds(self._clock.time()):
            await self.give_up(session.id, "LOGIN_EXPIRED")
            raise Invalid("The login has expired: ask for a new code", code="PHONE_CODE_EXPIRED")
        return attempt

    async def remember(
        self,
        session: Session,
        *,
        kind: str,
        phone_code_hash: str = "",
        next_kind: str | None = None,
        timeout: int | None = None,
        of: LoginAttempt | None = None,
        cause: str | None = None,
    ) -> LoginAttempt:
        """Store a new attempt, or (`of`) the next code of one under way, whose ticket, tries and end stay."""
        now = milliseconds(self._clock.time())
        attempt = LoginAttempt(
            session_id=session.id,
            phone=session.phone,
            phone_code_hash=phone_code_hash,
            code_type=kind,
            next_type=next_kind or None,
            resend_at=now + timeout * 1000 if timeout else None,
            expires_at=of.expires_at if of else now + ATTEMPT_LIFE_MS,
            tries=of.tries if of else 0,
            password_tries=of.password_tries if of else 0,
            created_at=of.created_at if of else now,
            ticket=of.ticket if of else secrets.token_urlsafe(18),
        )
        await self._storage.put_attempt(attempt)
        await self._storage.set_session_state(session.id, SessionState.CODE_SENT, cause=cause, now=now)
        self._expires[session.id] = attempt.expires_at
        if kind != QR:
            self._awaited[session.id] = attempt.phone
        return attempt

    def awaits_code(self, phone: str) -> bool:
        """Is a login of this account under way here, whoever's, whose code may have arrived?"""
        return phone in self._awaited.values()

    async def count(self, session: Session, attempt: LoginAttempt, error: Invalid) -> None:
        """A wrong code or password. Raises Limited when it was one too many."""
        if error.code == "PHONE_CODE_INVALID":
            attempt, most = replace(attempt, tries=attempt.tries + 1), CODE_TRIES
            tries = attempt.tries
        else:
            attempt, most = replace(attempt, password_tries=attempt.password_tries + 1), PASSWORD_TRIES
            tries = attempt.password_tries
        if tries >= most:
            await self.give_up(session.id, "TOO_MANY_TRIES")
            raise Limited("Too many wrong tries: ask for a new code", code="LOGIN_FLOOD", retry_after=60) from error
        await self._storage.put_attempt(attempt)
        error.details["attemptsLeft"] = most - tries

    async def finish(self, session: Session, live: LiveSession, account: Account, *, method: str) -> None:
        """Telegram took the login. What happens to the account from here on is told."""
        live.tap.on_update = None
        start = await standing(live)
        now = milliseconds(self._clock.time())
        await self._storage.save_credentials(session.id, live.credentials)
        await self._storage.authorise_session(
            session.id,
            account_id=account.id,
            account_name=account.name,
            phone=account.phone or session.phone,
            now=now,
            start=start,
            audit=AuditEntry(
                Act.SESSION_AUTHORIZED.value,
                now,
                user_id=session.user_id,
                actor_id=session.user_id,
                target=session.id,
                details={"method": method},
            ),
        )
        self._ended(session.id)
        _log.info("session.authorised", session=session.id, method=method)
        await live.now_authorised()

    async def give_up(self, session_id: str, cause: str, state: SessionState = SessionState.NEW) -> None:
        self._ended(session_id)
        for closer in self._closers:
            closer(session_id)
        await self._runner.drop(session_id)
        await self._storage.forget_authorisation(session_id, state, cause=cause, now=milliseconds(self._clock.time()))
        await self._storage.end_attempt(session_id)

    def _ended(self, session_id: str) -> None:
        self._expires.pop(session_id, None)
        self._awaited.pop(session_id, None)

    def forget(self, session_id: str) -> None:
        """The session is taken away by somebody else."""
        self._ended(session_id)
        for closer in self._closers:
            closer(session_id)

    @asynccontextmanager
    async def judged(self, session_id: str) -> AsyncIterator[None]:
        """What some refusals mean for the attempt: banned numbers and floods end it."""
        try:
            yield
        except TeleFlowError as error:
            if error.code == "ACCOUNT_BANNED":
                await self.give_up(session_id, str(error.details.get("telegramError", error.code)), SessionState.BANNED)
            elif error.code in _CLOSING and "telegramError" in error.details:
                await self.give_up(session_id, str(error.details["telegramError"]))
            raise

    @asynccontextmanager
    async def code_spent(self, phone: str) -> AsyncIterator[None]:
        """Codes are a way to pester somebody else's phone: few an hour, whoever asks.

        What never left for Telegram made no phone ring, and is not counted.
        """
        now = milliseconds(self._clock.time())
        asked = await self._storage.codes_requested(phone, since=now - _HOUR_MS)
        if asked + self._asking[phone] >= self._codes_per_hour:
            raise Limited(
                "Too many codes were asked for this number: wait an hour", code="LOGIN_FLOOD", retry_after=3600
            )
        self._asking[phone] += 1
        left = True
        try:
            yield
        except Unavailable as error:
            left = error.code != "TELEGRAM_UNREACHABLE"
            raise
        finally:
            self._asking[phone] -= 1
            if not self._asking[phone]:
                del self._asking[phone]
            if left:
                await self._storage.note_code_request(phone, now=now)

    async def _close_abandoned(self) -> None:
        while True:
            await self._clock.sleep(_SWEEP_EVERY_S)
            now = milliseconds(self._clock.time())
            for session_id in [key for key, expires in self._expires.items() if expires <= now]:
                try:
                    async with self._locks.of(session_id):  # a step that is being taken may yet succeed
                        if self._expires.get(session_id, now + 1) <= now:
                            await self.give_up(session_id, "LOGIN_EXPIRED")
                except TeleFlowError as error:
                    _log.warning("login.not_closed", session=session_id, cause=error.code)
