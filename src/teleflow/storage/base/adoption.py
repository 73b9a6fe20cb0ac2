"""What an older service kept and this one has no way to make by itself: deliveries that are history.

A port of its own, beside `Storage`: the same object serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from teleflow.model.webhooks import Attempt, Delivery

History = tuple[Delivery, Attempt, bytes]
"""A delivery that has ended, its last attempt, and what it brought."""


@runtime_checkable
class HistoryStore(Protocol):
    async def adopt_deliveries(self, deliveries: Sequence[History]) -> int:
        """In one batch; those that are there already stay as they are. How many came."""
