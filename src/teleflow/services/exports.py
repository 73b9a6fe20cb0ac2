"""Handing a login out: the one act that gives an account away, so it asks for the password once more.

Promises: never with an API key; once a minute for each session; each try is in the audit log.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from teleflow.errors import Forbidden, Limited
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.audit import Act, AuditEntry
from teleflow.model.session_strings import SessionFormat
from teleflow.model.users import Principal, User
from teleflow.services.owned import owned_session
from teleflow.services.passwords import Passwords
from teleflow.services.ports import SessionCare
from teleflow.services.throttle import LoginThrottle
from teleflow.storage.base import AuditStore, SessionStore

PAUSE_S = 60.0
_MOST_REMEMBERED = 10_000


class ExportRecords(SessionStore, AuditStore, Protocol):
    """What exporting needs of the storage."""


class Exports:
    """One use case."""

    def __init__(
        self, storage: ExportRecords, care: SessionCare, passwords: Passwords, throttle: LoginThrottle, clock: Clock
    ) -> None:
        self._storage = storage
        self._care = care
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._last: OrderedDict[str, float] = OrderedDict()

    async def export(
        self, principal: Principal, user: User, session_id: str, password: str | None, form: SessionFormat
    ) -> str | bytes:
        """Raises NotFound, Forbidden (an API key; REAUTH_REQUIRED), Limited, Conflict without a login."""
        session = await owned_session(self._storage, principal, session_id)
        now = milliseconds(self._clock.time())
        refused = AuditEntry.by(principal, Act.SESSION_EXPORT_REFUSED, now=now, target=session.id, format=form.value)
        if principal.by_key:
            await self._storage.add_audit(refused)
            raise Forbidden("An API key can't export: log in with your password")
        if not password or not await self._is_right(principal, user, password):
            await self._storage.add_audit(refused)
            raise Forbidden("Say your password once more to export", code="REAUTH_REQUIRED")
        await self._take_turn(session.id, refused)
        exported = await self._care.transfer.export(session, form)
        done = AuditEntry.by(principal, Act.SESSION_EXPORTED, now=now, target=session.id, format=form.value)
        await self._storage.add_audit(done)  # in the log before it is told, or not told
        return exported

    async def _is_right(self, principal: Principal, user: User, password: str) -> bool:
        """Guessing here costs as much as guessing at the door."""
        self._throttle.check(user.username, principal.address)
        right = (await self._passwords.verify(password, user.password_hash)).right
        if not right:
            self._throttle.failed(user.username, principal.address)
        return right

    async def _take_turn(self, session_id: str, refused: AuditEntry) -> None:
        now = self._clock.monotonic()
        left = self._last.get(session_id, now - PAUSE_S) + PAUSE_S - now
        if left > 0:
            await self._storage.add_audit(refused)
            raise Limited("This session was exported just now", retry_after=left)
        self._last[session_id] = now
        self._last.move_to_end(session_id)
        if len(self._last) > _MOST_REMEMBERED:
            self._last.popitem(last=False)
