"""The schema is what the migrations make, and every statement is good for both SQL databases."""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, Text, create_engine
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

import teleflow.storage.sql
from teleflow.storage.sql import migrations
from teleflow.storage.sql.schema import metadata
from teleflow.storage.sql.sqlite.connection import connect, sqlite_dialect
from teleflow.storage.sql.statement import Statement


def statements() -> Iterator[tuple[str, Statement]]:
    found: set[int] = set()
    for module in pkgutil.iter_modules(teleflow.storage.sql.__path__, "teleflow.storage.sql."):
        if module.ispkg:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            parts = [value, *vars(value).values()] if type(value).__name__ == "_Ending" else [value]
            parts += [item[0] for item in value if isinstance(item, tuple)] if isinstance(value, tuple) else []
            for part in parts:
                if isinstance(part, Statement) and id(part) not in found:
                    found.add(id(part))
                    yield f"{module.name}.{name}", part


ALL = list(statements())


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path_factory.mktemp("schema") / "x.db")
    migrations.migrate(opened)
    yield opened
    opened.close()


def test_the_statements_are_found() -> None:
    assert len(ALL) > 60


@pytest.mark.parametrize("statement", [each for _, each in ALL], ids=[name for name, _ in ALL])
def test_a_statement_is_known_to_sqlite_and_compiles_for_postgresql(
    connection: sqlite3.Connection, statement: Statement
) -> None:
    compiled = statement.compiled(sqlite_dialect())
    missing = dict.fromkeys(compiled._names, None) | {"most": 1, "skip": 0}
    connection.execute(f"EXPLAIN {compiled.text}", compiled.arrange(missing))
    for_postgresql = statement.compiled(asyncpg_dialect())
    assert "?" not in for_postgresql.text
    assert set(for_postgresql._names) <= set(compiled._names), "no value is asked for on one database only"


def test_a_forgotten_value_is_an_error_not_a_null() -> None:
    _, statement = next(each for each in ALL if each[0].endswith("users._BY_ID"))
    with pytest.raises(KeyError):
        statement.compiled(sqlite_dialect()).arrange({})


def test_migrations_make_the_schema(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.db")
    migrations.migrate(connection)
    connection.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as bound:
        options = {"version_table": "schema_version", "compare_type": True}
        assert compare_metadata(MigrationContext.configure(bound, opts=options), metadata) == []
    engine.dispose()


def test_the_program_knows_its_own_migrations() -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config())
    assert script.get_heads() == [migrations.HEAD]
    assert {revision.revision for revision in script.walk_revisions()} == migrations.KNOWN


def test_columns_are_primitive_and_portable() -> None:
    allowed = (BigInteger, Integer, SmallInteger, Text, LargeBinary)
    odd = [
        str(column) for table in metadata.tables.values() for column in table.c if not isinstance(column.type, allowed)
    ]
    assert odd == []


def test_hot_lookups_use_an_index(connection: sqlite3.Connection) -> None:
    scans = []
    for name, statement in ALL:
        compiled = statement.compiled(sqlite_dialect())
        values = dict.fromkeys(compiled._names, None) | {"most": 1, "skip": 0}
        plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.text}", compiled.arrange(values)).fetchall()
        scans += [f"{name}: {step[3]}" for step in plan if step[3].startswith("SCAN") and "INDEX" not in step[3]]
    meant = {
        "teleflow.storage.sql.events._COUNT",  # each ten seconds: a row for each user
        "teleflow.storage.sql.sessions._TO_RUN",  # at start, in pages
        "teleflow.storage.sql.sessions._COUNTS",
        "teleflow.storage.sql.users._COUNT",
        "teleflow.storage.sql.removal._ADMINS",  # an admin is removed or demoted
        "teleflow.storage.sql.requests._RELEASE",  # once, at start
        "teleflow.storage.sql.webhooks._NAMING",  # once a second
        "teleflow.storage.sql.deliveries._LEFT_OPEN",  # the sweep: a look at each webhook
        "teleflow.storage.sql.sendlog._LOG",  # by row number, newest first
        "teleflow.storage.sql.sendlog._PURGE_LOG",  # by row number, some of the oldest
    }
    assert {scan.split(":")[0] for scan in scans} <= meant, scans
    assert not [scan for scan in scans if "sends" in scan]


def test_programs_that_start_together_migrate_once(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            connection = connect(tmp_path / "x.db", busy_ms=20_000)
            migrations.migrate(connection)
            connection.close()
        except Exception as error:  # noqa: BLE001 - judged below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


def test_a_killed_migration_leaves_nothing_half_done(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from teleflow.storage.sql import migrations\n"
        "from teleflow.storage.sql.sqlite.connection import connect\n"
        "connection = connect(Path(sys.argv[1]))\n"
        "left = [int(sys.argv[2])]\n"
        "def step(text):\n"
        "    if text.lstrip().startswith('CREATE'):\n"
        "        left[0] -= 1\n"
        "        if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "connection.set_trace_callback(step)\n"
        "migrations.migrate(connection)\n"
    )
    for number in (1, 9, 20):
        path = tmp_path / f"{number}.db"
        killed = subprocess.run([sys.executable, "-c", code, str(path), str(number)], check=False)
        assert killed.returncode == -signal.SIGKILL
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        connection.close()
        again = connect(path)
        migrations.migrate(again)
        again.close()
