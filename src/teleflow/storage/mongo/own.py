"""Events of what the service itself does, each told in the batch of the act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from teleflow.model.events import NewEvent
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.updates import BoxPosition
from teleflow.storage.mongo.tx import Reads, Tx
from teleflow.storage.told import (
    authorized,
    broadcast_changed,
    created,
    deleted,
    flood_wait,
    settled,
    state_changed,
)

__all__ = [
    "authorized",
    "begin_at",
    "broadcast_changed",
    "created",
    "deleted",
    "end_jobs",
    "flood_wait",
    "owner",
    "settled",
    "state_changed",
    "tell",
]


async def tell(tx: Tx, user_id: str, events: Iterable[NewEvent], now: int) -> None:
    """Into the user's log: `events.append`, which comes with the event log."""


async def begin_at(tx: Tx, session_id: str, start: BoxPosition | None) -> None:
    """`events.begin_at`, which comes with the event log."""


async def end_jobs(
    tx: Tx,  # noqa: ARG001
    of_it: Mapping[str, str],  # noqa: ARG001
    states: Sequence[SendState],  # noqa: ARG001
    outcome: SendState,  # noqa: ARG001
    code: str,  # noqa: ARG001
    detail: str,  # noqa: ARG001
    now: int,  # noqa: ARG001
) -> list[SendJob]:
    """`sends.end_jobs`, which comes with the jobs."""
    return []


async def owner(reads: Reads, session_id: str) -> str | None:
    session = await reads.get("sessions", session_id)
    return None if session is None else str(session["user_id"])
