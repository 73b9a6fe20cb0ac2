"""All tables as rows: counted, read in pages, looked through for rows that point nowhere. The same on each database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, func, select, tuple_

from teleflow.storage.sql import schema as t
from teleflow.storage.sql.statement import Row, Statement, given
from teleflow.storage.sql.upkeep import INCOMPLETE, INSTALLATION, SEAL_ALSO, SEAL_CHECK

_TABLES: Mapping[str, Table] = {table.name: table for table in t.metadata.sorted_tables}


def table(name: str) -> Table:
    return _TABLES[name]


def tables() -> dict[str, Sequence[str]]:
    """Of each table its columns; what is pointed at comes first."""
    return {name: [column.name for column in one.columns] for name, one in _TABLES.items()}


@lru_cache(maxsize=64)
def counting(name: str) -> Statement:
    return Statement(select(func.count()).select_from(table(name)))


@lru_cache(maxsize=64)
def first_page(name: str) -> Statement:
    return Statement(_page(table(name)))


@lru_cache(maxsize=64)
def next_page(name: str) -> Statement:
    keys = list(table(name).primary_key.columns)
    return Statement(
        _page(table(name)).where(tuple_(*keys) > tuple_(*(given(f"after_{key.name}", key.type) for key in keys)))
    )


def place_after(name: str, row: Row) -> dict[str, Any]:
    """The values that `next_page` wants after this row."""
    values = dict(zip(tables()[name], row, strict=True))
    return {f"after_{key.name}": values[key.name] for key in table(name).primary_key.columns}


def _page(of: Table) -> Any:
    return select(*of.columns).order_by(*of.primary_key.columns).limit(given("most"))


def told_by(facts: Sequence[Row]) -> dict[str, Any]:
    """What the facts of a database say of it, as `Standing` has it."""
    known = {row[0]: row[1] for row in facts}
    return {
        "checks": frozenset(value for key, value in known.items() if key == SEAL_CHECK or key.startswith(SEAL_ALSO)),
        "installation": known.get(INSTALLATION),
        "incomplete": known.get(INCOMPLETE),
    }


def orphans() -> Iterator[tuple[str, Statement]]:
    """(what it looks for, how many there are) of each foreign key."""
    for of in _TABLES.values():
        for key in of.foreign_keys:
            parent = key.column.table.alias("parent")
            lost = (
                select(func.count())
                .select_from(of.outerjoin(parent, key.parent == parent.c[key.column.name]))
                .where(key.parent.is_not(None), parent.c[key.column.name].is_(None))
            )
            yield f"{of.name}.{key.parent.name}", Statement(lost)


def unlike(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Where the columns that are there are not those of this program's schema."""
    lines = []
    for name, columns in tables().items():
        if name not in found:
            lines.append(f"the table {name} is missing")
            continue
        lines += [f"the column {name}.{column} is missing" for column in columns if column not in found[name]]
    return lines
