"""The data centre that is measured: the product's own, with people in it who have logged in before.

Their keys are put where exchanged ones are kept; both sides compute them from a number, so that thousands need no
key exchange each. `without` names libraries that are made to be missing.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
from hashlib import shake_256
from pathlib import Path
from typing import Any

import uvloop

from proofs.child import tell
from proofs.machine import rss_kib

FIRST_PHONE = 15_551_000_000


def key_of(number: int) -> bytes:
    return shake_256(b"bench %d" % number).digest(256)


def salt_of(number: int) -> int:
    return number + 1


def phone_of(number: int) -> str:
    return str(FIRST_PHONE + number)


def main(given: str) -> None:
    plan = json.loads(given)
    for name in plan.pop("without", ()):
        sys.modules[name] = None  # type: ignore[assignment]
    uvloop.run(_run(plan, plan.pop("people", 0)))


async def _run(options: dict[str, Any], people: int) -> None:
    from teleflow.kit import log, process
    from teleflow.sandbox.embedded import running
    from teleflow.sandbox.server import Options

    log.configure("warning")
    process.raise_file_limit()
    if "state_dir" in options:
        options["state_dir"] = Path(options["state_dir"])
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with running(Options(**options)) as sandbox:
        process.tune_for_a_busy_loop()
        empty = rss_kib(os.getpid())
        for number in range(people):
            _log_in(sandbox, number)
        gc.collect()
        tell({**sandbox.info(), "emptyKib": empty, "peopleKib": rss_kib(os.getpid())})
        await over.wait()


def _log_in(sandbox: Any, number: int) -> None:
    """A person, and a device that has exchanged a key and logged in with it. It has yet to introduce itself."""
    from teleflow.sandbox.mtproto.keys import AuthKey
    from teleflow.sandbox.world.records import Authorization

    world, now = sandbox.world, int(time.time())
    person = world.create_person(phone_of(number), f"Person{number}")
    key = AuthKey.made(key_of(number), created_at=now, first_salt=salt_of(number))
    sandbox.dc.keys.put(key)
    login = Authorization(
        key_id=key.key_id,
        person=person.id,
        hash=world.logins.new_hash(),
        created=now,
        active=now,
        api_id=7,
        device_model="bench",
        system_version="Linux",
        app_version="1.0",
        address="127.0.0.1:1",
    )
    world.logins.authorize(login)
