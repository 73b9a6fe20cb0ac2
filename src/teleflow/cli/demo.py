"""The demo: a data centre with people in it, and the service beside it, on loopback, in one process.

Everything it makes is in one directory, so that a second start finds it again: the service's database and
secrets, the data centre's key and world, and the login that is printed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleflow.app import Ready, serve
from teleflow.cli.virtual_phones import DemoPhones
from teleflow.config import Settings, load_settings
from teleflow.errors import SettingsError
from teleflow.kit.clock import SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.cast import seed_cast
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.server import Options
from teleflow.storage.lock import DataDirLock

_LOOK_EVERY_S = 0.4
_API_ID = 12345678
_LOOPBACK = "127.0.0.0/8,::1/128"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`show` gets a line for each code and message that reaches a virtual phone; None shows none."""

    host: str = "127.0.0.1"
    port: int = 8001
    data_dir: Path = Path("data/demo")
    people: int = 6
    show: Callable[[str], None] | None = None


async def run_demo(options: DemoOptions, on_ready: Callable[[dict[str, Any]], None]) -> None:
    """Run until a stop signal. `on_ready` gets what `teleflow demo --json` prints."""
    login = _login(options.data_dir)
    state_dir = options.data_dir / "sandbox"
    with DataDirLock(state_dir):  # before the world is opened: a second demo must not even look at it
        await _run_in(options, login, Sandbox(Options(state_dir=state_dir)), on_ready)


async def _run_in(
    options: DemoOptions, login: dict[str, str], sandbox: Sandbox, on_ready: Callable[[dict[str, Any]], None]
) -> None:
    await sandbox.start()
    watching = Tasks("demo")
    try:
        seed_cast(sandbox.world, options.people)
        settings = _settings(options, sandbox, login)

        def ready(facts: Ready) -> None:
            on_ready(_facts(facts, settings, login, sandbox))
            if options.show is not None:
                watching.start(_watch(sandbox, options.show), "watch phones")

        await serve(settings, on_ready=ready, virtual_phones=DemoPhones(sandbox))
    finally:
        await watching.close()
        await sandbox.stop()


def _settings(options: DemoOptions, sandbox: Sandbox, login: dict[str, str]) -> Settings:
    settings = load_settings(
        host=options.host,
        port=options.port,
        teleflow_data_dir=options.data_dir,
        database_url=None,
        mongo_uri=None,
        jwt_secret=None,
        jwt_refresh_secret=None,
        session_encryption_key=None,
        admin_username=login["username"],
        admin_password=login["password"],
        api_key=login["apiKey"],
        telegram_api_id=_API_ID,
        telegram_api_hash="0123456789abcdef0123456789abcdef",
        telegram_dc=f"{sandbox.dc_id}@{sandbox.host}:{sandbox.port}",
        telegram_dc_key=sandbox.public_key_file,
        # Nobody's phone rings here, and trying things out means asking for codes.
        code_budget_per_hour=1000,
    )
    # Whoever tries webhooks out has a receiver on this machine.
    return settings if settings.webhook_allow_nets else settings.model_copy(update={"webhook_allow_nets": _LOOPBACK})


def _facts(ready: Ready, settings: Settings, login: dict[str, str], sandbox: Sandbox) -> dict[str, Any]:
    return {
        "url": ready.url,
        "username": settings.admin_username,
        "password": login["password"],
        "apiKey": login["apiKey"],
        "sandbox": sandbox.info(),
        "phones": [
            {
                "phone": account["phone"],
                "name": " ".join(filter(None, (account.get("firstName"), account.get("lastName")))),
                "scenario": account.get("scenario"),
            }
            for account in sandbox.control.accounts()
        ],
    }


def _login(folder: Path) -> dict[str, str]:
    """The demo's own login, made at the first start. Raises SettingsError when it can't be kept."""
    path = folder / "demo.json"
    try:
        if path.exists():
            kept: dict[str, str] = json.loads(path.read_text("utf-8"))
            return kept
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {
            "username": "admin",
            "password": secrets.token_urlsafe(12),
            "apiKey": f"tfb_{secrets.token_hex(32)}",
        }
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, ValueError) as error:
        raise SettingsError(f"--data-dir: the demo can't keep its login there: {error}") from error
    return made


async def _watch(sandbox: Sandbox, show: Callable[[str], None]) -> None:
    """Tell what reaches the virtual phones, as it happens."""
    clock = SystemClock()
    seen = 0
    while lines := sandbox.control.ledger_messages(since=seen):  # what was before is not news
        seen = lines[-1]["seq"]
    codes = {phone: sent_at for phone, sent_at, _ in _codes(sandbox)}
    while True:
        await clock.sleep(_LOOK_EVERY_S)
        for phone, sent_at, code in _codes(sandbox):
            if codes.get(phone) != sent_at:
                codes[phone] = sent_at
                show(f"login code for {phone}: {code}")
        for line in sandbox.control.ledger_messages(since=seen):
            seen = line["seq"]
            show(f"{line['from']} → {line['to']}: {line['text']}")


def _codes(sandbox: Sandbox) -> list[tuple[str, Any, str]]:
    """(phone, sent at, code) of all that have one."""
    phones = [account["phone"] for account in sandbox.control.accounts()]
    found = [(phone, sandbox.control.code(phone)) for phone in phones]
    return [(phone, code["sentAt"], code["code"]) for phone, code in found if code is not None]
