"""What opens a Telegram account, and logins under way: sealed at rest."""

from __future__ import annotations

import hashlib

from teleflow.errors import Conflict
from teleflow.kit.seal import Seal
from teleflow.model.sessions import Credentials, LoginAttempt, SessionState
from teleflow.storage.mongo.match import Doc
from teleflow.storage.mongo.part import Part, columns, document, get, has_session, one, page
from teleflow.storage.mongo.tx import Reads, Tx

_HOUR = 3_600_000


class SessionSecrets(Part):
    async def save_credentials(self, session_id: str, credentials: Credentials) -> None:
        await self._db.write(save_credentials, sealed_doc(self._seal, session_id, credentials))

    async def holds_key(self, fingerprint: str) -> bool:
        return await self._db.read(one, "session_credentials", {"auth_key_fingerprint": fingerprint}) is not None

    async def credentials(self, session_id: str) -> Credentials | None:
        doc = await self._db.read(get, "session_credentials", session_id)
        if doc is None:
            return None
        return Credentials(
            dc_id=doc["dc_id"],
            host=doc["host"],
            port=doc["port"],
            auth_key=self._seal.open(doc["auth_key"], *_auth_key_of(session_id)),
            salt=doc["salt"],
            api_id=doc["api_id"],
            api_hash=self._seal.open(doc["api_hash"], *_api_hash_of(session_id)).decode(),
        )

    async def put_attempt(self, attempt: LoginAttempt) -> None:
        fields = columns(attempt)
        sealed = self._seal.seal(attempt.phone_code_hash.encode(), *_code_hash_of(attempt.session_id))
        fields["phone_code_hash"] = sealed
        await self._db.write(_put_attempt, document(attempt.session_id, fields, expires_at=attempt.expires_at))

    async def attempt(self, session_id: str) -> LoginAttempt | None:
        doc = await self._db.read(get, "login_attempts", session_id)
        if doc is None:
            return None
        values = {name: value for name, value in doc.items() if name in LoginAttempt.__dataclass_fields__}
        values["phone_code_hash"] = self._seal.open(doc["phone_code_hash"], *_code_hash_of(session_id)).decode()
        return LoginAttempt(**values)

    async def attempts_under_way(self, *, limit: int, after: str | None = None) -> list[tuple[str, int | None]]:
        return await self._db.read_heavy(_under_way, after or "", page(limit))

    async def end_attempt(self, session_id: str) -> None:
        await self._db.write(_end_attempt, session_id)

    async def codes_requested(self, phone: str, *, since: int) -> int:
        return await self._db.read(_codes_requested, phone, since)

    async def note_code_request(self, phone: str, *, now: int) -> None:
        await self._db.write(_note_code, phone, now)


def sealed_doc(seal: Seal, session_id: str, credentials: Credentials) -> Doc:
    doc = {"_id": session_id, "session_id": session_id, **columns(credentials)}
    doc["auth_key"] = seal.seal(credentials.auth_key, *_auth_key_of(session_id))
    doc["auth_key_fingerprint"] = hashlib.sha256(credentials.auth_key).hexdigest()
    doc["api_hash"] = seal.seal(credentials.api_hash.encode(), *_api_hash_of(session_id))
    return doc


def _auth_key_of(session_id: str) -> tuple[str, str, str]:
    return "session_credentials", session_id, "auth_key"


def _api_hash_of(session_id: str) -> tuple[str, str, str]:
    return "session_credentials", session_id, "api_hash"


def _code_hash_of(session_id: str) -> tuple[str, str, str]:
    return "login_attempts", session_id, "phone_code_hash"


async def save_credentials(tx: Tx, doc: Doc) -> None:
    """Raises Conflict when another session holds this key. No effect when the session is gone."""
    if not await has_session(tx, doc["_id"]):
        return
    holder = await tx.one("session_credentials", {"auth_key_fingerprint": doc["auth_key_fingerprint"]})
    if holder is not None and holder["_id"] != doc["_id"]:
        raise Conflict("Another session holds this very login", code="AUTH_KEY_IN_USE")
    tx.put("session_credentials", doc)


async def _put_attempt(tx: Tx, doc: Doc) -> None:
    if await has_session(tx, doc["_id"]):
        tx.put("login_attempts", doc)


async def _under_way(reads: Reads, after: str, limit: int) -> list[tuple[str, int | None]]:
    waiting = {"$in": [SessionState.CODE_SENT.value, SessionState.PASSWORD_NEEDED.value]}
    where = {"authorised": 0, "state": waiting, "_id": {"$gt": after}}
    ids = [doc["_id"] for doc in await reads.find("sessions", where, sort=[("_id", 1)], limit=limit)]
    attempts = await reads.find("login_attempts", {"_id": {"$in": ids}})
    expires = {doc["_id"]: int(doc["expires_at"]) for doc in attempts}
    return [(id_, expires.get(id_)) for id_ in ids]


async def _end_attempt(tx: Tx, session_id: str) -> None:
    await tx.remove("login_attempts", session_id)


async def _codes_requested(reads: Reads, phone: str, since: int) -> int:
    return await reads.count("code_requests", {"phone": phone, "requested_at": {"$gte": since}})


async def _note_code(tx: Tx, phone: str, now: int) -> None:
    fields = {"phone": phone, "requested_at": now}
    tx.put("code_requests", document(tx.next("code_requests"), fields, expires_at=now + 24 * _HOUR))
