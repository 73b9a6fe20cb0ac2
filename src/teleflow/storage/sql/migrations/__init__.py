"""Bringing a database to this program's schema, at every start.

One transaction from the first step to the last, under the database's own write lock: a killed migration
leaves the schema as it was, and of two programs that start together one waits. A schema that this program
does not know was written by a newer one, and is refused.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from teleflow.errors import SettingsError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection as SqlConnection

HEAD = "0005"
KNOWN = frozenset({"0001", "0002", "0003", "0004", HEAD})
TABLE = "schema_version"


def migrate(connection: sqlite3.Connection) -> None:
    """Bring this SQLite database to HEAD. The connection must not be in a transaction. Raises SettingsError."""
    if _version(connection) == HEAD:
        return  # the usual start: the migration tool is not even imported
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        check_known(found, holds_tables=_holds_tables(connection))
        if found != HEAD:
            _upgrade(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def refuse_foreign(path: Path) -> None:
    """Before anything of a file is changed: is it another program's? Raises SettingsError."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        check_known(_version(file), holds_tables=_holds_tables(file))


def check_known(found: str | None, *, holds_tables: bool) -> None:
    """Raises SettingsError for a schema that is not this program's, or is from its future."""
    if found is not None and found not in KNOWN:
        raise SettingsError(
            f"DATABASE_URL: the database has schema {found}, written by a newer version of this program "
            f"than this one (schema {HEAD}): upgrade the program, or restore a backup"
        )
    if found is None and holds_tables:
        raise SettingsError(
            "DATABASE_URL: this is a database of another program; name another one (what the older full gateway "
            "has in its own is taken over by `teleflow adopt FILE`)"
        )


def _version(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchall()
    if not known:
        return None
    rows = connection.execute(f"SELECT version_num FROM {TABLE}").fetchall()  # noqa: S608 - a constant
    return str(rows[0][0]) if rows else None


def _holds_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1").fetchall())


def alembic_config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = TABLE
    return config


def _upgrade(connection: sqlite3.Connection) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    borrowed = _Borrowed(connection)
    engine = create_engine("sqlite://", creator=lambda: borrowed, poolclass=StaticPool)
    with engine.connect() as bound:
        run_alembic(bound)


def run_alembic(bound: SqlConnection) -> None:
    """All that is missing, inside the transaction that is open there."""
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = bound
    command.upgrade(config, "head")


class _Borrowed:
    """Our connection as SQLAlchemy sees it: everything but begin and end, which are ours."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass
