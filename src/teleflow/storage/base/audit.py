"""The audit log, as it is stored."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.audit import AuditEntry


class AuditStore(Protocol):
    """An entry is written by the method that stores what it tells of (its `audit`), in the same batch.

    `add_audit` is for acts that store nothing else.
    """

    async def add_audit(self, entry: AuditEntry) -> None: ...

    async def audit_entries(
        self,
        *,
        limit: int,
        before: int | None = None,
        action: str | None = None,
        user_id: str | None = None,
        since: int | None = None,
    ) -> list[AuditEntry]:
        """A page, newest first. `before`: an entry's id. `user_id`: of whom it tells, as owner or as actor."""

    async def purge_audit(self, *, before: int) -> int:
        """Remove entries older than this instant, some hundred in one call; how many went."""
