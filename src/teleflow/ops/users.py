"""The users of an installation, as a command works on them: beside a service that may run on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from teleflow.config import Secrets, Settings
from teleflow.kit.clock import SystemClock
from teleflow.ops.keyring import refuse_unadmitted, seal_of
from teleflow.services.accounts import Accounts
from teleflow.services.passwords import Passwords
from teleflow.storage.opening import open_storage


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[Accounts]:
    """The users as rows, for commands beside a running service: takes no lock, starts nothing else."""
    clock, seal = SystemClock(), await seal_of(Secrets.load(settings))
    storage = open_storage(settings.database, seal, clock)
    await storage.start()
    passwords = Passwords(workers=1)
    try:
        await refuse_unadmitted(storage, seal)
        yield Accounts(storage, passwords, settings, clock)
    finally:
        passwords.close()
        await storage.stop()
