"""Broadcasts, as they are stored.

A recipient moves on in one transaction with whatever that means elsewhere: the job that is made, the counts, the stop.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.broadcasts import Broadcast, BroadcastState, OptOut, Outcome, Recipient, RecipientState
from teleflow.model.jobs import SendJob


class Placed(enum.StrEnum):
    """What became of a recipient whose turn it was. `NOT_NOW`: the broadcast, or they, were not waiting for it."""

    QUEUED = "queued"
    NOT_NOW = "not_now"
    DUPLICATE = "DUPLICATE"
    OPTED_OUT = "OPTED_OUT"
    STRANGERS_CAP = "STRANGERS_CAP"


class BroadcastStore(Protocol):
    async def add_broadcast(
        self, broadcast: Broadcast, recipients: Sequence[Recipient], *, audit: AuditEntry | None = None
    ) -> None:
        """With its first recipients; one of the same id, made by the same request, is replaced while a draft."""

    async def add_recipients(
        self, user_id: str, broadcast_id: str, recipients: Sequence[Recipient], *, most: int
    ) -> int:
        """Put behind those that are there, and numbered on from them; how many there are then.

        Raises NotFound(BROADCAST_NOT_FOUND), Conflict(BROADCAST_NOT_DRAFT, TOO_MANY_RECIPIENTS).
        """

    async def broadcast(self, user_id: str, broadcast_id: str) -> Broadcast | None: ...

    async def broadcasts(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: BroadcastState | None = None,
        before: str | None = None,
    ) -> list[Broadcast]:
        """Newest first; of these sessions and this state only, where given."""

    async def recipient_counts(self, broadcast_id: str) -> Mapping[RecipientState, int]: ...

    async def broadcast_recipients(
        self, broadcast_id: str, *, limit: int, state: RecipientState | None = None, after: int = 0
    ) -> list[Recipient]:
        """By number, those above `after`."""

    async def move_broadcast(
        self,
        user_id: str,
        broadcast_id: str,
        state: BroadcastState,
        *,
        now: int,
        cause: str | None = None,
        audit: AuditEntry | None = None,
    ) -> bool:
        """Into this state, where the one it is in allows it. Cancelled, all who wait are cancelled with it."""

    async def rest_broadcast(self, broadcast_id: str, waiting_for: str | None, until: int | None, *, now: int) -> None:
        """Tell why a running one rests, and until when; None: it does not."""

    async def broadcasts_at_work(self, *, limit: int, after: str | None = None) -> list[Broadcast]:
        """Of all users: those that run, and others of which jobs are still out. By id."""

    async def place_recipient(
        self,
        broadcast: Broadcast,
        number: int,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        stranger: bool,
        next_at: int,
        node: str,
        lease_until: int,
    ) -> Placed:
        """Make the job of the recipient whose turn it is, claimed for `node`; or skip them, and why."""

    async def end_recipient(
        self, broadcast_id: str, number: int, state: RecipientState, *, code: str, reason: str, now: int
    ) -> None:
        """One that waits, and for whom no job is made. A failure counts among those in a row."""

    async def withdraw_recipient(
        self,
        broadcast_id: str,
        number: int,
        job_id: str,
        *,
        detail: str,
        now: int,
        skipped: str | None = None,
    ) -> bool:
        """Cancel a job that has not left: its recipient waits again, or is skipped with this code.

        False when it has left or ended. Of a broadcast that is cancelled the recipient is cancelled.
        """

    async def queued_recipients(self, broadcast_id: str, *, limit: int) -> list[tuple[int, SendJob]]:
        """Those with a job that their row does not know the end of."""

    async def settle_recipients(self, broadcast: Broadcast, outcomes: Sequence[Outcome], *, now: int) -> None:
        """Write the ends of jobs down; with the first that says so, or too many failures in a row, it stops."""

    async def add_opt_out(self, opt_out: OptOut, *, most: int) -> OptOut:
        """The one that stands: of each peer there is one. Raises Conflict(TOO_MANY_OPT_OUTS)."""

    async def opt_outs(self, user_id: str, *, limit: int, before: str | None = None) -> list[OptOut]:
        """Newest first."""

    async def remove_opt_out(self, user_id: str, opt_out_id: str) -> bool: ...

    async def opted_out(self, user_id: str, peers: Collection[str]) -> frozenset[str]:
        """Which of these are on the list."""
