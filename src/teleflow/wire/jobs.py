"""A job as it is told, to callers and in events."""

from __future__ import annotations

from typing import Any

from teleflow.model.jobs import Parcel, SendJob, SendState
from teleflow.wire.instants import iso
from teleflow.wire.messages import FileId, told_message


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
        if job.is_many:
            told["messages"] = messages
        elif messages:
            told["message"] = messages[0]
    elif job.error_code is not None:
        told["error"] = {"code": job.error_code, "message": job.error_message or job.error_code}
        if job.retry_after is not None:
            told["error"]["retryAfter"] = job.retry_after
    whole = job.content.to_upload if isinstance(job.content, Parcel) else 0
    if whole:
        told["uploadedBytes"] = whole if job.state is SendState.SENT else job.uploaded or 0
        told["totalBytes"] = whole
    if job.due_at is not None and job.state is SendState.QUEUED:
        told["dueAt"] = iso(job.due_at)
    return told


def told_messages(job: SendJob, file_id: FileId) -> list[dict[str, Any]]:
    """The messages that a sent job became. Telegram may have taken it and never told the id: then that is null."""
    if job.messages or job.is_many:
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
