"""Logins under way: server-side objects that outlive the process.

What Telegram gave (the code's hash, the key that asked for it) is stored before the caller is told that a code
is on its way, so a restart between code and verification changes nothing. An attempt has five tries and ten
minutes; then it is closed and its key thrown away.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from teleflow.errors import Conflict, Invalid, Limited, TeleFlowError, Unavailable, Uncertain
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.tasks import Tasks
from teleflow.model.logins import CodeSent, LoggedIn, Status
from teleflow.model.operations.account import GetMe, LogOut
from teleflow.model.sessions import Credentials, LoginAttempt, Session, SessionState
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import Account, SentLoginCode, check_password, send_code, sign_in

_log = structlog.get_logger(__name__)

ATTEMPT_LIFE_MS = 600_000
CODE_TRIES = 5
PASSWORD_TRIES = 5
_HOUR_MS = 3_600_000
_LOG_OUT_WITHIN_S = 10.0
_SWEEP_EVERY_S = 30.0
_PAGE = 500

_DETAIL = {
    SessionState.NEW: "No login was begun",
    SessionState.CODE_SENT: "A code was sent: verify it",
    SessionState.PASSWORD_NEEDED: "The account's cloud password is needed",
    SessionState.CONNECTING: "Connecting to Telegram",
    SessionState.ONLINE: "Connecting to Telegram",  # as it was when the last process ended
    SessionState.RECONNECTING: "The connection to Telegram broke; it is being restored",
    SessionState.DISCONNECTED: "Disconnected",
    SessionState.LOGGED_OUT: "Telegram has ended this login: log in again",
    SessionState.BANNED: "Telegram has banned or deleted this account",
    SessionState.FROZEN: "Telegram has frozen this account",
    SessionState.RESTRICTED: "Telegram restricts this account from writing to strangers",
}


class Logins:
    """Log in, log out, and how things stand."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, *, codes_per_hour: int) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._codes_per_hour = codes_per_hour
        self._locks: dict[str, asyncio.Lock] = {}
        self._expires: dict[str, int] = {}
        self._asking: Counter[str] = Counter()
        self._tasks = Tasks("logins")

    async def start(self) -> None:
        """Take over the logins that were under way when the last process ended, so that they end in time too."""
        after = None
        while page := await self._storage.attempts_under_way(limit=_PAGE, after=after):
            self._expires.update((session_id, expires_at or 0) for session_id, expires_at in page)
            after = page[-1][0]
        self._tasks.start(self._close_abandoned(), "close abandoned logins")

    async def stop(self) -> None:
        await self._tasks.close()

    # -- steps --------------------------------------------------------------------------------------------

    async def start_login(self, session: Session, *, api_id: int, api_hash: str) -> CodeSent:
        async with self._lock(session.id):
            fresh = await self._storage.session(session.user_id, session.id) or session
            if fresh.authorised:
                if self._runner.live(session.id) is None:
                    await self._runner.run(fresh)
                return CodeSent(code_type="", timeout=None, already=True, phone=fresh.phone)
            try:
                async with self._code_spent(session.phone):
                    live = await self._fresh_link(session, api_id, api_hash)
                    answer = await send_code(
                        live, self._runner.site, phone=session.phone, api_id=api_id, api_hash=api_hash
                    )
            except TeleFlowError:
                if await self._storage.attempt(session.id) is None:
                    await self._runner.drop(session.id)
                raise
            if isinstance(answer, Account):
                await self._done(session, live, answer)
                return CodeSent(code_type="", timeout=None, already=True, phone=answer.phone or session.phone)
            await self._remember(session, answer)
            return CodeSent(code_type=answer.kind, timeout=answer.timeout, already=False, phone=session.phone)

    async def verify_code(self, session: Session, code: str, password: str | None) -> LoggedIn:
        async with self._lock(session.id):
            attempt = await self._open_attempt(session)
            live = await self._same_link(session)
            fresh = await self._storage.session(session.user_id, session.id) or session
            try:
                if fresh.state is SessionState.PASSWORD_NEEDED:
                    account = await self._with_password(session, attempt, live, password)
                else:
                    account = await self._with_code(session, attempt, live, code, password)
            except Uncertain:
                account = await self._maybe_done(live)
            await self._done(session, live, account)
            return LoggedIn(name=account.name, phone=account.phone or session.phone)

    async def status(self, session: Session) -> Status:
        live = self._runner.live(session.id)
        if live is None or not live.authorised:
            detail = _DETAIL.get(session.state)
            if session.state is SessionState.NEW and session.cause is not None:
                detail = f"The login was given up ({session.cause}): ask for a new code"
            state = session.state.value
            return Status(connected=False, state=state, phone=session.phone, name=session.account_name, detail=detail)
        connected = live.is_connected
        return Status(
            connected=connected,
            state=live.state.value,
            phone=session.phone,
            name=session.account_name,
            detail=None if connected and live.cause is None else live.cause or _DETAIL.get(live.state),
        )

    async def log_out(self, session: Session) -> None:
        async with self._lock(session.id):
            live = self._runner.live(session.id)
            if live is not None and live.authorised:
                try:
                    await live.call(LogOut(), within=_LOG_OUT_WITHIN_S)
                except TeleFlowError as error:
                    # The key is destroyed here all the same; the account's owner can end the login from a phone.
                    _log.warning("session.log_out_unheard", session=session.id, cause=error.code)
            await self._runner.drop(session.id)
            self._runner.forget(session.id)
            self._expires.pop(session.id, None)
            now = milliseconds(self._clock.time())
            await self._storage.end_attempt(session.id)
            await self._storage.forget_authorisation(
                session.id, SessionState.LOGGED_OUT, cause="LOGGED_OUT_HERE", now=now
            )
        self._locks.pop(session.id, None)

    # -- inside -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _code_spent(self, phone: str) -> AsyncIterator[None]:
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

    async def _fresh_link(self, session: Session, api_id: int, api_hash: str) -> LiveSession:
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
        return self._runner.adopt(session.id, blank, authorised=False)

    async def _same_link(self, session: Session) -> LiveSession:
        """The link that asked for the code; after a restart, a new one with the same key."""
        live = self._runner.live(session.id)
        if live is not None:
            return live
        credentials = await self._storage.credentials(session.id)
        if credentials is None:
            await self._storage.end_attempt(session.id)
            raise Invalid("The login was given up: ask for a new code", code="PHONE_CODE_EXPIRED")
        self._expires[session.id] = milliseconds(self._clock.time()) + ATTEMPT_LIFE_MS
        return self._runner.adopt(session.id, credentials, authorised=False)

    async def _open_attempt(self, session: Session) -> LoginAttempt:
        attempt = await self._storage.attempt(session.id)
        if attempt is None:
            fresh = await self._storage.session(session.user_id, session.id)
            if fresh is not None and fresh.authorised:
                raise Conflict("The account is logged in already", code="ALREADY_LOGGED_IN")
            raise Invalid("No code was asked for, or it was given up: ask for a new one", code="PHONE_CODE_EXPIRED")
        if attempt.expires_at <= milliseconds(self._clock.time()):
            await self._give_up(session.id, "LOGIN_EXPIRED")
            raise Invalid("The login has expired: ask for a new code", code="PHONE_CODE_EXPIRED")
        return attempt

    async def _with_code(
        self, session: Session, attempt: LoginAttempt, live: LiveSession, code: str, password: str | None
    ) -> Account:
        try:
            return await sign_in(live, phone=attempt.phone, phone_code_hash=attempt.phone_code_hash, code=code)
        except Invalid as error:
            if error.code == "PASSWORD_NEEDED":
                now = milliseconds(self._clock.time())
                await self._storage.set_session_state(
                    session.id, SessionState.PASSWORD_NEEDED, cause="SESSION_PASSWORD_NEEDED", now=now
                )
                return await self._with_password(session, attempt, live, password)
            if error.code == "PHONE_CODE_INVALID":
                await self._count(session, replace(attempt, tries=attempt.tries + 1), error, CODE_TRIES)
            if error.code == "PHONE_CODE_EXPIRED":
                # Used up by an earlier try, perhaps, whose outcome we could not write down.
                account = await self._already_in(live)
                if account is not None:
                    return account
            if error.code in {"PHONE_CODE_EXPIRED", "PHONE_NOT_REGISTERED"}:
                await self._give_up(session.id, error.code)
            raise

    async def _with_password(
        self, session: Session, attempt: LoginAttempt, live: LiveSession, password: str | None
    ) -> Account:
        if not password:
            raise Invalid("The account has a cloud password (2FA): send it too", code="PASSWORD_NEEDED")
        try:
            return await check_password(live, self._runner.site, password)
        except Invalid as error:
            if error.code == "PASSWORD_INVALID":
                more = replace(attempt, password_tries=attempt.password_tries + 1)
                await self._count(session, more, error, PASSWORD_TRIES)
            raise

    async def _count(self, session: Session, attempt: LoginAttempt, error: Invalid, most: int) -> None:
        tries = attempt.tries if error.code == "PHONE_CODE_INVALID" else attempt.password_tries
        if tries >= most:
            await self._give_up(session.id, "TOO_MANY_TRIES")
            raise Limited("Too many wrong tries: ask for a new code", code="LOGIN_FLOOD", retry_after=60) from error
        await self._storage.put_attempt(attempt)
        error.details["attemptsLeft"] = most - tries

    async def _maybe_done(self, live: LiveSession) -> Account:
        """The answer to the last step was lost: ask whether we are in."""
        account = await self._already_in(live)
        if account is None:
            raise Unavailable("Telegram did not answer: try the same again", code="TELEGRAM_UNAVAILABLE")
        return account

    async def _already_in(self, live: LiveSession) -> Account | None:
        try:
            me = await live.call(GetMe(), within=10)
        except TeleFlowError:
            return None
        return Account(me.user_id, me.name, me.phone)

    async def _remember(self, session: Session, sent: SentLoginCode) -> None:
        now = milliseconds(self._clock.time())
        attempt = LoginAttempt(
            session_id=session.id,
            phone=session.phone,
            phone_code_hash=sent.phone_code_hash,
            code_type=sent.kind,
            next_type=sent.next_kind or None,
            resend_at=now + sent.timeout * 1000 if sent.timeout else None,
            expires_at=now + ATTEMPT_LIFE_MS,
            tries=0,
            password_tries=0,
            created_at=now,
        )
        await self._storage.put_attempt(attempt)
        await self._storage.set_session_state(session.id, SessionState.CODE_SENT, cause=None, now=now)
        self._expires[session.id] = attempt.expires_at

    async def _done(self, session: Session, live: LiveSession, account: Account) -> None:
        now = milliseconds(self._clock.time())
        await self._storage.save_credentials(session.id, live.credentials)
        await self._storage.authorise_session(
            session.id,
            account_id=account.id,
            account_name=account.name,
            phone=account.phone or session.phone,
            now=now,
        )
        self._expires.pop(session.id, None)
        await live.now_authorised()

    async def _give_up(self, session_id: str, cause: str) -> None:
        self._expires.pop(session_id, None)
        await self._runner.drop(session_id)
        await self._storage.forget_authorisation(
            session_id, SessionState.NEW, cause=cause, now=milliseconds(self._clock.time())
        )
        await self._storage.end_attempt(session_id)

    async def _close_abandoned(self) -> None:
        while True:
            await self._clock.sleep(_SWEEP_EVERY_S)
            now = milliseconds(self._clock.time())
            for session_id in [key for key, expires in self._expires.items() if expires <= now]:
                try:
                    async with self._lock(session_id):  # a step that is being taken may yet succeed
                        if self._expires.get(session_id, now + 1) <= now:
                            await self._give_up(session_id, "LOGIN_EXPIRED")
                except TeleFlowError as error:
                    _log.warning("login.not_closed", session=session_id, cause=error.code)

    def _lock(self, session_id: str) -> asyncio.Lock:
        return self._locks.setdefault(session_id, asyncio.Lock())
