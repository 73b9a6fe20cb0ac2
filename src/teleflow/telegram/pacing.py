"""Obeying Telegram's waits: nothing of a held method and chat leaves inside the wait.

A wrapper around `Call`. A wait holds for the session, the method and the chat that it was told for, so that one slow
chat blocks no other; when chats are told to wait one after the other and none gets through, it is the account that
waits. Who asks meanwhile is told at once how long it still is. Holds outlive the process: `keep` hands each to whoever
stores it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from teleflow.errors import Forbidden, Kind, Limited, TeleFlowError
from teleflow.kit.clock import Clock, milliseconds
from teleflow.meters import Meters
from teleflow.model.operations.base import Operation
from teleflow.model.pacing import SENDS, Hold
from teleflow.telegram.base import Call

_log = structlog.get_logger(__name__)
_HOLDS_LIMIT = 100_000
_CHATS_THAT_MAKE_AN_ACCOUNT = 3
_FROZEN_S = 3600.0  # then one try may find out whether the account has thawed
R = TypeVar("R")
_Key = tuple[str, str, str]


class Pacing:
    """`Call` that remembers waits."""

    def __init__(
        self,
        call: Call,
        clock: Clock,
        *,
        keep: Callable[[Hold], None] | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._call = call
        self._clock = clock
        self._keep = keep
        self._meters = meters
        self._holds: dict[_Key, Hold] = {}
        # Chats that were told to wait since the last request of this method that got through; each of them was
        # asked when the wait of the one before was known. What was on its way together is one word of Telegram's.
        self._waiting: dict[tuple[str, str], list[str]] = {}

    def restore(self, holds: Iterable[Hold]) -> None:
        """Those that an earlier process was told."""
        for hold in holds:
            self._holds[hold.session_id, hold.method, hold.scope] = hold

    async def __call__(self, session_id: str, operation: Operation[R], *, within: float) -> R:
        method, scope = operation.method, operation.scope
        if self._holds:
            self.check(session_id, method, scope)
            if operation.sends:
                self.check(session_id, SENDS, "")
        told_before = len(self._waiting.get((session_id, method), ()))
        try:
            answer = await self._call(session_id, operation, within=within)
        except Limited as limited:
            if limited.retry_after:
                self._learn(session_id, method, scope, limited, told_before)
            raise
        except Forbidden as forbidden:
            if forbidden.code == "ACCOUNT_FROZEN":
                self.hold(session_id, SENDS if operation.sends else method, "", _FROZEN_S, forbidden)
            raise
        if self._waiting:
            self._waiting.pop((session_id, method), None)
        return answer

    def check(self, session_id: str, method: str, scope: str) -> None:
        """Raises what holds it: Limited, Forbidden."""
        for key in ((session_id, method, scope), (session_id, method, "")):
            hold = self._holds.get(key)
            if hold is None:
                continue
            left = hold.until / 1000 - self._clock.time()
            if left <= 0:
                del self._holds[key]
                continue
            raise _told(hold, left)

    def hold(self, session_id: str, method: str, scope: str, seconds: float, error: TeleFlowError) -> None:
        """Let nothing of it leave for so many seconds; `error` is what callers are told."""
        if len(self._holds) >= _HOLDS_LIMIT:
            now = milliseconds(self._clock.time())
            self._holds = {key: hold for key, hold in self._holds.items() if hold.until > now}
        until = milliseconds(self._clock.time() + seconds)
        hold = Hold(session_id, method, scope, until, error.kind.value, error.code, error.message)
        self._holds[session_id, method, scope] = hold
        _log.info("telegram.hold", session=session_id, method=method, seconds=seconds, code=error.code)
        if self._keep is not None:
            self._keep(hold)

    def held(self, session_id: str) -> list[Hold]:
        """The holds of this session that stand now."""
        now = milliseconds(self._clock.time())
        return [hold for hold in self._holds.values() if hold.session_id == session_id and hold.until > now]

    def forget(self, session_id: str) -> None:
        """The session is gone."""
        self._holds = {key: hold for key, hold in self._holds.items() if key[0] != session_id}
        self._waiting = {key: chats for key, chats in self._waiting.items() if key[0] != session_id}

    def _learn(self, session_id: str, method: str, scope: str, limited: Limited, told_before: int) -> None:
        seconds = float(limited.retry_after or 0)
        if self._meters is not None:
            self._meters.flood_wait(method, seconds)
        limited.details["method"] = method
        limited.details["scope"] = "chat" if scope else "account"
        self.hold(session_id, method, scope, seconds, limited)
        if not scope or limited.code == "SLOW_MODE":
            return
        waiting = self._waiting.setdefault((session_id, method), [])
        if scope in waiting or told_before < len(waiting):
            return
        waiting.append(scope)
        if len(waiting) >= _CHATS_THAT_MAKE_AN_ACCOUNT:
            limited.details["scope"] = "account"
            self.hold(session_id, method, "", seconds, limited)
            del self._waiting[session_id, method]


def _told(hold: Hold, left: float) -> TeleFlowError:
    details = {"held": True, "method": hold.method, "scope": "chat" if hold.scope else "account"}
    if hold.kind != Kind.LIMITED.value:
        return Forbidden(hold.message, code=hold.code, details=details)
    seconds = int(left) + 1
    message = f"Telegram asked to wait: {seconds} seconds are left"
    return Limited(message, code=hold.code, retry_after=seconds, details=details)
