"""Commands that ask a running service over HTTP: one owner may hold an account's key, so these never touch it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from teleflow.cli.gateway import Gateway
from teleflow.cli.options import Login, Password, Url, read_password
from teleflow.cli.output import note, say
from teleflow.errors import Invalid, TeleFlowError

session = typer.Typer(no_args_is_help=True, help="Telegram accounts of a running service.")


@session.command("login")
def login(url: Url = "http://127.0.0.1:8001", username: Login = "admin", password: Password = None) -> None:
    """Log a user's Telegram account in: a code is sent to the phone and asked for here.

    Example: teleflow session login --username john
    """
    gateway = Gateway(url)
    gateway.log_in(username, read_password(password, f"Password of {username}"))
    try:
        begun = gateway.post("/telegram/init")
        if begun.get("phone"):
            say(f"{begun['phone']} is logged in already")
            return
        note(str(begun["message"]))
        done = _verify(gateway, typer.prompt("Code", err=True))
        say(f"{done['name']} ({done['phone']}) is connected")
    finally:
        gateway.log_out()


def _verify(gateway: Gateway, code: str) -> dict[str, object]:
    try:
        return gateway.post("/telegram/verify", {"code": code})
    except TeleFlowError as error:
        if error.code != "PASSWORD_NEEDED":
            raise
    cloud = typer.prompt("Cloud password", hide_input=True, err=True)
    return gateway.post("/telegram/verify", {"code": code, "password": cloud})


def send(
    phone: Annotated[str, typer.Argument(help="The receiver's number, such as +15550100002")],
    text: Annotated[str, typer.Argument(help="The text; - reads it from standard input")] = "-",
    url: Url = "http://127.0.0.1:8001",
    username: Login = "admin",
    password: Password = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Repeating the command with the same key never sends twice")
    ] = None,
) -> None:
    r"""Send a message from a user's Telegram account, by a running service.

    \b
    Examples:
      teleflow send +15550100002 "Hello" --username john
      echo "Hello" | teleflow send +15550100002 --username john
    """
    gateway = Gateway(url)
    secret = read_password(password, f"Password of {username}")
    body = {"phone": phone, "message": sys.stdin.read().rstrip("\n") if text == "-" else text}
    if not body["message"]:
        raise Invalid("There is no text to send")
    gateway.log_in(username, secret)
    try:
        headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
        say(str(gateway.post("/send", body, **headers)["detail"]))
    finally:
        gateway.log_out()
