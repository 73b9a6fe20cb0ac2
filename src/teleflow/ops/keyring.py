"""The keys that seal, as a program has them: read at its start, and by a service again when a new one is made.

A service admits its key to the database before it seals anything with it: from then on nobody who lacks that key can
open the database, and nobody who has only an older one can start.
"""

from __future__ import annotations

import asyncio

import structlog

from teleflow.config import KeptKey, Secrets, Settings
from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal, SealKey
from teleflow.storage.base import Storage
from teleflow.storage.base.adoption import OlderStore
from teleflow.storage.base.sealing import SealedStore

_log = structlog.get_logger(__name__)
LOOK_EVERY_S = 1.0


async def seal_of(secrets: Secrets) -> Seal:
    """A tenth of a second of arithmetic for each key, in a thread."""
    return await asyncio.to_thread(Seal, secrets.session_encryption_key, secrets.older_keys)


async def take_possession(storage: Storage, seal: Seal) -> None:
    """For the one service that runs on a database: say under which key it seals, and take over what was there."""
    if isinstance(storage, SealedStore):
        await storage.admit_seal_key(seal.check)
    if isinstance(storage, OlderStore):
        await storage.adopt_older()


async def refuse_unadmitted(storage: Storage, seal: Seal) -> None:
    """For commands beside a service: it may not know this key, and could not open what they seal.

    Raises SettingsError.
    """
    if isinstance(storage, SealedStore) and seal.check not in await storage.seal_checks():
        raise SettingsError(
            "SESSION_ENCRYPTION_KEY is new to this database: start the service with it first, or run"
            " `teleflow keys rotate`"
        )


class KeyWatch:
    """Sees that the key in the data directory was renewed, and seals with the new one from then on."""

    def __init__(self, settings: Settings, seal: Seal, storage: Storage, clock: Clock, *, since: int) -> None:
        """`since`: what `KeptKey.changed_at` was before this program read its key."""
        self._since = since
        self._settings = settings
        self._seal = seal
        self._storage = storage
        self._clock = clock
        self._kept = KeptKey(settings.teleflow_data_dir)

    async def run(self) -> None:
        """Does nothing where the key is set by a variable: then a start is what brings a new one."""
        if self._settings.session_encryption_key is not None or not isinstance(self._storage, SealedStore):
            return
        seen = self._since
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            at = self._kept.changed_at()
            if at in {0, seen}:
                continue
            try:
                await self._take(self._storage)
            except (SettingsError, StorageUnavailable) as error:
                _log.warning("seal_key.not_taken", cause=error.message)
            else:
                seen = at

    async def _take(self, storage: SealedStore) -> None:
        key = await asyncio.to_thread(SealKey, Secrets.load(self._settings).session_encryption_key)
        if key.check == self._seal.check:
            return
        self._seal.learn(key)
        await storage.admit_seal_key(key.check)
        self._seal.use(key)
        _log.info("seal_key.renewed", key=key.id.hex())
