"""What an operator does with the keys that seal: tell what lies under which, and seal it anew while the service runs.

A port of its own, beside `Storage`: the same object serves both. A key is told by its `Seal.check`. The database knows
under which keys something may lie in it, and opens for nobody who lacks one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class SealedPage:
    """A stretch of what is sealed. `cursor` is where the next one begins; None: there is none.

    `under`: (place, name of a key) → how many values. `broken`: where something does not open, or did not.
    """

    cursor: str | None
    looked: int
    changed: int = 0
    under: Mapping[tuple[str, str], int] = field(default_factory=dict)
    broken: Sequence[str] = ()


@runtime_checkable
class SealedStore(Protocol):
    async def seal_checks(self) -> frozenset[str]:
        """Of all keys under which something may lie here."""

    async def admit_seal_key(self, check: str) -> None:
        """Something may lie under this key from now on. For whoever runs the service, or knows that nobody does."""

    async def settle_seal_keys(self, check: str) -> None:
        """Nothing lies under any other key than this one."""

    async def look_at_sealed(self, cursor: str | None, *, opening: bool, limit: int) -> SealedPage:
        """Count a page by places and keys; with `opening`, see whether each value opens."""

    async def seal_anew(self, cursor: str | None, *, limit: int) -> SealedPage:
        """Seal what of a page is not under the newest key under that one, some at a time, each in one write.

        What somebody changes meanwhile stays as they left it.
        """
