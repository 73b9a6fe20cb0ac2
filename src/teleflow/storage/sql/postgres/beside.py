"""Units of one transaction beside each other: what several of them ask alike is one journey to the server.

A unit is a coroutine over its own `UnitTx`. Each of a group runs until it asks something; the same statement of several
units is then sent with the values of all of them, and no answer is awaited in between. The server runs them in the
order of the units. That comes to the same as one unit after the other as long as they have nothing in common, which is
what their keys say (`Engine.write_beside`), and `claim` and `alone` where only the unit itself finds out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Coroutine, Generator, Hashable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Dialect

from teleflow.errors import Internal
from teleflow.storage.sql.postgres.connection import Connection, is_lost_race, is_trouble, is_units_own
from teleflow.storage.sql.postgres.text import stored, told
from teleflow.storage.sql.queued import Queued, Work
from teleflow.storage.sql.statement import NTH, NewRows, Row, Statement

_ONE, _ALL, _RUN, _EACH = range(4)


class OneByOne(Exception):
    """These units do not go beside each other after all: the transaction is to be run anew."""


class _Asked:
    """What a unit waits for: rows or counts of a statement, or its turn (no statement)."""

    __slots__ = ("how", "key", "statement", "values")

    def __init__(
        self, how: int, statement: Statement | None, values: Sequence[Mapping[str, Any]], key: Hashable = None
    ) -> None:
        self.how = how
        self.statement = statement
        self.values = values
        self.key = key

    def __await__(self) -> Generator[_Asked, Any, Any]:
        return (yield self)


class UnitTx:
    """The transaction as one unit of work sees it. `wrote`: one of its statements was no mere query."""

    __slots__ = ("_keys", "_single", "rung", "wrote")

    def __init__(self, keys: Collection[Hashable] = ()) -> None:
        self._keys = keys
        self.begin(single=True)

    def begin(self, *, single: bool) -> None:
        """`single`: nothing goes beside it."""
        self._single = single
        self.rung: set[str] = set()
        self.wrote = False

    def ring(self, id_: str) -> None:
        self.rung.add(id_)

    async def one(self, statement: Statement, /, **values: Any) -> Row | None:
        row: Row | None = await self._ask(_ONE, statement, [values])
        return row

    async def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        rows: list[Row] = await self._ask(_ALL, statement, [values])
        return rows

    async def run(self, statement: Statement, /, **values: Any) -> int:
        count: int = await self._ask(_RUN, statement, [values])
        return count

    async def each(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> list[int]:
        counts: list[int] = await self._ask(_EACH, statement, values) if values else []
        return counts

    async def claim(self, key: Hashable) -> None:
        if not self._single:
            await _Asked(_ALL, None, (), key)

    def alone(self, key: Hashable) -> None:
        if not self._single and key not in self._keys:
            raise OneByOne

    def _ask(self, how: int, statement: Statement, values: Sequence[Mapping[str, Any]]) -> _Asked:
        self.wrote = self.wrote or statement.writes
        return _Asked(how, statement, values)


class Unit(Queued):
    """`kind` None: nothing may go beside it. Units of one wave have no key in common."""

    __slots__ = ("keys", "kind", "tx")

    def __init__(
        self, work: Work, future: Any, since: float, tx: UnitTx, kind: str | None, keys: frozenset[Hashable]
    ) -> None:
        super().__init__(work, future, heavy=False, since=since)
        self.tx = tx
        self.kind = kind
        self.keys = keys


def waves(units: Sequence[Unit], *, single: bool) -> list[list[list[Unit]]]:
    """Neighbours that may go in any order, by their kinds; each kind in the order in which they came."""
    found: list[list[Unit]] = []
    taken: set[Hashable] = set()
    for unit in units:
        joins = bool(found) and not single and unit.kind is not None and found[-1][0].kind is not None
        if joins and taken.isdisjoint(unit.keys):
            found[-1].append(unit)
            taken |= unit.keys
        else:
            found.append([unit])
            taken = set(unit.keys)
    return [_by_kind(wave) for wave in found]


def _by_kind(wave: list[Unit]) -> list[list[Unit]]:
    kinds: dict[str | None, list[Unit]] = {}
    for unit in wave:
        kinds.setdefault(unit.kind, []).append(unit)
    return list(kinds.values())


class _Going:
    """A unit under way: what it asked last, what it was answered, and the keys that it has claimed."""

    __slots__ = ("answer", "asked", "claimed", "error", "unit", "work")

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.work: Coroutine[_Asked, Any, Any] = unit.work()
        self.answer: Any = None
        self.error: Exception | None = None
        self.asked: _Asked | None = None
        self.claimed: list[Hashable] = []


class Group:
    """Carries units through one transaction. Raises OneByOne, or what the database failed with."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self._claims: dict[Hashable, deque[_Going]] = {}

    async def run(self, units: Sequence[Unit]) -> None:
        single = len(units) == 1
        for unit in units:
            unit.again()
            unit.tx.begin(single=single)
        going = [_Going(unit) for unit in units]
        try:
            ready = deque(going)
            while ready:
                asked: dict[Statement, list[_Going]] = {}
                while ready:
                    one = ready.popleft()
                    self._step(one, ready)
                    if one.asked is not None and one.asked.statement is not None:
                        asked.setdefault(one.asked.statement, []).append(one)
                for statement, several in asked.items():
                    await self._answer(statement, several, single=single)
                    ready += several
        finally:
            for one in going:
                one.work.close()

    def _step(self, one: _Going, ready: deque[_Going]) -> None:
        """On to the next question, or to its end. What it raises is its own, except when the database fails."""
        one.asked = None
        error, one.error = one.error, None
        try:
            one.asked = one.work.send(one.answer) if error is None else one.work.throw(error)
        except StopIteration as end:
            one.unit.result = end.value
        except OneByOne:
            raise
        except Exception as raised:
            if is_units_own(raised):
                one.unit.error = Internal("The database refused what was to be stored")
                one.unit.error.__cause__ = raised
            elif is_trouble(raised):
                raise
            else:
                one.unit.error = raised
        one.answer = None
        if one.asked is None:
            self._ended(one, ready)
        elif one.asked.statement is None:
            self._claim(one, one.asked.key, ready)

    def _claim(self, one: _Going, key: Hashable, ready: deque[_Going]) -> None:
        """Its turn comes when those who claimed the key before it have ended."""
        waiting = self._claims.setdefault(key, deque())
        waiting.append(one)
        one.claimed.append(key)
        if waiting[0] is one:
            ready.append(one)

    def _ended(self, one: _Going, ready: deque[_Going]) -> None:
        for key in one.claimed:
            waiting = self._claims[key]
            waiting.popleft()
            if waiting:
                ready.append(waiting[0])

    async def _answer(self, statement: Statement, several: list[_Going], *, single: bool) -> None:
        try:
            await self._asked(statement, several)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if single:
                several[0].error = error  # told where it was asked
            elif is_lost_race(error) or self._connection.is_closed():
                raise
            else:
                raise OneByOne from error

    async def _asked(self, statement: Statement, several: list[_Going]) -> None:
        asked = [one.asked for one in several if one.asked is not None]
        count = sum(len(each.values) for each in asked)
        if count == 1:
            several[0].answer = await self._directly(statement, asked[0])
            return
        if isinstance(statement, NewRows):
            await self._added(statement, asked, several)
            return
        numbered = statement.numbered()
        compiled = numbered.compiled(self._dialect)
        every = (values for each in asked for values in each.values)
        given = [
            [stored(value) for value in compiled.arrange({**values, NTH: number})]
            for number, values in enumerate(every)
        ]
        found: list[list[Row]] = [[] for _ in given]
        for row in await self._connection.fetchmany(compiled.text, given):
            *columns, number = row
            found[number].append(told(columns))
        start = 0
        for one, each in zip(several, asked, strict=True):
            one.answer = _answer(each.how, found[start : start + len(each.values)])
            start += len(each.values)

    async def _added(self, statement: NewRows, asked: list[_Asked], several: list[_Going]) -> None:
        """All rows as one statement, by columns: the server plans and runs it once."""
        compiled = statement.together().compiled(self._dialect)
        rows = [values for each in asked for values in each.values]
        columns = {name: [stored(values[name]) for values in rows] for name in statement.columns}
        keys = {told(row) for row in await self._connection.fetch(compiled.text, *compiled.arrange(columns))}
        added = iter([int(_written(keys, tuple(values[name] for name in statement.key))) for values in rows])
        for one, each in zip(several, asked, strict=True):
            counts = [next(added) for _ in each.values]
            one.answer = counts if each.how == _EACH else sum(counts)

    async def _directly(self, statement: Statement, asked: _Asked) -> Any:
        compiled = statement.compiled(self._dialect)
        given = [stored(value) for value in compiled.arrange(asked.values[0])]
        if asked.how == _ONE:
            row = await self._connection.fetchrow(compiled.text, *given)
            return None if row is None else told(row)
        if asked.how == _ALL:
            return [told(row) for row in await self._connection.fetch(compiled.text, *given)]
        done = await self._connection.execute(compiled.text, *given)  # "UPDATE 3", "INSERT 0 1"
        touched = int(done.rsplit(" ", 1)[-1])
        return touched if asked.how == _RUN else [touched]


def _written(keys: set[Row], key: Row) -> bool:
    """Of two rows with one key, the first."""
    if key not in keys:
        return False
    keys.remove(key)
    return True


def _answer(how: int, found: list[list[Row]]) -> Any:
    if how == _EACH:
        return [len(rows) for rows in found]
    (rows,) = found
    if how == _ALL:
        return rows
    if how == _ONE:
        return rows[0] if rows else None
    return len(rows)
