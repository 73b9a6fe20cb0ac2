"""Everything that is sealed in a database, by place: counted, opened, sealed anew.

Pages go by primary key through one place after the other. A value is read, opened, sealed and written back in one
transaction, and only if it is still the same bytes: a service that writes beside it is never undone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Table, and_, delete, func, literal_column, select, tuple_, update

from teleflow.kit.seal import Seal, SealBroken
from teleflow.storage import bindings
from teleflow.storage.base.sealing import SealedPage
from teleflow.storage.bindings import Binding
from teleflow.storage.common import sealing as common
from teleflow.storage.sql import schema as t
from teleflow.storage.sql.part import Part, every, page, run
from teleflow.storage.sql.statement import Row, Statement, Tx, given
from teleflow.storage.sql.upkeep import SEAL_ALSO, SEAL_CHECK, SEAL_CHECKS, STORE, checks_of

_AT_ONCE = 50  # values that one transaction seals anew: a few milliseconds in which a service waits
_HEAD = 5  # bytes: version and key id

_FORGET_OTHERS = Statement(delete(t.facts).where(t.facts.c.key > SEAL_ALSO, t.facts.c.key < SEAL_ALSO + "~"))
_SETTLE = Statement(update(t.facts).where(t.facts.c.key == SEAL_CHECK).values(value=given("new_check")))


@dataclass(frozen=True)
class Place:
    """A column with sealed values. `binding` of a row: its key's values, then those of `beside`."""

    table: Table
    column: Column[Any]
    binding: Callable[..., Binding]
    beside: tuple[Column[Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"

    @cached_property
    def keys(self) -> list[Column[Any]]:
        return list(self.table.primary_key.columns)

    @cached_property
    def first(self) -> Statement:
        return Statement(self._heads)

    @cached_property
    def after(self) -> Statement:
        last = tuple_(*(given(f"after_{key.name}", key.type) for key in self.keys))
        return Statement(self._heads.where(tuple_(*self.keys) > last))

    @property
    def _heads(self) -> Any:
        head = func.substr(self.column, literal_column("1"), literal_column(str(_HEAD)))
        chosen = select(*self.keys, *self.beside, head if self.is_blob else self.column)
        return chosen.where(self.column.is_not(None)).order_by(*self.keys).limit(given("most"))

    @cached_property
    def load(self) -> Statement:
        return Statement(select(self.column).where(self._this))

    @cached_property
    def store(self) -> Statement:
        changed = update(self.table).where(self._this, self.column == given("was", self.column.type))
        return Statement(changed.values({self.column: given("becomes", self.column.type)}))

    @property
    def _this(self) -> Any:
        return and_(*(key == given(f"of_{key.name}", key.type) for key in self.keys))

    @property
    def is_blob(self) -> bool:
        return bool(self.column.info.get("sealed"))

    def head(self, stored: Any) -> bytes | None:
        """The beginning of what is sealed there; None: nothing is."""
        return bytes(stored or b"")[:_HEAD]  # of a value without a byte SQLite's beginning is NULL

    def sealed(self, stored: Any) -> bytes:
        return bytes(stored)

    def anew(self, stored: Any, seal: Seal, binding: Binding) -> Any:
        return seal.seal_anew(bytes(stored), *binding)

    def of(self, row: Row) -> dict[str, Any]:
        return {f"of_{key.name}": value for key, value in zip(self.keys, row, strict=False)}

    def bound(self, row: Row) -> Binding:
        return self.binding(*row[: len(self.keys) + len(self.beside)])


class _FileOfPlan(Place):
    """A broadcast's file, by the id that its owner gave: sealed in the middle of a JSON text."""

    def head(self, stored: Any) -> bytes | None:
        sealed = common.file_of_plan(stored)
        return None if sealed is None else sealed[:_HEAD]

    def sealed(self, stored: Any) -> bytes:
        return common.file_of_plan(stored) or b""

    def anew(self, stored: Any, seal: Seal, binding: Binding) -> Any:
        return common.plan_anew(stored, seal, binding)


def _places() -> Iterator[Place]:
    for table, of in ((t.session_credentials, bindings.credentials), (t.session_profiles, bindings.profile)):
        for column in _sealed_columns(table):
            yield Place(table, column, _named(of, column.name))
    yield Place(t.login_attempts, t.login_attempts.c.phone_code_hash, bindings.code_hash)
    yield Place(t.users, t.users.c.telegram_api_hash, bindings.api_hash)
    for column in _sealed_columns(t.webhooks):
        yield Place(t.webhooks, column, _named(bindings.webhook, column.name))
    b = t.broadcasts.c
    yield _FileOfPlan(t.broadcasts, b.plan, lambda _id, session_id: bindings.file_id(session_id), (b.session_id,))
    yield Place(t.idempotency_keys, t.idempotency_keys.c.answer, bindings.answer)
    yield Place(t.send_jobs, t.send_jobs.c.result, bindings.job_result)
    yield Place(t.peers, t.peers.c.access_hash, bindings.access_hash)


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if column.info.get("sealed")]


def _named(of: Callable[[str, str], Binding], column: str) -> Callable[..., Binding]:
    return lambda row_id: of(row_id, column)


PLACES = tuple(_places())


class Sealing(Part):
    async def check_seal(self) -> None:
        """Raises SettingsError when secrets in here were sealed with a key that is not here."""
        first = {"key": SEAL_CHECK, "value": self._seal.check}
        common.refuse_strange_keys(await self._db.write(_known_checks, first), self._seal)

    async def seal_checks(self) -> frozenset[str]:
        return checks_of(await self._db.read(every, SEAL_CHECKS))

    async def admit_seal_key(self, check: str) -> None:
        if check not in await self.seal_checks():
            await self._db.write(run, STORE, key=SEAL_ALSO + check, value=check)

    async def settle_seal_keys(self, check: str) -> None:
        await self._db.write(_settle_keys, check)

    async def look_at_sealed(self, cursor: str | None, *, opening: bool, limit: int) -> SealedPage:
        place, rows, further = await self._rows(cursor, limit)
        under: Counter[tuple[str, str]] = Counter()
        broken: list[str] = []
        for row in rows:
            head = _head(place, row)
            if head is not None:
                under[place.name, head[1:5].hex()] += 1
        if opening:
            for start in range(0, len(rows), _AT_ONCE):
                part = rows[start : start + _AT_ONCE]
                broken += await self._db.read_heavy(_open, place, self._seal, part)
        return SealedPage(further, len(rows), under=under, broken=broken)

    async def seal_anew(self, cursor: str | None, *, limit: int) -> SealedPage:
        place, rows, further = await self._rows(cursor, limit)
        changed, broken = 0, []
        old = [row for row in rows if (head := _head(place, row)) is not None and not self._seal.is_current(head)]
        for start in range(0, len(old), _AT_ONCE):
            done, failed = await self._db.write_heavy(_anew, place, self._seal, old[start : start + _AT_ONCE])
            changed += done
            broken += failed
        return SealedPage(further, len(rows), changed, broken=broken)

    async def _rows(self, cursor: str | None, limit: int) -> tuple[Place, list[Row], str | None]:
        """A page of a place, each row its key and the head of what is sealed; and where to go on."""
        number, after = (0, None) if cursor is None else json.loads(cursor)
        place = PLACES[number]
        most = page(limit)
        if after is None:
            rows = await self._db.read_heavy(every, place.first, most=most)
        else:
            values = {f"after_{key.name}": value for key, value in zip(place.keys, after, strict=True)}
            rows = await self._db.read_heavy(every, place.after, most=most, **values)
        if len(rows) == most:
            return place, rows, json.dumps([number, list(rows[-1][: len(place.keys)])])
        return place, rows, json.dumps([number + 1, None]) if number + 1 < len(PLACES) else None


def _head(place: Place, row: Row) -> bytes | None:
    try:
        return place.head(row[-1])
    except SealBroken:
        return b"\x00broken"[:_HEAD]


async def _open(tx: Tx, place: Place, seal: Seal, rows: list[Row]) -> list[str]:
    broken = []
    for row in rows:
        stored = await tx.one(place.load, **place.of(row))
        try:
            if stored is not None and stored[0] is not None and place.head(stored[0]) is not None:
                seal.open(place.sealed(stored[0]), *place.bound(row))
        except SealBroken:
            broken.append(_told(place, row))
    return broken


async def _anew(tx: Tx, place: Place, seal: Seal, rows: list[Row]) -> tuple[int, list[str]]:
    changed, broken = 0, []
    for row in rows:
        of = place.of(row)
        stored = await tx.one(place.load, **of)
        try:
            head = None if stored is None or stored[0] is None else place.head(stored[0])
            if stored is None or head is None or seal.is_current(head):
                continue
            fresh = place.anew(stored[0], seal, place.bound(row))
        except SealBroken:
            broken.append(_told(place, row))
        else:
            changed += await tx.run(place.store, **of, was=stored[0], becomes=fresh)
    return changed, broken


def _told(place: Place, row: Row) -> str:
    return f"{place.name} of {'/'.join(str(value) for value in row[: len(place.keys)])}"


async def _known_checks(tx: Tx, first: dict[str, str]) -> frozenset[str]:
    await tx.run(STORE, **first)
    return checks_of(await tx.all(SEAL_CHECKS))


async def _settle_keys(tx: Tx, check: str) -> None:
    await tx.run(_SETTLE, new_check=check)
    await tx.run(_FORGET_OTHERS)
