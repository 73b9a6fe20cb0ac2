"""A database as its operator sees it: looked at without being changed, checked, copied, replaced.

A port of its own, beside `Storage`, and good for a database that this program can't serve yet, or no more. Rows are
tuples in the order of `columns` of their table; tables come in an order in which what is pointed at comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from teleflow.errors import Conflict, TeleFlowError

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """`schema` is None of a database with nothing in it; `head` is this program's.

    `checks`: the keys under which something may lie there. `incomplete`: why nobody may serve it, None: it is whole.
    """

    kind: str
    schema: str | None
    head: str
    size: int
    rows: Mapping[str, int]
    checks: frozenset[str] = frozenset()
    installation: str | None = None
    incomplete: str | None = None

    @property
    def is_current(self) -> bool:
        return self.schema == self.head


class Source(Protocol):
    """One state of a database, whatever is written to it meanwhile."""

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Of each table its columns."""

    async def count(self, table: str) -> int: ...

    async def page(self, table: str, after: Row | None, limit: int) -> list[Row]:
        """In an order that stays; `after` is the last row of the page before."""


class Target(Source, Protocol):
    """A database that is being filled."""

    async def begin(self, mark: str) -> None:
        """Mark it as incomplete, and empty it. Raises Conflict TARGET_NOT_EMPTY unless it is empty or marked."""

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        """In one transaction."""

    async def finish(self) -> None:
        """It is whole: from now on it can be served."""


class Database(Protocol):
    """All raise SettingsError for a database that can't be had, or is another program's."""

    async def look(self) -> Standing | None:
        """None: there is none."""

    async def upgrade(self) -> None:
        """Make it, or bring it to this program's schema."""

    async def problems(self, tell: Callable[[str], None]) -> list[str]:
        """What is wrong with it, a line each: damage, rows that point nowhere, tables that are not as they are here."""

    async def is_served(self) -> bool:
        """Whether a service has it, as far as the database can say. Looks only: one that starts meanwhile gets it."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether no service has it, as far as the database can say; while the block lasts none gets it then."""

    def source(self, folder: Path | None = None) -> AbstractAsyncContextManager[Source]:
        """`folder`: where it may keep what it has read, None: with the system's temporary files.

        Raises Invalid TEMPORARY_NOT_WRITTEN.
        """

    def target(self) -> AbstractAsyncContextManager[Target]:
        """To oneself: of two who fill it, the first would call whole what the second has only begun.

        Raises Conflict TARGET_IN_USE.
        """


class FileDatabase(Database, Protocol):
    """A database that is a file. `trouble`: the error for what it can't do, by the reason."""

    path: Path
    trouble: Callable[[str], TeleFlowError]

    async def backup(self, to: Path, tell: Callable[[str], None]) -> int:
        """A whole copy under this name or none, of one moment after the call; its bytes.

        Raises Conflict BACKUP_EXISTS, BACKUP_RUNNING; Invalid BACKUP_NOT_WRITTEN, BACKUP_DAMAGED.
        """

    async def replace(self, by: Path, aside: Path) -> None:
        """Put a copy of that file in its place at one stroke; what was there is kept as `aside`.

        Raises Conflict IN_USE when any process has it open.
        """


def in_use() -> Conflict:
    return Conflict("Another command fills that database: wait until it is done", code="TARGET_IN_USE")
