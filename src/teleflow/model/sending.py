"""What is asked of the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.model.jobs import Content
from teleflow.model.peers import PeerRef
from teleflow.model.sessions import Session
from teleflow.model.users import User


@dataclass(frozen=True, slots=True)
class Sending:
    """Something to be sent through this session to this chat.

    `fingerprint` tells requests apart that come with one idempotency key. `job_id`: under which its files lie in the
    spool already.
    """

    user: User
    session: Session
    ref: PeerRef
    content: Content
    idempotency_key: str | None = None
    fingerprint: str = ""
    job_id: str | None = None
