"""Users of this installation: `teleflow user …`. They work on the database itself, whether the service runs or not.

Only a deletion needs the service when it runs, because it holds the accounts' keys.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from teleflow.cli.gateway import Gateway
from teleflow.cli.options import Login, Password, Url, read_password
from teleflow.cli.output import note, say, table

if TYPE_CHECKING:
    from teleflow.services.accounts import Accounts

user = typer.Typer(no_args_is_help=True, help="Users of this installation.")
Name = Annotated[str, typer.Argument(help="The username", metavar="NAME")]
_PAGE = 200


@user.command("create")
def create(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="Make an admin")] = False,
    phone: Annotated[str | None, typer.Option(help="The user's Telegram number")] = None,
    api_id: Annotated[int | None, typer.Option(help="The user's own Telegram api_id")] = None,
    description: Annotated[str | None, typer.Option(help="A note about the user")] = None,
    password: Password = None,
) -> None:
    """Make a user. The password is asked for, or taken from TELEFLOW_PASSWORD.

    With --api-id the api_hash is asked for too.

    Example: teleflow user create john --phone +15550100001
    """
    from teleflow.model.users import Role
    from teleflow.services.accounts import NewUser

    secret = read_password(password, f"Password for {name}", confirm=True)
    api_hash = read_password(None, "api_hash") if api_id is not None else None
    new = NewUser(
        username=name,
        password=secret,
        role=Role.ADMIN if admin else Role.USER,
        telegram_phone=phone,
        telegram_api_id=api_id,
        telegram_api_hash=api_hash,
        description=description,
    )

    async def work(accounts: Accounts) -> None:
        made = await accounts.create(new)
        say(f"{made.username} is here ({made.role.value})")

    _run(work)


@user.command("list")
def list_() -> None:
    """List the users, newest first."""

    async def work(accounts: Accounts) -> None:
        rows: list[list[str]] = []
        while True:
            users, count = await accounts.page(limit=_PAGE, offset=len(rows))
            rows += [[one.username, one.role.value, one.telegram_phone or "", one.description or ""] for one in users]
            if not users or len(rows) >= count:
                break
        table(f"{len(rows)} users", ["username", "role", "phone", "description"], rows)

    _run(work)


@user.command("password")
def set_password(name: Name, password: Password = None) -> None:
    """Set a user's password; every login of theirs ends.

    Example: teleflow user password admin
    """
    secret = read_password(password, f"New password for {name}", confirm=True)

    async def work(accounts: Accounts) -> None:
        await accounts.set_password(name, secret)
        say(f"{name} has a new password, and is logged out everywhere")

    _run(work)


@user.command("delete")
def delete(
    name: Name,
    url: Url = "http://127.0.0.1:8001",
    username: Login = "admin",
    password: Password = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
) -> None:
    """Remove a user with everything that is theirs.

    When the service runs on this database it is asked to do it (as an admin, by --url), so that the
    user's Telegram account is logged out. Otherwise the rows are removed here, and the account's owner ends
    the login in Telegram's list of devices.
    """
    if not yes:
        typer.confirm(f"Remove {name} and everything of theirs?", abort=True, err=True)
    if asyncio.run(_removed_here(name)):
        say(f"{name} is removed")
        note("The Telegram account could not be logged out from here: end the login in Telegram's list of devices")
        return
    gateway = Gateway(url)
    gateway.log_in(username, read_password(password, f"Password of {username}"))
    try:
        say(str(gateway.delete(f"/users/{urllib.parse.quote(name, safe='')}")["message"]))
    finally:
        gateway.log_out()


async def _removed_here(name: str) -> bool:
    """Remove the user unless a service runs on this installation, on whichever host; whether it was done."""
    from teleflow.config import load_settings
    from teleflow.ops.opened import alone, require_installation

    settings = load_settings()
    require_installation(settings)
    async with alone(settings) as free:
        if free:
            async with _accounts() as accounts:
                await accounts.remove(name)
        return free


def _run(work: Callable[[Accounts], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with _accounts() as accounts:
            await work(accounts)

    asyncio.run(whole())


@asynccontextmanager
async def _accounts() -> AsyncIterator[Accounts]:
    from teleflow.config import load_settings
    from teleflow.ops.opened import require_installation
    from teleflow.ops.users import open_accounts

    settings = load_settings()
    require_installation(settings)
    async with open_accounts(settings) as accounts:
        yield accounts
