"""What outlives the process of Telegram's patience: waits, and whom a session has talked to."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.pacing import Hold


class PacingStore(Protocol):
    async def put_hold(self, hold: Hold) -> None:
        """Store or replace. No effect when the session is gone."""

    async def holds(self, *, now: int, limit: int, after: Hold | None = None) -> list[Hold]:
        """Those of all sessions that stand at `now`; `after` is the last one of the page before."""

    async def is_acquainted(self, session_id: str, peer_id: int) -> bool:
        """Has this session talked to this user, as far as we know?"""

    async def note_acquaintance(self, session_id: str, peer_id: int, *, now: int) -> None:
        """They have talked; it costs no first contact. No effect when the session is gone."""

    async def spend_first_contact(
        self, session_id: str, peer_id: int, *, now: int, since: int, most: int
    ) -> int | None:
        """Count a first contact, unless `most` were counted since then.

        None: it is counted, or was before. Else the instant of the oldest one counted.
        """

    async def count_first_contacts(self, session_id: str, *, since: int) -> int: ...
