"""`teleflow`: the command line's entry. Errors of the tree become one line and an exit code, never a traceback."""

from __future__ import annotations

import sys

import typer

from teleflow import __version__
from teleflow.cli import adopt, db, doctor, health, keys, remote, run, users, webhooks
from teleflow.cli.output import EXIT_CODES, INTERRUPTED, note, say
from teleflow.errors import Kind, TeleFlowError
from teleflow.kit import log, process

_HELP = """Drive Telegram user accounts over plain HTTP.

\b
  teleflow demo                             try it: virtual people who answer
  teleflow serve                            the service, set up by environment or .env
  teleflow user create john --phone +1555…  somebody who may use it
  teleflow session login -u john            connect their Telegram account
  teleflow send +1555… "Hello" -u john      send a message from it
  teleflow webhooks verify -H …             is this delivery genuine?
  teleflow db backup FILE                   everything in one file, while it runs
  teleflow adopt teleflow.db                what the older full gateway kept
  teleflow keys rotate                      another key for all that is sealed
  teleflow doctor                           what is missing, and what to do about it

\b
Exit codes: 0 done, 1 our fault, 2 bad input or settings, 3 not logged in,
4 not allowed, 5 not found, 6 conflict, 7 too many tries, 8 refused by Telegram,
9 not available.
"""


def build() -> typer.Typer:
    """All commands."""
    made = typer.Typer(
        name="teleflow",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.command()(run.serve)
    made.command()(run.demo)
    made.command()(run.sandbox)
    made.add_typer(users.user, name="user")
    made.add_typer(remote.session, name="session")
    made.add_typer(webhooks.webhooks, name="webhooks")
    made.command("adopt")(adopt.adopt)
    made.add_typer(db.db, name="db")
    made.add_typer(keys.keys, name="keys")
    made.command()(remote.send)
    made.command("doctor")(doctor.doctor)
    made.command("health")(health.health)
    made.command("version")(version)
    return made


def version() -> None:
    """Print the version."""
    say(__version__)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    process.run_briefly()
    code = run_command(arguments)
    process.end_quickly()
    sys.exit(code)


def run_command(arguments: list[str] | None = None) -> int:
    log.configure("warning")
    try:
        build()(arguments, prog_name="teleflow")
    except TeleFlowError as error:
        wait = f" (try again in {error.retry_after:.0f} s)" if error.retry_after else ""
        note(f"teleflow: {error.message}{wait}")
        return EXIT_CODES[error.kind]
    except OSError as error:
        if error.filename is None:  # nothing that a person could look at
            raise
        note(f"teleflow: {error.filename}: {error.strerror}: is this the service's user, and its directory?")
        return EXIT_CODES[Kind.INVALID]
    except SystemExit as exit_:  # typer's own: usage errors, --help
        return exit_.code if isinstance(exit_.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
