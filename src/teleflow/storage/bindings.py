"""What each sealed value is bound to: its table, its row and its column, as `kit.seal` wants them.

The same on every database, so that a sealed value that is copied to another one opens there in its row.
"""

from __future__ import annotations

Binding = tuple[str, ...]


def credentials(session_id: str, column: str) -> Binding:
    return "session_credentials", session_id, column


def profile(session_id: str, column: str) -> Binding:
    return "session_profiles", session_id, column


def code_hash(session_id: str) -> Binding:
    return "login_attempts", session_id, "phone_code_hash"


def access_hash(session_id: str, peer_id: int) -> Binding:
    return "peers", f"{session_id}/{peer_id}", "access_hash"


def api_hash(user_id: str) -> Binding:
    return "users", user_id, "telegram_api_hash"


def webhook(webhook_id: str, column: str) -> Binding:
    return "webhook", webhook_id, column


def job_result(job_id: str) -> Binding:
    return "send_jobs", job_id, "result"


def answer(user_id: str, key: str) -> Binding:
    return "idempotency_keys", user_id, key, "answer"


def file_id(session_id: str) -> Binding:
    """Of the ids of files, which callers keep."""
    return "file", session_id
