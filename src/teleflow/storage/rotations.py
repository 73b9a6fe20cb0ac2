"""What the use of refresh tokens needs beside the database, the same over every one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict

from teleflow.kit.clock import Clock, milliseconds
from teleflow.model.audit import AuditEntry
from teleflow.model.users import User
from teleflow.storage.base import Rotation

_REMEMBERED_ROTATIONS = 10_000


class Rotations:
    """Which refresh tokens are being rotated right now, and when the last ones were done.

    A rotation's `now` is older than its commit. A parallel use that arrived between the two has lost a race
    and is no thief, so the end of the commit is remembered here for a while. A use that is not remembered
    any more is judged by the stored `used_at` alone.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[str, int] = {}
        self._decided_at: OrderedDict[str, int] = OrderedDict()

    def begin(self, hash_: str) -> bool:
        """Note a use; whether another use of the same token is under way."""
        others = self._under_way.get(hash_, 0)
        self._under_way[hash_] = others + 1
        return others > 0

    def end(self, hash_: str, *, rotated: bool) -> None:
        others = self._under_way.pop(hash_) - 1
        if others:
            self._under_way[hash_] = others
        if rotated:
            self._decided_at[hash_] = milliseconds(self._clock.time())
            if len(self._decided_at) > _REMEMBERED_ROTATIONS:
                self._decided_at.popitem(last=False)

    def decided_at(self, hash_: str) -> int:
        return self._decided_at.get(hash_, 0)


def rotated(done: asyncio.Future[tuple[Rotation, User | None, str | None]]) -> bool:
    return not done.cancelled() and done.exception() is None and done.result()[0] is Rotation.ROTATED


def told_of(audit: AuditEntry | None, user_id: str, username: str) -> AuditEntry | None:
    """The entry, as one of the user whom only the transaction has found."""
    if audit is None:
        return None
    return dataclasses.replace(audit, user_id=user_id, actor_id=user_id if username else None, actor=username)
