"""Sending through a session of one's own, and the jobs that this makes.

`send` is a hot path: no read but the remembered session, no write but the outbox's. A request that comes again with
its idempotency key joins the first one, whatever became of that.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from teleflow.errors import Invalid, NotFound, TeleFlowError
from teleflow.fleet.ended import refuse_ended
from teleflow.kit.clock import Clock
from teleflow.kit.ids import random_int64
from teleflow.model.entities import Entity
from teleflow.model.formatting import ParseMode, formatted
from teleflow.model.jobs import Content, Forward, Parcel, SendJob, SendState, Text
from teleflow.model.messages import check_text
from teleflow.model.peers import PeerRef
from teleflow.model.sending import Sending
from teleflow.model.sessions import Session, SessionState
from teleflow.model.users import Principal, User
from teleflow.services.login_codes import AwaitsCode, warning_of
from teleflow.services.owned import owned_session
from teleflow.services.ports import Outbox
from teleflow.services.remembered import Remembered
from teleflow.storage.base import SendStore, SessionStore

MOST_FORWARDED = 100  # messages.forwardMessages takes no more at once


class Sends:
    """Use cases of sending."""

    def __init__(
        self, sessions: SessionStore, sends: SendStore, outbox: Outbox, clock: Clock, awaits_code: AwaitsCode
    ) -> None:
        self._sessions = sessions
        self._awaits_code = awaits_code
        self._sends = sends
        self._outbox = outbox
        self._remembered: Remembered[tuple[str, str]] = Remembered(clock)

    async def text(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        text: Text,
        *,
        parse_mode: ParseMode | None = None,
        entities: Iterable[Entity] = (),
        key: str | None = None,
        wait: bool = True,
    ) -> SendJob:
        """Raises Invalid for what can't be sent, NotFound(SESSION_NOT_FOUND), and what `usable` raises."""
        shown, marks = formatted(text.text, parse_mode, entities)
        text = dataclasses.replace(text, text=check_text(shown), entities=marks)
        print_of = ("text", session_id, str(ref), dataclasses.asdict(text))
        return await self._send(user, principal, session_id, ref, text, print_of, key=key, wait=wait)

    async def forward(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        source: PeerRef,
        message_ids: list[int],
        *,
        silent: bool = False,
        drop_author: bool = False,
        topic: int | None = None,
        schedule: int | None = None,
        key: str | None = None,
        wait: bool = True,
    ) -> SendJob:
        """Raises as `text`."""
        if not 0 < len(message_ids) <= MOST_FORWARDED or len(set(message_ids)) != len(message_ids):
            raise Invalid(
                f"1 to {MOST_FORWARDED} message ids, each once, can be forwarded", details={"field": "messageIds"}
            )
        random_ids = tuple(random_int64() for _ in message_ids)
        content = Forward(str(source), tuple(message_ids), random_ids, silent, drop_author, topic, schedule)
        asked = dataclasses.asdict(dataclasses.replace(content, random_ids=()))
        print_of = ("forward", session_id, str(ref), asked)
        return await self._send(user, principal, session_id, ref, content, print_of, key=key, wait=wait)

    async def parcel(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        parcel: Parcel,
        print_of: tuple[Any, ...],
        *,
        job_id: str | None = None,
        key: str | None = None,
        wait: bool = True,
    ) -> SendJob:
        """`job_id`: under which its files lie in the spool; `print_of` is what was asked, to tell requests apart.

        Raises as `text`. The answer's id is another one when the request came before.
        """
        if parcel.is_album:
            parcel = dataclasses.replace(parcel, random_ids=tuple(random_int64() for _ in parcel.parts))
        return await self._send(user, principal, session_id, ref, parcel, print_of, key=key, wait=wait, job_id=job_id)

    async def earlier(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        print_of: tuple[Any, ...],
        key: str | None,
    ) -> SendJob | None:
        """What became of the first request with this key. Raises NotFound(SESSION_NOT_FOUND), Invalid."""
        session = await self._session(principal, session_id)
        if key is None:
            return None
        return await self._outbox.replayed(Sending(user, session, ref, Parcel(()), key, _fingerprint(print_of)))

    async def job(self, principal: Principal, job_id: str) -> SendJob:
        """Raises NotFound(JOB_NOT_FOUND)."""
        return _seen(principal, await self._outbox.job(principal.user_id, job_id))

    async def jobs(
        self,
        principal: Principal,
        *,
        limit: int,
        session_id: str | None = None,
        state: SendState | None = None,
        before: str | None = None,
    ) -> tuple[list[SendJob], str | None]:
        """One's own, newest first, and the id to go on `before`; None at the end."""
        if session_id is not None:
            await owned_session(self._sessions, principal, session_id)
        await self._outbox.written()
        allowed = principal.session_ids if session_id is None else frozenset({session_id})
        return await self._sends.send_jobs(
            principal.user_id, limit=limit, session_ids=allowed, state=state, before=before
        )

    async def cancel(self, principal: Principal, job_id: str) -> SendJob:
        """Raises NotFound, Conflict(JOB_NOT_OPEN)."""
        await self.job(principal, job_id)
        return await self._outbox.cancel(principal.user_id, job_id)

    async def _send(
        self,
        user: User,
        principal: Principal,
        session_id: str,
        ref: PeerRef,
        content: Content,
        print_of: tuple[Any, ...],
        *,
        key: str | None,
        wait: bool,
        job_id: str | None = None,
    ) -> SendJob:
        session = await self._session(principal, session_id)
        sending = Sending(user, session, ref, content, key, _fingerprint(print_of) if key else "", job_id)
        try:
            usable(session)
        except TeleFlowError as error:
            replayed = await self._outbox.replayed(sending) if key else None
            if replayed is not None:
                return replayed
            await self._outbox.reject(
                user=user, from_phone=session.phone, chat=str(ref), text=content.text, error=error
            )
            raise
        if not wait:
            job = await self._outbox.post(sending)
        elif job_id is not None:
            job = await self._outbox.deliver(sending)
        else:
            job = await self._outbox.send(sending)
        warning = warning_of(content, session, self._awaits_code)
        return job if warning is None else dataclasses.replace(job, warning=warning)

    async def _session(self, principal: Principal, session_id: str) -> Session:
        key = (principal.user_id, session_id)
        known = self._remembered.recall(key)
        if known is not None and principal.sees(session_id):
            return known
        session = await owned_session(self._sessions, principal, session_id)
        if session.authorised:
            self._remembered.keep(key, session)
        return session


def usable(session: Session) -> None:
    """Raises Invalid(SESSION_NOT_CONNECTED), Conflict(SESSION_LOGGED_OUT), Forbidden(ACCOUNT_BANNED)."""
    refuse_ended(session)
    if not session.authorised or session.state is SessionState.DISCONNECTED:
        raise Invalid("The session is not connected", code="SESSION_NOT_CONNECTED")


def _seen(principal: Principal, job: SendJob) -> SendJob:
    if not principal.sees(job.session_id):
        raise NotFound("There is no such job", code="JOB_NOT_FOUND")
    return job


def _fingerprint(print_of: tuple[Any, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(print_of)).hexdigest()
