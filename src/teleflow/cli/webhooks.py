"""`teleflow webhooks …`: for those who receive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from teleflow.cli.output import say
from teleflow.errors import Forbidden, Invalid

webhooks = typer.Typer(no_args_is_help=True, help="For those who receive webhooks.")
_MOST = 2**24


@webhooks.callback()
def _group() -> None:
    """So that `verify` stays a command of its own."""


@webhooks.command("verify")
def verify(
    header: Annotated[
        list[str], typer.Option("--header", "-H", help="A header as it came, 'name: value'; once for each")
    ],
    secret: Annotated[
        str,
        typer.Option(
            envvar="TELEFLOW_WEBHOOK_SECRET",
            prompt=True,
            hide_input=True,
            help="The webhook's secret",
            show_default=False,
        ),
    ],
    body: Annotated[Path, typer.Argument(help="The body, byte for byte; - is standard input")] = Path("-"),
    now: Annotated[float | None, typer.Option(help="When it came, Unix seconds; now, where left out")] = None,
) -> None:
    """Is this delivery genuine? Exit code 0 when it is, 4 when it is not.

    Example: teleflow webhooks verify -H "X-TeleFlow-Signature: 5f2b…" body.json
    """
    from teleflow.kit.clock import SystemClock
    from teleflow.webhooks import signing

    given = dict(_split(one) for one in header)
    try:
        signing.verify(
            secret,
            _read(body),
            signature=given.get("x-teleflow-signature"),
            id_=given.get("webhook-id"),
            timestamp=given.get("webhook-timestamp"),
            standard=given.get("webhook-signature"),
            now=SystemClock().time() if now is None else now,
        )
    except signing.NotGenuine as error:
        raise Forbidden(f"Not genuine: {error}") from error
    say("genuine")


def _split(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon:
        raise Invalid("A header is written 'name: value'")
    return name.strip().lower(), value.strip()


def _read(path: Path) -> bytes:
    try:
        raw = sys.stdin.buffer.read(_MOST + 1) if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} can't be read: {error.strerror}") from error
    if len(raw) > _MOST:
        raise Invalid("The body is too large")
    return raw
