"""Connections to one PostgreSQL database, and a transaction on one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError

from teleflow.errors import SettingsError, Unreachable
from teleflow.kit.tasks import unbroken
from teleflow.storage.sql.postgres.text import stored, told
from teleflow.storage.sql.statement import Row, Statement

# Parts of URLs that other programs understand (Prisma, libpq) and this driver would ask the server for.
_OF_OTHER_CLIENTS = frozenset(
    {
        *("schema", "connection_limit", "pool_timeout", "pgbouncer", "connect_timeout", "socket_timeout"),
        *("statement_cache_size", "sslaccept", "sslidentity", "sslpassword", "channel_binding", "gssencmode"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    }
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECT_S = 5.0
COMMAND_S = 10.0  # a statement of the usual kind that takes longer is given up, and its transaction with it
OLDEST = 130000  # server_version_num
_STATEMENTS = 1_024  # prepared ones kept for each connection

# SQLSTATE (PostgreSQL, appendix A): the transaction lost to another one, and is to be run again.
_LOST = frozenset({"40001", "40P01"})
# Classes of SQLSTATE that tell of the unit, not of the database: data, integrity, the statement itself.
_UNITS_OWN = frozenset({"21", "22", "23", "42"})


def address(url: str) -> URL:
    """Raises SettingsError; what is told never has the password in it."""
    try:
        made = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError("DATABASE_URL: write postgresql://user:password@host:5432/name") from error
    if not made.database:
        raise SettingsError("DATABASE_URL: name the database: postgresql://user:password@host:5432/name")
    query = {name: value for name, value in made.query.items() if name not in _OF_OTHER_CLIENTS}
    if "schema" in made.query and "search_path" not in query:
        query["search_path"] = made.query["schema"]
    return made.set(drivername="postgresql", query=query)


async def connect(url: URL) -> Connection:
    """A connection that says "durable": an acknowledged commit is on the server's disk."""
    return await opened(dsn=dsn(url), **options())


async def opened(*given: Any, **options_: Any) -> Connection:
    """As the driver opens one, which may be given up at any moment.

    Cancelled at the wrong one, the driver tells the event loop of an error that is nobody's; so it goes on, no longer
    than its `timeout`, and what it opens then is thrown away.
    """

    async def opening() -> Connection:
        connection: Connection = await asyncpg.connect(*given, **options_)
        return connection

    return await unbroken(opening(), asyncpg.Connection.terminate)


def dsn(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def options() -> dict[str, Any]:
    return {
        "timeout": CONNECT_S,
        "command_timeout": COMMAND_S,
        "statement_cache_size": _STATEMENTS,
        "server_settings": {
            "application_name": "teleflow",
            "jit": "off",  # statements are small: planning by machine code costs more than it saves
            "synchronous_commit": "on",
            "idle_in_transaction_session_timeout": "60000",  # a process that froze must not hold its locks for ever
        },
    }


def dialect() -> Dialect:
    made: Dialect = asyncpg_dialect()  # type: ignore[no-untyped-call]
    return made


def is_lost_race(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) in _LOST


def is_units_own(error: BaseException) -> bool:
    """Whether the error is the fault of what was asked, and would be the same tomorrow."""
    return isinstance(error, asyncpg.PostgresError) and str(getattr(error, "sqlstate", None) or "")[:2] in _UNITS_OWN


# The last two: what a URL can say that no connection can be asked for, as a port of 99999.
NO_CONNECTION = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OverflowError)


def not_reached(error: BaseException) -> SettingsError:
    """What a start says of a server that can't be used: whether to try again, or to mend the setting."""
    if isinstance(error, ValueError | OverflowError):  # its words may have parts of the URL in them
        return SettingsError(f"DATABASE_URL: a part of it is not understood ({type(error).__name__})")
    if isinstance(error, asyncpg.PostgresError):
        told = str(error)  # the server's own words, which name no password
    elif isinstance(error, TimeoutError):
        told = "no answer"
    else:
        told = getattr(error, "strerror", None) or type(error).__name__
    # Who may not log in, and a database that there is not.
    refused_for_good = str(getattr(error, "sqlstate", None) or "")[:2] in {"28", "3D"}
    kind = SettingsError if refused_for_good else Unreachable
    return kind(f"DATABASE_URL: PostgreSQL can't be reached: {told}")


def is_trouble(error: BaseException) -> bool:
    """Whether the error came from the database or the way to it."""
    return isinstance(error, _TROUBLE)


# The last is the driver's own confusion about a connection that broke in the middle of a statement.
_TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, asyncio.TimeoutError, asyncpg.InternalClientError)


class PostgresTx:
    """A transaction on one connection, as a unit of work sees it that has one of its own (the writer's: `beside`).

    Outside of one, each statement stands alone. `connection` is set before it is used.
    """

    __slots__ = ("_dialect", "connection", "rung")
    connection: Connection

    def __init__(self, dialect_: Dialect) -> None:
        self._dialect = dialect_
        self.rung: set[str] = set()

    def ring(self, user_id: str) -> None:
        self.rung.add(user_id)

    async def one(self, statement: Statement, /, **values: Any) -> Row | None:
        text, given = self._laid_out(statement, values)
        row = await self.connection.fetchrow(text, *given)
        return None if row is None else told(row)

    async def all(self, statement: Statement, /, **values: Any) -> list[Row]:
        text, given = self._laid_out(statement, values)
        return [told(row) for row in await self.connection.fetch(text, *given)]

    async def run(self, statement: Statement, /, **values: Any) -> int:
        text, given = self._laid_out(statement, values)
        done = await self.connection.execute(text, *given)  # "UPDATE 3", "INSERT 0 1"
        return int(done.rsplit(" ", 1)[-1])

    async def each(self, statement: Statement, values: Sequence[Mapping[str, Any]]) -> list[int]:
        return [await self.run(statement, **one) for one in values]

    async def claim(self, key: Hashable) -> None:
        """Nothing goes beside it."""

    def alone(self, key: Hashable) -> None:
        """It always is."""

    def _laid_out(self, statement: Statement, values: dict[str, Any]) -> tuple[str, list[Any]]:
        compiled = statement.compiled(self._dialect)
        return compiled.text, [stored(value) for value in compiled.arrange(values)]
