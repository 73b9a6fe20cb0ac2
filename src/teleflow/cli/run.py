"""Commands that run until they are stopped: serve, demo, sandbox."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teleflow.cli.output import note, say, tell_first_admin
from teleflow.errors import Invalid, SettingsError

if TYPE_CHECKING:
    from teleflow.app import Ready

Host = Annotated[str, typer.Option(help="Address to listen on")]


def serve() -> None:
    """Run the service. Settings come from the environment, .env and teleflow.toml: see docs/settings.md.

    At the first start the admin's password is made and shown once.
    """
    from teleflow.kit import process

    process.start_quickly()
    from teleflow import app
    from teleflow.config import load_settings
    from teleflow.kit import log

    settings = load_settings()
    log.configure(settings.log_level, json=settings.node_env != "development")

    def ready(facts: Ready) -> None:
        say(f"TeleFlow listens at {facts.url} (API documentation: {facts.url}/docs)")
        if facts.first_admin is not None:
            tell_first_admin(facts.first_admin)

    _run(app.serve(settings, on_ready=ready))


def demo(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one")] = 8001,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept for the next start")] = Path("data/demo"),
    people: Annotated[int, typer.Option(min=1, max=1000, help="How many virtual people there are")] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when ready, for scripts")] = False,
) -> None:
    """Run everything in one process: a Telegram data centre with people in it, and the service beside it.

    Nothing leaves this machine, and no phone is needed: login codes show up here.
    """
    from teleflow.kit import process

    process.start_quickly()
    from teleflow.cli.demo import DemoOptions, run_demo

    options = DemoOptions(host, port, data_dir, people, None if as_json else say)
    _run(run_demo(options, lambda facts: say(json.dumps(facts)) if as_json else _tell_demo(facts)))


def sandbox(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the data centre; 0 takes a free one")] = 0,
    control_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the control API")] = 0,
    key_file: Annotated[Path | None, typer.Option(help="The data centre's RSA key, PEM; made when missing")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Where the world is kept; without it, nowhere")] = None,
    people: Annotated[int, typer.Option(min=0, max=1000, help="How many virtual people there are")] = 6,
) -> None:
    """Run the Telegram data centre alone, for any MTProto client.

    Prints one line of JSON when it is ready: where it listens, its public key, its control API.
    """
    from teleflow.kit import process

    process.start_quickly()
    from teleflow.sandbox.server import Options

    options = Options(host=host, port=port, key_file=key_file, state_dir=state_dir)
    _run(_sandbox(options, control_port, people))


async def _sandbox(options: Any, control_port: int, people: int) -> None:
    from teleflow.kit import process
    from teleflow.sandbox.embedded import Sandbox

    process.raise_file_limit()
    try:
        centre = Sandbox(options, control_port=control_port, people=people)
    except OSError as error:
        raise SettingsError(f"--state-dir: can't be used: {error.strerror or error}") from error
    try:
        await centre.start()
    except OSError as error:
        raise SettingsError(f"--host, --port, --control-port: can't listen: {error.strerror or error}") from error
    except ValueError as error:
        raise Invalid(f"--key-file: {error}") from error
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    process.tune_for_a_busy_loop()
    try:
        say(json.dumps(centre.info()))
        await stop.wait()
    finally:
        await centre.stop()


def _tell_demo(facts: dict[str, Any]) -> None:
    first = facts["phones"][0]["phone"]
    say(f"TeleFlow demo at {facts['url']}   API documentation: {facts['url']}/docs")
    say(f"Log in as {facts['username']} with the password {facts['password']}")
    say("Virtual phones (their login codes and messages show up below):")
    for phone in facts["phones"]:
        scenario = f"   {phone['scenario']}" if phone.get("scenario") else ""
        say(f"  {phone['phone']}  {phone['name']}{scenario}")
    say(f"Next: make a user with telegram_phone {first} in {facts['url']}/docs, or as README shows. Ctrl+C ends it.")
    note("Everything here is virtual: no message leaves this machine.")


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
