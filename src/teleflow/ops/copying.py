"""All rows of one database into another one, which is nobody's until it is whole.

The target is marked as incomplete before the first row and until the last one is compared: a service refuses it, and a
copy that was killed begins again. Rows go as they are: what is sealed stays sealed under the same key, in the same row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from teleflow.errors import Internal
from teleflow.storage.base.database import Database, Row, Source, Target

AT_ONCE = 2_000  # rows in one transaction
OWN_FACTS = frozenset({"incomplete", "probe"})  # tell of a database, and not of the installation in it
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Copied:
    """`digest` of all rows, whatever their order."""

    rows: int
    digest: int


async def copy(source: Source, target: Target, mark: str, tell: Callable[[str], None]) -> dict[str, int]:
    """Rows of each table. Raises Conflict TARGET_NOT_EMPTY, Internal COPY_DIFFERS."""
    await target.begin(mark)
    counts = {}
    for table in source.tables():
        sent = await _each(source, table, target)
        there = await _each(target, table, None)
        if sent != there:
            raise Internal(f"{table}: {sent.rows} rows went, and {there.rows} others came", code="COPY_DIFFERS")
        counts[table] = sent.rows
        tell(f"{sent.rows} rows of {table}: the same there")
    await target.finish()
    return counts


async def copied_between(
    source: Database, target: Database, mark: str, tell: Callable[[str], None], *, folder: Path | None = None
) -> dict[str, int]:
    """`folder`: for what the source has to keep meanwhile; that has as many bytes as its rows."""
    async with source.source(folder) as rows, target.target() as into:
        return await copy(rows, into, mark, tell)


async def _each(source: Source, table: str, into: Target | None) -> Copied:
    rows, digest, last = 0, 0, None
    while True:
        page = await source.page(table, last, AT_ONCE)
        going = [row for row in page if table != "facts" or row[0] not in OWN_FACTS]
        if into is not None and going:
            await into.put(table, going)
        rows += len(going)
        digest = (digest + sum(_hash(row) for row in going)) % 2**128
        if len(page) < AT_ONCE:
            return Copied(rows, digest)
        last = page[-1]


def _hash(row: Row) -> int:
    return int.from_bytes(hashlib.sha256(_pack(row)).digest()[:16], "big")
