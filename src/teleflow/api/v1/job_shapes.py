"""A job as clients are told it, and the answer of a send that waited for it."""

from __future__ import annotations

from typing import Literal

from fastapi import Response

from teleflow.api.errors import Refusal
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.message_shapes import MessageShape
from teleflow.errors import BY_KIND, Kind, TeleFlowError, Uncertain
from teleflow.model.jobs import SendJob, SendState
from teleflow.wire.jobs import told_messages
from teleflow.wire.messages import FileId


class JobErrorShape(Shape):
    """Why it failed, or why it waits. `retryAfter` in seconds."""

    code: str
    message: str
    retry_after: float | None = None


class JobShape(Shape):
    """A send and how it stands. `dueAt`: when it goes on, where Telegram asked to wait.

    `message` is the one that it became, `messages` are all of a forward or an album. `chatId` is the marked id once
    that is known, before it what the caller wrote. `uploadedBytes` of `totalBytes`: how far its files are, where it
    has any that Telegram has to be given.
    """

    id: str
    state: Literal["queued", "sending", "sent", "failed", "uncertain", "cancelled"]
    session_id: str
    chat_id: str
    message: MessageShape | None = None
    messages: list[MessageShape] | None = None
    error: JobErrorShape | None = None
    attempts: int
    uploaded_bytes: int | None = None
    total_bytes: int | None = None
    due_at: str | None = None
    created_at: str


class JobsShape(Shape):
    items: list[JobShape]
    next_cursor: str | None = None
    has_more: bool


def outcome(job: SendJob, file_id: FileId, *, status: int) -> Response:
    """The answer to whoever waited for a send. Raises Refusal where it was not sent, or nobody knows yet."""
    if job.state is not SendState.SENT:
        raise refusal(job)
    messages = told_messages(job, file_id)
    data = messages if job.is_many else messages[0]
    return ok(data, status, headers={"x-job-id": job.id}, warning=job.warning)


def refusal(job: SendJob) -> Refusal:
    """An error means that it was not sent and will not be, unless it says `uncertain`."""
    if not job.state.is_final:
        error: TeleFlowError = Uncertain(
            "Telegram has not answered yet: the message may have gone out; the job will tell",
            code="SEND_UNCERTAIN",
            details={"uncertain": True, "jobId": job.id},
        )
        return Refusal(error, status=504, fields={"uncertain": True, "jobId": job.id})
    kind = BY_KIND[Kind(job.error_kind)] if job.error_kind is not None else BY_KIND[Kind.CONFLICT]
    error = kind(
        job.error_message or "The send was cancelled",
        code=job.error_code or "CANCELLED",
        retry_after=job.retry_after,
        details={"jobId": job.id},
    )
    return Refusal(error, status=None, fields={"jobId": job.id})
