"""`teleflow keys …`: the keys that seal what is secret in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from teleflow.cli.output import note, say

if TYPE_CHECKING:
    from teleflow.ops.opened import Opened

keys = typer.Typer(no_args_is_help=True, help="The keys that seal what is secret in the database.")


@keys.command("status")
def status() -> None:
    """What lies under which key."""
    from teleflow.ops import rotation

    async def work(at: Opened) -> None:
        told = await rotation.standing(at)
        say(f"key {told.current}: seals now")
        for key in told.keys:
            if key != told.current:
                say(f"key {key}: still needed, run `teleflow keys rotate`")
        for (place, key), count in sorted(told.under.items()):
            say(f"{key}  {count:>9}  {place}")

    _run(work)


@keys.command("rotate")
def rotate() -> None:
    """Seal everything anew under another key, while the service runs. May be killed and started again.

    A key that was generated is renewed here. One that is set by SESSION_ENCRYPTION_KEY is changed there first: set the
    old one as SESSION_ENCRYPTION_KEY_OLD, restart the service, run this, and unset it.
    """
    from teleflow.ops import rotation

    async def work(at: Opened) -> None:
        report = await rotation.rotate(at, tell=note)
        say(f"{report.changed} values are sealed anew under key {report.key}; nothing lies under another one")

    _run(work, changing=True)


@keys.command("forget")
def forget() -> None:
    """Remove the keys before the present one from the data directory.

    Links to files and ids of files that were handed out under them work no more then, once the service is restarted.
    """
    from teleflow.ops import rotation

    async def work(at: Opened) -> None:
        say(f"older keys removed: {await rotation.forget(at)}")

    _run(work, changing=True)


def _run(work: Callable[[Opened], Awaitable[None]], *, changing: bool = False) -> None:
    from teleflow.config import load_settings
    from teleflow.ops import rotation
    from teleflow.ops.opened import opened

    async def whole() -> None:
        async with (rotation.changing if changing else opened)(load_settings()) as at:
            await work(at)

    asyncio.run(whole())
