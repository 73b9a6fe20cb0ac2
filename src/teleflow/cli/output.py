"""How the command line speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from teleflow.errors import Kind

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
    """A result, as it is: no colours, no wrapping."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Something beside the result."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


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
