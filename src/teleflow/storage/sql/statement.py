"""Statements that are built once with SQLAlchemy Core and run as plain text on raw drivers.

A `Statement` compiles itself once per dialect. A *unit of work* is a coroutine over `Tx`: on PostgreSQL its
awaits really wait, on SQLite they never suspend, so that `drive` runs it to its end in one go. Units must
await nothing but their `Tx`, and may be run again from the start after a failure.
"""

from __future__ import annotations

from collections.abc import Coroutine, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Dialect,
    Select,
    Table,
    UpdateBase,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
Row = tuple[Any, ...]

# Literals, since a bound value would keep SQLite from using partial indexes.
YES: ColumnElement[int] = literal_column("1")
NO: ColumnElement[int] = literal_column("0")
NTH = "nth_of_several"


class Compiled:
    """The text for one dialect, and how to lay out its values."""

    __slots__ = ("_constants", "_names", "text")

    def __init__(self, text: str, names: Sequence[str], constants: Mapping[str, Any]) -> None:
        self.text = text
        self._names = tuple(names)
        self._constants = dict(constants)

    def arrange(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Values in the order of the text's placeholders; KeyError when one is missing."""
        if self._constants:
            values = {**self._constants, **values}
        return tuple([values[name] for name in self._names])


class Statement:
    """One SQL statement. Values are given by name when it is run."""

    __slots__ = ("_compiled", "_element", "_numbered", "writes")

    def __init__(self, element: ClauseElement) -> None:
        self._element = element
        self.writes = isinstance(element, UpdateBase)
        self._compiled: dict[str, Compiled] = {}
        self._numbered: Statement | None = None

    def numbered(self) -> Statement:
        """The same with a further value, NTH, that its rows end with; each row that is written is one of them.

        Of several that are run at once it tells whose rows they are.
        """
        if self._numbered is None:
            nth = bindparam(NTH, type_=BigInteger).label(NTH)
            if isinstance(self._element, Select):
                self._numbered = Statement(self._element.add_columns(nth))
            elif isinstance(self._element, UpdateBase):
                self._numbered = Statement(self._element.returning(nth))
            else:
                raise TypeError(f"{type(self._element).__name__} has no rows of its own")
        return self._numbered

    def compiled(self, dialect: Dialect) -> Compiled:
        known = self._compiled.get(dialect.name)
        if known is None:
            known = self._compiled[dialect.name] = self._compile(dialect)
        return known

    def _compile(self, dialect: Dialect) -> Compiled:
        done: Any = self._element.compile(dialect=dialect)
        names = list(done.positiontup or ())
        required = {bind.key for bind in done.binds.values() if bind.required}
        constants = {name: done.params[name] for name in names if name not in required}
        return Compiled(str(done), names, constants)


class NewRows(Statement):
    """Whole rows of a table, each of which is written unless one of its keys is there."""

    __slots__ = ("_together", "columns", "key")

    def __init__(self, table: Table) -> None:
        super().__init__(insert(table).values({c.name: given(c.name) for c in table.c}).on_conflict_do_nothing())
        self.columns = tuple(c.name for c in table.c)
        self.key = tuple(c.name for c in table.primary_key)
        new = func.unnest(*(cast(given(c.name), ARRAY(c.type)) for c in table.c)).table_valued(
            *(column(c.name, c.type) for c in table.c), name="new"
        )
        adding = insert(table).from_select(list(self.columns), select(*new.render_derived().c)).on_conflict_do_nothing()
        self._together = Statement(adding.returning(*table.primary_key))

    def together(self) -> Statement:
        """PostgreSQL's: each value is the array of a column. It answers with the keys of those that were written."""
        return self._together


class Tx(Protocol):
    """An open transaction, as units of work see it."""

    async def one(self, statement: Statement, /, **values: Any) -> Row | None:
        """The only row, None when there is none."""

    async def all(self, statement: Statement, /, **values: Any) -> list[Row]: ...

    async def run(self, statement: Statement, /, **values: Any) -> int:
        """How many rows were touched."""

    async def each(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> list[int]:
        """The statement once for each of these; how many rows it touched each time."""

    async def claim(self, key: Hashable) -> None:
        """Wait until all that went beside this one, and claimed the key before it, has ended."""

    def alone(self, key: Hashable) -> None:
        """Go on only if no other unit that has this key goes beside this one; it is run again by itself otherwise."""

    def ring(self, id_: str) -> None:
        """After the commit, tell whoever waits for it: something is in this user's log, or for this webhook to send."""


def given(name: str, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
    """A value that is handed in when the statement runs. `type_` where nothing beside it tells the server."""
    return bindparam(name, type_=type_)


class larger(GenericFunction[int]):  # noqa: N801 - it reads as SQL
    """The larger of two numbers: max() of SQLite, GREATEST() of PostgreSQL."""

    inherit_cache = True
    name = "greatest"


@compiles(larger, "sqlite")
def _larger_in_sqlite(element: larger, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"max({compiler.process(element.clauses, **kwargs)})"


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose awaits never suspend."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise RuntimeError("A unit of work awaited something that is not its transaction")
