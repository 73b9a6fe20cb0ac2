"""A job as clients are told it, and the answer of a send that waited for it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response

from teleflow.api.errors import Refusal
from teleflow.api.instants import iso
from teleflow.api.v1.envelope import Shape, ok
from teleflow.api.v1.message_shapes import FileId, MessageShape, told_message
from teleflow.errors import BY_KIND, Kind, TeleFlowError, Uncertain
from teleflow.model.jobs import Forward, SendJob, SendState


class JobErrorShape(Shape):
    """Why it failed, or why it waits. `retryAfter` in seconds."""

    code: str
    message: str
    retry_after: float | None = None


class JobShape(Shape):
    """A send and how it stands. `dueAt`: when it goes on, where Telegram asked to wait.

    `message` is the one that it became, `messages` are all of a forward. `chatId` is the marked id once that is known,
    before it what the caller wrote.
    """

    id: str
    state: Literal["queued", "sending", "sent", "failed", "uncertain", "cancelled"]
    session_id: str
    chat_id: str
    message: MessageShape | None = None
    messages: list[MessageShape] | None = None
    error: JobErrorShape | None = None
    attempts: int
    due_at: str | None = None
    created_at: str


class JobsShape(Shape):
    items: list[JobShape]
    next_cursor: str | None = None
    has_more: bool


def told_job(job: SendJob, file_id: FileId) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": job.id,
        "state": job.state.value,
        "sessionId": job.session_id,
        "chatId": job.chat if job.chat_id is None else str(job.chat_id),
        "attempts": job.attempts,
        "createdAt": iso(job.created_at),
    }
    if job.state is SendState.SENT:
        messages = told_messages(job, file_id)
        if isinstance(job.content, Forward):
            told["messages"] = messages
        elif messages:
            told["message"] = messages[0]
    elif job.error_code is not None:
        told["error"] = {"code": job.error_code, "message": job.error_message or job.error_code}
        if job.retry_after is not None:
            told["error"]["retryAfter"] = job.retry_after
    if job.due_at is not None and job.state is SendState.QUEUED:
        told["dueAt"] = iso(job.due_at)
    return told


def told_messages(job: SendJob, file_id: FileId) -> list[dict[str, Any]]:
    """The messages that a sent job became. Telegram may have taken it and never told the id: then that is null."""
    if job.messages or isinstance(job.content, Forward):
        return [told_message(message, file_id) for message in job.messages]
    text: dict[str, Any] = {
        "id": job.message_id,
        "chatId": job.chat if job.chat_id is None else str(job.chat_id),
        "senderId": str(job.account_id or 0),
        "text": job.text.strip(),
        "date": job.created_at // 1000,
        "isOutgoing": True,
    }
    return [text]


def outcome(job: SendJob, file_id: FileId, *, status: int) -> Response:
    """The answer to whoever waited for a send. Raises Refusal where it was not sent, or nobody knows yet."""
    if job.state is not SendState.SENT:
        raise refusal(job)
    messages = told_messages(job, file_id)
    data = messages if isinstance(job.content, Forward) else messages[0]
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
