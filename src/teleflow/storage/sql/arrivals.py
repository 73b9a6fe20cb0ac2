"""A session that comes with its login: all of it, or nothing."""

from __future__ import annotations

from typing import Any

from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import Credentials, Profile, Session
from teleflow.model.updates import BoxPosition
from teleflow.storage.sql import audit as audit_log
from teleflow.storage.sql import credentials as secrets
from teleflow.storage.sql import events, profiles, sessions
from teleflow.storage.sql.part import Part
from teleflow.storage.sql.statement import Tx


class Arrivals(Part):
    async def add_arrival(
        self,
        session: Session,
        credentials: Credentials,
        profile: Profile,
        *,
        start: BoxPosition | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        await self._db.write(
            _add,
            sessions.row_of(session),
            secrets.sealed_row(self._seal, session.id, credentials),
            profiles.row_of(self._seal, session.id, profile),
            start,
            audit,
        )


async def _add(
    tx: Tx,
    session: dict[str, Any],
    sealed: dict[str, Any],
    profile: dict[str, Any],
    start: BoxPosition | None,
    entry: AuditEntry | None,
) -> None:
    await sessions.add_session(tx, session)
    await secrets.save_credentials(tx, sealed)
    await profiles.save(tx, profile)
    await events.begin_at(tx, session["id"], start)
    await audit_log.add(tx, entry)
