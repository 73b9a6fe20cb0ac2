"""From the error tree to an answer: each kind has one status, few codes have their own.

The body has both shapes at once: the envelope `error` of the gateway's clients and the top-level `detail`
string that the simple API's clients read. Nothing of an internal error but its request id is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from teleflow.errors import Internal, Kind, TeleFlowError

STATUS_OF_KIND: Mapping[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.LIMITED: 429,
    Kind.UPSTREAM: 502,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}
STATUS_OF_CODE: Mapping[str, int] = {
    "BAD_REQUEST": 400,
    "CURSOR_INVALID": 400,
    "SESSION_NOT_CONNECTED": 400,
    "PHONE_CODE_INVALID": 400,
    "PHONE_CODE_EXPIRED": 400,
    "PASSWORD_INVALID": 400,
    "PHONE_CODE_HASH_INVALID": 400,
    "METHOD_NOT_ALLOWED": 405,
    "TELEGRAM_UNAVAILABLE": 502,
    "REQUEST_TIMEOUT": 408,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "PRECONDITION_FAILED": 412,
    "RANGE_NOT_SATISFIABLE": 416,
    "UPGRADE_REQUIRED": 426,
    "HEADERS_TOO_LARGE": 431,
}
JSON = (b"content-type", b"application/json")
Headers = list[tuple[bytes, bytes]]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answer:
    """A whole answer, ready to go."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)


class Refusal(Exception):
    """An error to be told with another status than its kind's, or with more fields beside it."""

    def __init__(self, error: TeleFlowError, *, status: int | None, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
        self.fields = dict(fields or {})


def status_of(error: TeleFlowError) -> int:
    return STATUS_OF_CODE.get(error.code) or STATUS_OF_KIND[error.kind]


def trace_of(error: TeleFlowError | Refusal) -> Exception | None:
    """Whose traceback the log gets. A service that is full says so on purpose, and to many at once."""
    told = error.error if isinstance(error, Refusal) else error
    on_purpose = told.kind is Kind.UNAVAILABLE and error.__cause__ is None and told.__cause__ is None
    return None if on_purpose else error


def json_answer(status: int, content: object) -> Answer:
    return Answer(status, _encode(content), [JSON])


def error_answer(error: TeleFlowError | Refusal, request_id: str) -> Answer:
    """The answer that tells this error."""
    if isinstance(error, Refusal):
        cause, status, fields = error.error, error.status or status_of(error.error), error.fields
    else:
        cause, status, fields = error, status_of(error), {}
    told = cause if cause.kind is not Kind.INTERNAL else Internal("Something went wrong on our side")
    inner: dict[str, Any] = {"code": told.code, "message": told.message}
    if told.details:
        inner["details"] = told.details
    inner["requestId"] = request_id
    answer = json_answer(status, {"success": False, "error": inner, "detail": told.message, **fields})
    if told.retry_after is not None:
        answer.headers.append((b"retry-after", b"%d" % max(1, math.ceil(told.retry_after))))
    if status == 401:
        answer.headers.append((b"www-authenticate", b"Bearer"))
    return answer
