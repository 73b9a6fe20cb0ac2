"""Requests that come with an Idempotency-Key and are no sends: carried out once, answered alike afterwards.

Promises: of parallel equal requests one is carried out and the others are told that it runs; afterwards each gets
the first one's answer, for 72 hours and across restarts; a request that died with its process can be made again.
"""

from __future__ import annotations

import structlog

from teleflow.errors import Conflict, Invalid, StorageUnavailable
from teleflow.kit.clock import Clock, milliseconds
from teleflow.storage.base import Begun, Claimed, RequestStore, StoredAnswer

_log = structlog.get_logger(__name__)
LEASE = 600  # seconds that one may take, at most, while its process lives


class Requests:
    """Who may carry a request out. `node` names this process."""

    def __init__(self, storage: RequestStore, clock: Clock, *, node: str) -> None:
        self._storage = storage
        self._clock = clock
        self._node = node

    async def start(self) -> None:
        """Those that other processes had begun are nobody's now: one process serves a database."""
        await self._storage.release_requests(except_node=self._node)

    async def begin(self, user_id: str, key: str, fingerprint: str) -> StoredAnswer | Claimed:
        """Claimed: carry it out, then tell `finish`. Raises Conflict while it runs, Invalid for another request."""
        now = milliseconds(self._clock.time())
        begun = await self._storage.begin_request(
            user_id, key, fingerprint, node=self._node, lease_until=now + LEASE * 1000, now=now
        )
        if begun is Begun.RUNNING:
            raise Conflict(
                "The request that came with this idempotency key is being carried out",
                code="IDEMPOTENCY_KEY_IN_USE",
                retry_after=1,
            )
        if begun is Begun.OTHER:
            raise Invalid("This idempotency key came with another request before", code="IDEMPOTENCY_KEY_REUSED")
        return begun

    async def finish(self, user_id: str, key: str, answer: StoredAnswer | None) -> None:
        """It is done, and was answered so; None: it did nothing, and may come again."""
        try:
            await self._storage.finish_request(user_id, key, answer, node=self._node)
        except StorageUnavailable as error:  # what was done is done: its caller is told so all the same
            _log.error("requests.answer_not_kept", exc_info=error)
