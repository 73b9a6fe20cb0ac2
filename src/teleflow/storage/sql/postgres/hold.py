"""One running service for one PostgreSQL database, wherever its processes are.

Two services on one database would use the same Telegram keys, and Telegram ends logins for that. An advisory lock on a
connection of its own says who runs; the server lets go of it with the connection. When that breaks, it is taken again;
a service that finds it taken by another one has to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from teleflow.errors import InUse
from teleflow.kit.clock import Clock, loop_time
from teleflow.kit.tasks import Tasks
from teleflow.storage.sql.postgres.connection import COMMAND_S, CONNECT_S, Connection, is_trouble

_log = structlog.get_logger(__name__)
_LOCK = 0x7E1EF11  # any number that is ours; beside that of the migrations
LOOK_S = 2.0
# The server may not have noticed yet that a connection of ours, or of a process that was killed, is gone.
PATIENCE_AT_START_S = 5.0
PATIENCE_S = 30.0
_AGAIN_S = 0.5
_HOLDERS = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND classid = 0 AND objid = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


async def is_held(connection: Connection) -> bool:
    """Takes nothing, and so is in nobody's way."""
    return bool(await connection.fetchval(_HOLDERS, _LOCK))


class Hold:
    """Taken by `take`, given up by `release`."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._tasks = Tasks("storage-hold")
        self._connection: Connection | None = None

    async def take(self, lost: Callable[[], None]) -> None:
        """Raises InUse when another service runs. `lost` is called when one does later."""
        if not await self._taken(loop_time() + PATIENCE_AT_START_S):
            raise InUse(
                "DATABASE_URL: another TeleFlow is running on this database: two on the same Telegram logins would end"
                " them; stop the other one first"
            )
        self._tasks.start(self._watch(lost), "storage:hold")

    async def release(self) -> None:
        await self._tasks.close()
        self._drop()

    async def _watch(self, lost: Callable[[], None]) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            if await self._is_held() or await self._taken(loop_time() + PATIENCE_S):
                continue
            _log.critical("storage.taken_by_another")
            lost()
            return

    async def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(COMMAND_S):
                await self._connection.fetchval("SELECT 1")
        except Exception as error:
            if not is_trouble(error):
                raise
            self._drop()
            return False
        return True

    async def _taken(self, until: float) -> bool:
        """True once it is ours. While there is no server nobody else has it either: that is waited for without end."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_S + COMMAND_S):
                    self._connection = await self._connect()
                    if await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                        return True
                self._drop()
            except Exception as error:
                if not is_trouble(error):
                    raise
                self._drop()
                until = max(until, loop_time() + PATIENCE_AT_START_S)
            else:
                if loop_time() >= until:
                    return False
            await self._clock.sleep(_AGAIN_S)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
