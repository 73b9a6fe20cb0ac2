"""Options that several commands share, and how a secret is asked for: never as an argument."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from teleflow.errors import Invalid

Url = Annotated[str, typer.Option(help="Address of the running service", envvar="TELEFLOW_URL")]
Login = Annotated[str, typer.Option("--username", "-u", help="User of the service", envvar="TELEFLOW_USERNAME")]
# Hidden, because a password in the arguments is one that everybody on the machine can read: it is there to be
# set by the environment, and refused when it is given on the command line.
Password = Annotated[
    str | None,
    typer.Option(envvar="TELEFLOW_PASSWORD", hidden=True, show_envvar=False),
]


def read_password(given: str | None, prompt: str, *, confirm: bool = False) -> str:
    """From TELEFLOW_PASSWORD, else asked in the terminal, else the first line of standard input."""
    if any(argument == "--password" or argument.startswith("--password=") for argument in sys.argv[1:]):
        raise Invalid("A password is not taken from the command line: leave it out, or set TELEFLOW_PASSWORD")
    if given:
        return given
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Invalid("A password is needed: set TELEFLOW_PASSWORD, or write it to standard input")
    return line
