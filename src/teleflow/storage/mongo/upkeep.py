"""Facts of the installation, the seal's check, and the sweep of what has expired."""

from __future__ import annotations

from teleflow.errors import SettingsError
from teleflow.storage.mongo import removal
from teleflow.storage.mongo.part import Part
from teleflow.storage.mongo.tx import Reads, Tx

SWEPT_AT_ONCE = 500  # documents of one collection in one call
_HOUR = 3_600_000
INCOMPLETE = "incomplete"
_FACT = "fact/"
INSTALLATION = _FACT + "installation"

# Collection, the instant at which a document expires, and how long it stays after that.
_SWEEPS = (
    ("logins", "expires_at", 0),
    ("refresh_tokens", "expires_at", 0),
    ("api_keys", "expires_at", 30 * 24 * _HOUR),
    ("login_attempts", "expires_at", 0),
    ("holds", "until", 0),
    ("code_requests", "requested_at", 24 * _HOUR),
    ("stream_tickets", "expires_at", 0),
    ("idempotency_keys", "created_at", 72 * _HOUR),
    # Longer than the key that may bring the same request again.
    ("chat_creations", "began_at", 96 * _HOUR),
)


class Upkeep(Part):
    async def sweep(self, *, now: int) -> int:
        removed = 0
        for collection, field, kept_for in _SWEEPS:
            removed += await self._db.write_heavy(_sweep, collection, field, now - kept_for)
        return removed + await self._db.write_heavy(removal.bury_some, SWEPT_AT_ONCE)

    async def check_whole(self) -> None:
        """Raises SettingsError for a database that was being filled when whoever did so ended."""
        why = await self._db.read(_read, INCOMPLETE)
        if why is not None:
            raise SettingsError(f"DATABASE_URL: this database is not whole ({why}): do that again, or name another one")

    async def remembered(self, key: str) -> str | None:
        return await self._db.read(_read, _FACT + key)

    async def remember(self, key: str, value: str) -> str:
        return await self._db.write(_store, _FACT + key, value)


async def _sweep(tx: Tx, collection: str, field: str, until: int) -> int:
    expired = await tx.find(collection, {field: {"$lte": until}}, sort=[(field, 1)], limit=SWEPT_AT_ONCE)
    for doc in expired:
        await tx.remove(collection, doc["_id"])
    return len(expired)


async def _read(reads: Reads, key: str) -> str | None:
    doc = await reads.get("facts", key)
    return None if doc is None else str(doc["value"])


async def _store(tx: Tx, key: str, value: str) -> str:
    stands = await _read(tx, key)
    if stands is None:
        tx.put("facts", {"_id": key, "value": value})
        return value
    return stands
