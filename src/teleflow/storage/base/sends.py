"""Send jobs and the message log, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from teleflow.model.jobs import SendJob, SendState
from teleflow.model.messages import LogEntry, Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """`job` is the stored one: with `replayed`, that of the first request which came with the same key."""

    job: SendJob
    replayed: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a send ended, or why it has not yet; back to `queued` with `due_at` when it waits.

    `detail` is what the message log tells a person. A `chat_id` that is None leaves what is known.
    """

    state: SendState
    detail: str
    attempts: int
    message_id: int | None = None
    chat_id: int | None = None
    error_kind: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_after: float | None = None
    due_at: int | None = None
    messages: tuple[Message, ...] = ()


class SendStore(Protocol):
    """Jobs and the message log. The two hot methods are accept_send and settle_send."""

    async def accept_send(
        self,
        job: SendJob,
        *,
        username: str,
        from_phone: str,
        idempotency_key: str | None,
        fingerprint: str,
        node: str,
        lease_until: int,
    ) -> Accepted:
        """Store the job, its log row and the idempotency key, claimed for `node` until `lease_until`.

        With a key that this user has used before: the first job, `replayed`; raises
        Invalid(code="IDEMPOTENCY_KEY_REUSED") when its fingerprint differs. Raises NotFound when the user is
        gone; whether the session is still there is for the sender to find out.
        """

    async def settle_send(self, job_id: str, settlement: Settlement, *, now: int) -> SendJob | None:
        """Write the outcome to the job and its log row. A final state is never changed; the row as it is then."""

    async def cancel_send(self, job_id: str, *, detail: str, now: int) -> bool:
        """Make a job that never left final. False when it has left (sending, uncertain) or ended."""

    async def mark_sending(self, job_id: str, *, attempts: int, node: str, lease_until: int) -> bool:
        """Queued → sending, before the first byte leaves. False when it was cancelled or another node has it.

        A job that is uncertain stays so while it is sent again.
        """

    async def claim_sends(self, *, node: str, now: int, lease_until: int, limit: int) -> list[SendJob]:
        """Open jobs whose lease ran out, oldest first, now leased to `node`."""

    async def renew_leases(self, job_ids: Sequence[str], *, node: str, lease_until: int) -> None: ...

    async def release_leases(self, *, except_node: str) -> int:
        """Single node at start: whoever held a lease before is dead. How many were freed."""

    async def send_job(self, user_id: str, job_id: str) -> SendJob | None: ...

    async def send_jobs(
        self,
        user_id: str,
        *,
        limit: int,
        session_ids: frozenset[str] | None = None,
        state: SendState | None = None,
        before: str | None = None,
    ) -> tuple[list[SendJob], str | None]:
        """The user's jobs, newest first; of these sessions and this state only, where given.

        With them the id to go on `before`, None at the end: a page may be short of `limit` and not the last.
        """

    async def send_with_key(self, user_id: str, key: str, *, fingerprint: str) -> SendJob | None:
        """The job of the first request with this key. Raises Invalid(IDEMPOTENCY_KEY_REUSED) as accept_send does."""

    async def log_entries(self, user_id: str | None, *, limit: int, before: int | None = None) -> list[LogEntry]:
        """The message log, newest first; of everybody when `user_id` is None. `before`: a LogEntry's `number`."""

    async def log_rejected(
        self,
        *,
        user_id: str,
        username: str,
        from_phone: str,
        to_phone: str,
        message: str,
        detail: str,
        now: int,
    ) -> None:
        """A log row for an attempt that failed before it became a job."""

    async def purge_log(self, *, before: int, jobs_before: int) -> int:
        """Remove some of the oldest log rows and of the ended jobs of before these instants (Unix ms); how many.

        What belongs to a job that has not ended stays.
        """

    async def open_sends(self, job_ids: Sequence[str]) -> set[str]:
        """Those of these jobs that have not ended."""

    async def open_jobs(self) -> int:
        """How many jobs have not ended."""
