"""What really happened, in one numbered order: messages committed, updates emitted.

Lines are never changed or dropped while the world lives; one counter numbers both lists.
"""

from __future__ import annotations

import bisect

from teleflow.sandbox.world.records import Committed, Entry


class Ledger:
    """Two append-only lists under one sequence."""

    def __init__(self) -> None:
        self.seq = 0
        self.messages: list[Committed] = []
        self.updates: list[Entry] = []

    def next(self) -> int:
        self.seq += 1
        return self.seq

    def find_messages(self, *, phone: str | None, random_id: int | None, since: int, limit: int) -> list[Committed]:
        """Lines after `since`, oldest first."""
        start = bisect.bisect_right(self.messages, since, key=lambda line: line.seq)
        found: list[Committed] = []
        for index in range(start, len(self.messages)):
            line = self.messages[index]
            if phone is not None and phone not in {line.from_phone, line.to_phone}:
                continue
            if random_id is not None and line.random_id != random_id:
                continue
            found.append(line)
            if len(found) >= limit:
                break
        return found

    def find_updates(self, *, owner: int | None, since: int, limit: int) -> list[Entry]:
        """Lines after `since`, oldest first."""
        start = bisect.bisect_right(self.updates, since, key=lambda line: line.seq)
        found: list[Entry] = []
        for index in range(start, len(self.updates)):
            line = self.updates[index]
            if owner is not None and line.owner != owner:
                continue
            found.append(line)
            if len(found) >= limit:
                break
        return found
