"""Facts of the installation, the seal's check, and the sweep of what has expired."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Table, and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from teleflow.errors import SettingsError
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part
from teleflow.storage.sql.statement import Row, Statement, Tx, given

SWEPT_AT_ONCE = 500  # rows of one table in one call
_HOUR = 3_600_000
SEAL_CHECK = "seal_check"
SEAL_ALSO = "seal_also/"
INCOMPLETE = "incomplete"
_FACT = "fact/"
INSTALLATION = _FACT + "installation"

_f = t.facts.c
_READ = Statement(select(_f.value).where(_f.key == given("this")))
STORE = Statement(insert(t.facts).on_conflict_do_nothing())
# The key that a database was made with, and those that came beside it and are not settled yet.
SEAL_CHECKS = Statement(
    select(_f.key, _f.value).where(or_(_f.key == SEAL_CHECK, and_(_f.key > SEAL_ALSO, _f.key < SEAL_ALSO + "~")))
)


def _sweeping(table: Table, expires: Column[int]) -> Statement:
    key = next(iter(table.primary_key.columns))
    keys = list(table.primary_key.columns)
    if len(keys) == 1:
        expired = select(key).where(expires <= given("until")).order_by(expires).limit(given("most"))
        return Statement(delete(table).where(key.in_(expired)))
    from sqlalchemy import tuple_

    expired = select(*keys).where(expires <= given("until")).order_by(expires).limit(given("most"))
    return Statement(delete(table).where(tuple_(*keys).in_(expired)))


# Table, and how long its rows stay after the instant in this column.
_SWEEPS = (
    (_sweeping(t.logins, t.logins.c.expires_at), 0),
    (_sweeping(t.refresh_tokens, t.refresh_tokens.c.expires_at), 0),
    (_sweeping(t.api_keys, t.api_keys.c.expires_at), 30 * 24 * _HOUR),
    (_sweeping(t.login_attempts, t.login_attempts.c.expires_at), 0),
    (_sweeping(t.holds, t.holds.c.until), 0),
    (_sweeping(t.code_requests, t.code_requests.c.requested_at), 24 * _HOUR),
    (_sweeping(t.stream_tickets, t.stream_tickets.c.expires_at), 0),
    (_sweeping(t.idempotency_keys, t.idempotency_keys.c.created_at), 72 * _HOUR),
    # Longer than the key that may bring the same request again.
    (_sweeping(t.chat_creations, t.chat_creations.c.began_at), 96 * _HOUR),
)


class Upkeep(Part):
    async def sweep(self, *, now: int) -> int:
        removed = 0
        for statement, kept_for in _SWEEPS:
            removed += await self._db.write_heavy(_sweep, statement, now - kept_for)
        return removed

    async def check_whole(self) -> None:
        """Raises SettingsError for a database that was being filled when whoever did so ended."""
        why = await self._db.read(_read, INCOMPLETE)
        if why is not None:
            raise SettingsError(f"DATABASE_URL: this database is not whole ({why}): do that again, or name another one")

    async def remembered(self, key: str) -> str | None:
        return await self._db.read(_read, _FACT + key)

    async def remember(self, key: str, value: str) -> str:
        return await self._db.write(_store, _FACT + key, value)


async def _sweep(tx: Tx, statement: Statement, until: int) -> int:
    return await tx.run(statement, until=until, most=SWEPT_AT_ONCE)


async def _read(tx: Tx, key: str) -> str | None:
    row = await tx.one(_READ, this=key)
    return None if row is None else row[0]


async def _store(tx: Tx, key: str, value: str) -> str:
    await tx.run(STORE, key=key, value=value)
    return await _read(tx, key) or value


def checks_of(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(row[1] for row in rows)
