"""Obeying Telegram's waits: nothing of a held method and chat leaves inside the wait.

A wrapper around `Call`. A wait holds for the session, the method and the chat that it was told for, so that one
slow chat blocks no other. Who asks meanwhile is told at once how long it still is.
"""

from __future__ import annotations

from typing import TypeVar

import structlog

from teleflow.errors import Limited
from teleflow.kit.clock import Clock
from teleflow.model.operations.base import Operation
from teleflow.telegram.base import Call

_log = structlog.get_logger(__name__)
_HOLDS_LIMIT = 100_000
R = TypeVar("R")


class Pacing:
    """`Call` that remembers waits. They live in memory: after a restart Telegram tells them anew."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self._call = call
        self._clock = clock
        self._holds: dict[tuple[str, str, str], tuple[float, str]] = {}

    async def __call__(self, session_id: str, operation: Operation[R], *, within: float) -> R:
        if self._holds:
            self._check(session_id, operation.method, operation.scope)
        try:
            return await self._call(session_id, operation, within=within)
        except Limited as limited:
            if limited.retry_after:
                self._hold((session_id, operation.method, operation.scope), limited)
            raise

    def _check(self, session_id: str, method: str, scope: str) -> None:
        key = (session_id, method, scope)
        held = self._holds.get(key)
        if held is None:
            return
        left = held[0] - self._clock.monotonic()
        if left <= 0:
            del self._holds[key]
            return
        seconds = int(left) + 1
        raise Limited(
            f"Telegram asked to wait: {seconds} seconds are left",
            code=held[1],
            retry_after=seconds,
            details={"held": True, "method": method},
        )

    def _hold(self, key: tuple[str, str, str], limited: Limited) -> None:
        now = self._clock.monotonic()
        if len(self._holds) >= _HOLDS_LIMIT:
            self._holds = {key: held for key, held in self._holds.items() if held[0] > now}
        self._holds[key] = (now + (limited.retry_after or 0), limited.code)
        _log.info("telegram.wait", session=key[0], method=key[1], seconds=limited.retry_after)

    def forget(self, session_id: str) -> None:
        """The session is gone."""
        self._holds = {key: held for key, held in self._holds.items() if key[0] != session_id}
