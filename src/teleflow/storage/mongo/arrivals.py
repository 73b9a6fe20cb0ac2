"""A session that comes with its login: all of it, or nothing."""

from __future__ import annotations

from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import Credentials, Profile, Session
from teleflow.model.updates import BoxPosition
from teleflow.storage.mongo import audit as audit_log
from teleflow.storage.mongo import credentials as secrets
from teleflow.storage.mongo import events, profiles, sessions
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part
from teleflow.storage.mongo.tx import Tx


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
            sessions.doc_of(session),
            secrets.sealed_doc(self._seal, session.id, credentials),
            profiles.doc_of(self._seal, session.id, profile),
            start,
            audit,
        )


async def _add(
    tx: Tx, session: Doc, sealed: Doc, profile: Doc, start: BoxPosition | None, entry: AuditEntry | None
) -> None:
    await sessions.add_session(tx, session)
    await secrets.save_credentials(tx, sealed)
    tx.put("session_profiles", profile)
    await events.begin_at(tx, session["_id"], start)
    await audit_log.add(tx, entry)
