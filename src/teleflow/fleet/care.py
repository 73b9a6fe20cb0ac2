"""All that is done with sessions as such, put together: what the services know of the fleet."""

from __future__ import annotations

from teleflow.fleet.attempts import Attempts
from teleflow.fleet.locks import Locks
from teleflow.fleet.logins import Logins
from teleflow.fleet.qr import QrLogins
from teleflow.fleet.runner import Runner
from teleflow.fleet.sessions import Sessions
from teleflow.fleet.transfer import Transfer
from teleflow.kit.clock import Clock
from teleflow.model.sessions import Device
from teleflow.storage.base import Storage


class Care:
    """Each part is a port of its own (`services.ports`); the steps of a login are told here, for the simple API."""

    def __init__(self, runner: Runner, storage: Storage, clock: Clock, *, device: Device, codes_per_hour: int) -> None:
        locks = Locks()
        self._attempts = Attempts(runner, storage, clock, locks, codes_per_hour=codes_per_hour)
        self.device = device
        self.logins = Logins(runner, storage, clock, self._attempts, locks)
        self.qr = QrLogins(runner, storage, clock, self._attempts, locks)
        self.sessions = Sessions(runner, storage, clock, self._attempts, locks)
        self.transfer = Transfer(runner, storage, clock)
        self.start_login = self.logins.start_login
        self.verify_code = self.logins.verify_code
        self.status = self.logins.status
        self.log_out = self.sessions.log_out
        self.awaits_code = self._attempts.awaits_code

    async def start(self) -> None:
        for session_id in await self._attempts.start():
            await self.qr.resume(session_id)

    async def stop(self) -> None:
        await self.qr.stop()
        await self._attempts.stop()
