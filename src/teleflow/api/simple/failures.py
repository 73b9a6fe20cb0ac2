"""Failures at Telegram, as clients of the simple API know them: 400 with a sentence in `detail`.

A wait is told in seconds, in the sentence and as Retry-After. An outcome that is not known says so, and names
the job that will know.
"""

from __future__ import annotations

import math

from teleflow.api.errors import Refusal
from teleflow.errors import Kind, TeleFlowError, Upstream
from teleflow.model.jobs import SendJob, SendState

# Ours, not Telegram's: they keep the statuses of their kinds.
_OURS = frozenset({"VALIDATION_ERROR", "STORAGE_UNAVAILABLE", "BUSY", "TOO_MANY_REQUESTS"})


def at_telegram(error: TeleFlowError) -> TeleFlowError | Refusal:
    """The same error as the simple API tells it."""
    if error.code in _OURS or error.kind in {Kind.INTERNAL, Kind.UNAUTHENTICATED}:
        return error
    return Refusal(_with_seconds(error), status=400)


def not_sent(job: SendJob) -> Refusal:
    """Why a send did not succeed, or that nobody knows yet."""
    if not job.state.is_final:
        error = Upstream(
            "Telegram has not answered yet: the message may have gone out, and its outcome will be in the log",
            code="SEND_UNCERTAIN",
        )
        return Refusal(error, status=400, fields={"uncertain": True, "jobId": job.id})
    default = "The send was cancelled" if job.state is SendState.CANCELLED else "The message was not sent"
    error = Upstream(
        job.error_message or default,
        code=job.error_code or ("CANCELLED" if job.state is SendState.CANCELLED else None),
        retry_after=job.retry_after,
    )
    return Refusal(_with_seconds(error), status=400, fields={"jobId": job.id})


def _with_seconds(error: TeleFlowError) -> TeleFlowError:
    if error.retry_after is None:
        return error
    seconds = str(math.ceil(error.retry_after))
    if seconds in error.message:
        return error
    return type(error)(
        f"{error.message} (try again in {seconds} seconds)",
        code=error.code,
        retry_after=error.retry_after,
        details=error.details,
    )
