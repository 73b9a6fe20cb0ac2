"""The audit log, for admins to read; and its purge."""

from __future__ import annotations

from teleflow.errors import Forbidden
from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Principal, Scope
from teleflow.storage.base import AuditStore

DAY = 86_400_000


class Audit:
    """`retention_days` 0 keeps entries for ever."""

    def __init__(self, storage: AuditStore, clock: Clock, *, retention_days: int) -> None:
        self._storage = storage
        self._clock = clock
        self._retention_days = retention_days

    async def page(
        self,
        principal: Principal,
        *,
        limit: int,
        before: int | None = None,
        action: str | None = None,
        user_id: str | None = None,
        since: int | None = None,
    ) -> list[AuditEntry]:
        """Newest first. Raises Forbidden."""
        if not principal.may(Scope.ADMIN):
            raise Forbidden("Only an admin may do this")
        return await self._storage.audit_entries(
            limit=limit, before=before, action=action, user_id=user_id, since=since
        )

    async def purge(self) -> None:
        """Remove what is too old."""
        if self._retention_days:
            before = milliseconds(self._clock.time()) - self._retention_days * DAY
            while await self._storage.purge_audit(before=before):
                pass
