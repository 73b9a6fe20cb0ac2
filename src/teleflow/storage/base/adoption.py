"""What older services kept: deliveries that are history, and the collections of the one that ran on MongoDB.

Ports of their own, beside `Storage`: the same object serves them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from teleflow.model.webhooks import Attempt, Delivery

History = tuple[Delivery, Attempt, bytes]
"""A delivery that has ended, its last attempt, and what it brought."""


@runtime_checkable
class HistoryStore(Protocol):
    async def adopt_deliveries(self, deliveries: Sequence[History], *, dry: bool = False) -> int:
        """In one batch; those that are there already stay as they are. How many came, or with `dry` would."""


@dataclass(slots=True)
class OlderReport:
    """`took` (with `dry`: would take) and `standing` (taken before) by collection; `left` tells why, a line each."""

    took: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


@runtime_checkable
class OlderStore(Protocol):
    """A database that may be the multi-tenant sender's too."""

    async def adopt_older(self) -> OlderReport:
        """Take its users, tokens and log rows that were not taken before; what is theirs stays as it is."""


@runtime_checkable
class OlderDatabase(Protocol):
    """The same as its operator sees it, beside `Database`."""

    async def older(self) -> OlderReport:
        """What would be taken. Changes nothing: it may be a database in which there is nothing of ours yet."""
