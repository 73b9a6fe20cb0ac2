"""How the command line speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table

from teleflow.errors import Invalid, Kind

if TYPE_CHECKING:
    from teleflow.services.accounts import FirstAdmin

EXIT_CODES: Mapping[Kind, int] = {
    Kind.INTERNAL: 1,
    Kind.INVALID: 2,
    Kind.UNAUTHENTICATED: 3,
    Kind.FORBIDDEN: 4,
    Kind.NOT_FOUND: 5,
    Kind.CONFLICT: 6,
    Kind.LIMITED: 7,
    Kind.UPSTREAM: 8,
    Kind.UNAVAILABLE: 9,
}
INTERRUPTED = 130


def say(line: str) -> None:
    """A result, as it is: no colours, no wrapping. Raises Invalid OUTPUT_NOT_WRITTEN."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise Invalid(f"Standard output can't be written: {error.strerror}", code="OUTPUT_NOT_WRITTEN") from error


def note(line: str) -> None:
    """Something beside the result: the work goes on where nobody can hear of it."""
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """What is left in it would be tried again at the end of the process, and change its exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def tell_first_admin(made: FirstAdmin) -> None:
    """A password that was generated is shown; one that was set is its owner's."""
    if made.password is not None:
        say(f"First admin: {made.username}   password: {made.password}")
        say("The password is shown this once. Change it: teleflow user password " + made.username)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    shown = Table(*columns, title=title, title_justify="left")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
