"""`teleflow adopt FILE`: what the older full gateway kept becomes this service's."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teleflow.cli.output import note, say, tell_first_admin
from teleflow.errors import Invalid, SettingsError

if TYPE_CHECKING:
    from teleflow.config import Settings
    from teleflow.ops.adopting import Report


def adopt(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The full gateway's SQLite file, such as teleflow.db; it is only read. None: what the multi-tenant"
            " sender has in this MongoDB database",
            metavar="[FILE]",
            show_default=False,
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Whose it becomes; the first admin's, where left out")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with its SESSION_ENCRYPTION_KEY, where that is not set here")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be taken, and take nothing")] = False,
) -> None:
    """Take the sessions, API keys, webhooks and deliveries of the older full gateway. May be done twice.

    Without FILE: the users, tokens and log of the older multi-tenant sender, whose MongoDB database this is. The
    service does that by itself at each start; with --dry-run this tells what it would take.

    The service must not run, and the older one neither: two on one Telegram login end it. The key that its logins are
    sealed with comes from --key-file, from TELEFLOW_ADOPT_KEY, or is SESSION_ENCRYPTION_KEY: never an argument.

    Example: teleflow adopt ../old/teleflow.db --key-file old.key --dry-run
    """
    from teleflow.config import load_settings

    settings = load_settings()
    if file is None:
        _adopt_older(settings, dry_run)
        return
    key = _key(settings, key_file)
    report = asyncio.run(_adopted(settings, file, user or settings.admin_username, key, dry_run))
    for line in report.left:
        say(f"left: {line}")
    for line in report.notes:
        note(line)
    for kind in ("sessions", "API keys", "webhooks", "deliveries"):
        standing = f", {report.standing[kind]} were here already" if report.standing[kind] else ""
        say(f"{'would take' if dry_run else 'took'} {report.took[kind]} {kind}{standing}")
    if report.took["sessions"] and not dry_run:
        say("The sessions connect when the service starts")


async def _adopted(settings: Settings, file: Path, user: str, key: str, dry: bool) -> Report:
    from teleflow.errors import Conflict
    from teleflow.ops.adopting import adopt as take
    from teleflow.ops.opened import alone, opened

    if dry:
        async with _looking(settings) as seen, opened(seen) as at:
            return await take(at, file, username=user, key=key, dry=True, on_first_admin=tell_first_admin)
    async with alone(settings) as free:
        if not free:
            raise Conflict(
                "The service is running on this database: stop it before it takes something over", code="IN_USE"
            )
        async with opened(settings) as at:
            return await take(at, file, username=user, key=key, dry=False, on_first_admin=tell_first_admin)


@asynccontextmanager
async def _looking(settings: Settings) -> AsyncIterator[Settings]:
    """For a dry run: where there is no installation yet, one that is thrown away, so that none is made."""
    from teleflow.errors import NotFound
    from teleflow.ops.databases import look, require_current

    standing = None
    with suppress(NotFound):
        standing = await look(settings)
    if standing is not None and standing.schema is not None and settings.teleflow_data_dir.exists():
        require_current(standing)  # to open it would change its schema
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="teleflow-") as made:
        yield settings.model_copy(update={"teleflow_data_dir": Path(made), "database_url": None, "mongo_uri": None})


def _adopt_older(settings: Settings, dry: bool) -> None:
    from teleflow.ops.older import adopted, told

    report = asyncio.run(told(settings) if dry else adopted(settings))
    for line in report.left:
        say(f"left: {line}")
    for kind, name in (("users", "users"), ("tokens", "refresh tokens"), ("logs", "log rows")):
        standing = f", {report.standing[kind]} were taken before" if report.standing[kind] else ""
        say(f"{'would take' if dry else 'took'} {report.took[kind]} {name}{standing}")


def _key(settings: Settings, file: Path | None) -> str:
    from teleflow.config import adoption_key

    if file is not None:
        try:
            text = file.read_text("utf-8-sig").rstrip("\r\n")  # some editors begin with a mark that is no text
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"--key-file: {file} can't be read: {error}") from error
        if not text:
            raise Invalid(f"--key-file: {file} is empty")
        return text
    given = adoption_key(settings)
    if given is None:
        raise SettingsError(
            "The older service's key is needed: --key-file, TELEFLOW_ADOPT_KEY or SESSION_ENCRYPTION_KEY"
        )
    return given
