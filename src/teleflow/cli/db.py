"""`teleflow db …`: the database as its operator sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from teleflow.cli.output import note, say
from teleflow.errors import Internal

if TYPE_CHECKING:
    from teleflow.config import Settings

T = TypeVar("T")
db = typer.Typer(no_args_is_help=True, help="The database: state, check, upgrade, backup, restore, move.")
File = Annotated[Path, typer.Argument(help="The backup", metavar="FILE")]


@db.command("status")
def status() -> None:
    """What kind of database it is, its schema, its size and its rows. Changes nothing."""
    from teleflow.ops import databases
    from teleflow.ops.opened import is_served

    settings = _settings()
    told = _done(databases.look(settings))
    say(f"{told.kind}, {told.size:,} bytes, {'served' if _done(is_served(settings)) else 'not served'}")
    say(f"schema {told.schema}" + ("" if told.is_current else f"; this program has {told.head}: `teleflow db upgrade`"))
    if told.incomplete is not None:
        say(f"NOT WHOLE: {told.incomplete}")
    for table, count in told.rows.items():
        say(f"{count:>12}  {table}")


@db.command("check")
def check() -> None:
    """Read every page, follow every key, open every secret; the service may run. Ends with 1 when it is not sound."""
    from teleflow.ops import databases

    problems = _done(databases.check(_settings(), note))
    for line in problems:
        say(line)
    if problems:
        raise Internal("The database is not as it should be", code="DATABASE_DAMAGED")
    say("sound")


@db.command("upgrade")
def upgrade() -> None:
    """Bring the schema up to date, which the service also does at its start. Killed, it leaves the schema as it was."""
    from teleflow.ops import databases

    before, now = _done(databases.upgrade(_settings()))
    say(f"schema {now}, as before" if before == now else f"schema {now}, from {before or 'nothing'}")


@db.command("backup")
def backup(file: File) -> None:
    """Everything of one moment in one file, while the service writes on. The file is there whole, or not at all.

    On a MongoDB without transactions nobody can write for the seconds that reading takes; when it takes more than some,
    it is refused while the service runs.

    The keys are not in it: keep SESSION_ENCRYPTION_KEY, or `secrets/` of the data directory, elsewhere.
    """
    from teleflow.ops import databases

    size = _done(databases.backup(_settings(), file, note))
    say(f"{file}: {size:,} bytes")


@db.command("restore")
def restore(file: File, yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False) -> None:
    """Put a backup in the place of the database. The service must not run.

    The file is checked first: whether it is sound, of a schema that this program knows, and sealed under the key that
    is set. The database that was there is kept beside it; one on a server has to be empty.
    """
    from teleflow.ops import databases

    if not yes:
        typer.confirm(f"Put {file} in the place of the database?", abort=True, err=True)
    aside = _done(databases.restore(_settings(), file, note))
    say("restored" if aside is None else f"restored; what was there is now {aside}")


@db.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to", envvar="TELEFLOW_COPY_TO", help="Where to: as DATABASE_URL is written", show_default=False
        ),
    ],
) -> None:
    """Copy everything into another, empty database, from any kind to any kind. The service must not run.

    Until all is there and compared, no service takes the other database; a copy that was killed is run again. With a
    password in it, give the URL by TELEFLOW_COPY_TO: arguments are everybody's to read.
    """
    from teleflow.ops import databases

    counts = _done(databases.copy_to(_settings(), to, note))
    say(f"{sum(counts.values()):,} rows in {len(counts)} tables, compared. Now set DATABASE_URL to it")


def _settings() -> Settings:
    from teleflow.config import load_settings

    return load_settings()


def _done(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
