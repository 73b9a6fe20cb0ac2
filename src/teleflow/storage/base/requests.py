"""Requests that came with an Idempotency-Key, as they are stored. Sends have theirs with their jobs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class Begun(enum.Enum):
    """What becomes of a request with a key that is not yours to carry out."""

    RUNNING = "running"  # another one is carrying it out
    OTHER = "other"  # the key came with another request before


@dataclass(frozen=True, slots=True)
class Claimed:
    """It is yours to carry out. `since`: when the key first came, also when a process that died had begun then.

    `again`: one had begun then, and nobody knows how far it came.
    """

    since: int
    again: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class StoredAnswer:
    """What the first request was answered."""

    status: int
    media_type: str
    body: bytes


class RequestStore(Protocol):
    async def begin_request(
        self, user_id: str, key: str, fingerprint: str, *, node: str, lease_until: int, now: int
    ) -> Claimed | Begun | StoredAnswer:
        """Claim the key for this request, or say what has become of it. A lease that ran out can be claimed.

        Raises NotFound when the user is gone.
        """

    async def finish_request(self, user_id: str, key: str, answer: StoredAnswer | None, *, node: str) -> None:
        """Keep the answer; None gives the key back, as if it had never come."""

    async def release_requests(self, *, except_node: str) -> int:
        """Single node at start: whoever was carrying out requests is dead. How many were given up."""
