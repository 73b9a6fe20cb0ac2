"""Logging in by code, step by step, and how things stand.

The steps are server-side objects that outlive the process (`attempts`). Nothing of Telegram's own is told to callers:
they get a ticket, and how the code was sent.
"""

from __future__ import annotations

import hmac

from teleflow.errors import Conflict, Invalid, TeleFlowError, Unavailable, Uncertain
from teleflow.fleet.attempts import Attempts
from teleflow.fleet.locks import Locks
from teleflow.fleet.runner import Runner
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.logins import CodeSent, LoggedIn, Status
from teleflow.model.operations.account import GetMe
from teleflow.model.sessions import QR, LoginAttempt, Session, SessionState
from teleflow.storage.base import Storage
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import (
    Account,
    SentLoginCode,
    cancel_code,
    check_password,
    resend_code,
    send_code,
    sign_in,
)

_DETAIL = {
    SessionState.NEW: "No login was begun",
    SessionState.CODE_SENT: "A code was sent: verify it",
    SessionState.PASSWORD_NEEDED: "The account's cloud password is needed",
    SessionState.CONNECTING: "Connecting to Telegram",
    SessionState.ONLINE: "Connecting to Telegram",  # as it was when the last process ended
    SessionState.RECONNECTING: "The connection to Telegram broke; it is being restored",
    SessionState.DISCONNECTED: "Disconnected",
    SessionState.FLOOD_HELD: "Telegram asks this account to wait",
    SessionState.LOGGED_OUT: "Telegram has ended this login: log in again",
    SessionState.BANNED: "Telegram has banned or deleted this account",
    SessionState.FROZEN: "Telegram has frozen this account",
    SessionState.RESTRICTED: "Telegram restricts this account from writing to strangers",
}


class Logins:
    """Log in by code; the cloud password of any login."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, attempts: Attempts, locks: Locks) -> None:
        self._runner = runner
        self._storage = storage
        self._clock = clock
        self._attempts = attempts
        self._locks = locks

    async def start_login(self, session: Session, *, api_id: int, api_hash: str) -> CodeSent:
        async with self._locks.of(session.id):
            fresh = await self._attempts.fresh(session)
            if fresh.authorised:
                if self._runner.live(session.id) is None:
                    await self._runner.run(fresh)
                return CodeSent(code_type="", timeout=None, already=True, phone=fresh.phone)
            under_way = await self._storage.attempt(session.id)
            if under_way is not None and under_way.code_type == QR:
                await self._attempts.give_up(session.id, "LOGIN_BEGUN_ANEW")
                under_way = None
            try:
                async with self._attempts.judged(session.id), self._attempts.code_spent(session.phone):
                    live = await self._attempts.fresh_link(session, api_id, api_hash)
                    answer = await send_code(
                        live, self._runner.site, phone=session.phone, api_id=api_id, api_hash=api_hash
                    )
            except TeleFlowError:
                if under_way is None:
                    await self._runner.drop(session.id)
                raise
            return await self._sent(session, live, answer, None)

    async def resend_code(self, session: Session) -> CodeSent:
        """The next code, by the next way that Telegram has."""
        async with self._locks.of(session.id):
            attempt = await self._attempts.opened(session)
            if attempt.code_type == QR or (await self._attempts.fresh(session)).state is not SessionState.CODE_SENT:
                raise Conflict("No code is awaited in this login", code="LOGIN_STEP_WRONG")
            live = await self._attempts.same_link(session)
            async with self._attempts.judged(session.id), self._attempts.code_spent(attempt.phone):
                answer = await resend_code(live, phone=attempt.phone, phone_code_hash=attempt.phone_code_hash)
            return await self._sent(session, live, answer, attempt)

    async def cancel_login(self, session: Session) -> None:
        """Give the login up. Raises Conflict when it is done, Invalid when there is none."""
        async with self._locks.of(session.id):
            attempt = await self._attempts.opened(session)
            live = self._runner.live(session.id)
            if live is not None and attempt.code_type != QR:
                await cancel_code(live, phone=attempt.phone, phone_code_hash=attempt.phone_code_hash)
            await self._attempts.give_up(session.id, "LOGIN_CANCELLED")

    async def verify_code(
        self, session: Session, code: str, password: str | None, *, ticket: str | None = None
    ) -> LoggedIn:
        """With a `ticket`, only the code is taken here, and the ticket must be the one that was given out."""
        async with self._locks.of(session.id):
            attempt = await self._attempts.opened(session)
            state = (await self._attempts.fresh(session)).state
            if ticket is not None:
                if not hmac.compare_digest(ticket.encode(errors="replace"), attempt.ticket.encode()):
                    raise Invalid(
                        "This phoneCodeHash belongs to no code that is awaited", code="PHONE_CODE_HASH_INVALID"
                    )
                if state is SessionState.PASSWORD_NEEDED:
                    raise Conflict("The code was taken already: now the cloud password", code="LOGIN_STEP_WRONG")
            if attempt.code_type == QR and state is not SessionState.PASSWORD_NEEDED:
                raise Conflict("This login goes by QR code", code="LOGIN_STEP_WRONG")
            live = await self._attempts.same_link(session)
            async with self._attempts.judged(session.id):
                try:
                    if state is SessionState.PASSWORD_NEEDED:
                        account = await self._with_password(session, attempt, live, password)
                    else:
                        account = await self._with_code(session, attempt, live, code, password)
                except Uncertain:
                    account = await self._maybe_done(live)
            await self._attempts.finish(session, live, account, method="password" if password else "code")
            return LoggedIn(name=account.name, phone=account.phone or session.phone)

    async def verify_password(self, session: Session, password: str) -> LoggedIn:
        """The cloud password of a login whose code was taken, or scanned. Raises Conflict at any other step."""
        async with self._locks.of(session.id):
            fresh = await self._attempts.fresh(session)
            if fresh.authorised:
                raise Conflict("The account is logged in already", code="ALREADY_LOGGED_IN")
            if fresh.state is not SessionState.PASSWORD_NEEDED:
                raise Conflict("No cloud password is awaited in this login", code="LOGIN_STEP_WRONG")
            attempt = await self._attempts.opened(session)
            live = await self._attempts.same_link(session)
            async with self._attempts.judged(session.id):
                try:
                    account = await self._with_password(session, attempt, live, password)
                except Uncertain:
                    account = await self._maybe_done(live)
            method = QR if attempt.code_type == QR else "password"
            await self._attempts.finish(session, live, account, method=method)
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
            live=True,
            cause=live.cause,
        )

    # -- inside -------------------------------------------------------------------------------------------

    async def _sent(
        self, session: Session, live: LiveSession, answer: SentLoginCode | Account, of: LoginAttempt | None
    ) -> CodeSent:
        if isinstance(answer, Account):
            await self._attempts.finish(session, live, answer, method="code")
            return CodeSent(code_type="", timeout=None, already=True, phone=answer.phone or session.phone)
        attempt = await self._attempts.remember(
            session,
            kind=answer.kind,
            phone_code_hash=answer.phone_code_hash,
            next_kind=answer.next_kind,
            timeout=answer.timeout,
            of=of,
        )
        return CodeSent(
            answer.kind,
            answer.timeout,
            already=False,
            phone=session.phone,
            ticket=attempt.ticket,
            next_type=attempt.next_type,
        )

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
                await self._attempts.count(session, attempt, error)
            if error.code == "PHONE_CODE_EXPIRED":
                # Used up by an earlier try, perhaps, whose outcome we could not write down.
                account = await self._already_in(live)
                if account is not None:
                    return account
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
                await self._attempts.count(session, attempt, error)
            raise

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
