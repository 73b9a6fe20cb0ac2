"""Sending from the caller's own account, and the log of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from teleflow.errors import Invalid
from teleflow.kit.clock import Clock
from teleflow.model.jobs import SendJob, Text
from teleflow.model.messages import LogEntry, check_text
from teleflow.model.peers import normalize_phone, phone_ref
from teleflow.model.sending import Sending
from teleflow.model.sessions import Session
from teleflow.model.users import Principal, User
from teleflow.services.login_codes import AwaitsCode, warning_of
from teleflow.services.ports import Outbox
from teleflow.services.remembered import Remembered
from teleflow.storage.base import SendStore, SessionStore


class Messages:
    """`send` is the hot path: no read but the remembered session, no write but the outbox's."""

    def __init__(
        self, sessions: SessionStore, sends: SendStore, outbox: Outbox, clock: Clock, awaits_code: AwaitsCode
    ) -> None:
        self._sessions = sessions
        self._awaits_code = awaits_code
        self._sends = sends
        self._outbox = outbox
        self._remembered: Remembered[str] = Remembered(clock)

    async def send(self, user: User, *, phone: str, text: str, idempotency_key: str | None = None) -> SendJob:
        """Raises Invalid for what can't be sent, and SESSION_NOT_CONNECTED when there is no account to send from."""
        to_phone = normalize_phone(phone)
        check_text(text, field="message")
        session = await self._session(user)
        if session is None or not session.authorised:
            error = Invalid(
                "Your Telegram account is not connected: call /telegram/init first", code="SESSION_NOT_CONNECTED"
            )
            from_phone = session.phone if session else user.telegram_phone or ""
            await self._outbox.reject(user=user, from_phone=from_phone, chat=to_phone, text=text, error=error)
            raise error
        fingerprint = _fingerprint(session.id, to_phone, text) if idempotency_key else ""
        content = Text(text)
        job = await self._outbox.send(
            Sending(user, session, phone_ref(to_phone), content, idempotency_key, fingerprint)
        )
        warning = warning_of(content, session, self._awaits_code)
        return job if warning is None else replace(job, warning=warning)

    async def log(self, principal: Principal, *, limit: int) -> list[LogEntry]:
        """Newest first: everybody's for an admin, else one's own."""
        await self._outbox.written()
        return await self._sends.log_entries(None if principal.is_admin else principal.user_id, limit=limit)

    async def _session(self, user: User) -> Session | None:
        known = self._remembered.recall(user.id)
        if known is not None:
            return known
        session = await self._sessions.session_named(user.id, user.username)
        if session is not None and session.authorised:
            self._remembered.keep(user.id, session)
        return session


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
