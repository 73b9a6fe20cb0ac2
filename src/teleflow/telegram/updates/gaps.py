"""What goes in and out of a feed, and how a hole is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from teleflow.kit.clock import Clock
from teleflow.model.events import EventType, NewEvent, event_id
from teleflow.model.peers import Known, PeerKind, marked_id
from teleflow.model.updates import ACCOUNT, BoxPosition, Face


class Batch(msgspec.Struct, frozen=True):
    """What goes into the log at once. `came_at`: the loop's time at which the first of it came; None when it was asked
    for.
    """

    events: Sequence[NewEvent]
    positions: Sequence[BoxPosition]
    faces: Sequence[Face]
    came_at: float | None = None

    def joined(self, later: Batch) -> Batch:
        """Both as one: what the later one says of a box or of a chat is what holds."""
        positions = {place.box: place for place in self.positions}
        for place in later.positions:
            before = positions.get(place.box)
            positions[place.box] = place if before is None else before.moved(place)
        faces = {face.chat_id: face for face in (*self.faces, *later.faces)}
        came_at = self.came_at if self.came_at is not None else later.came_at
        return Batch([*self.events, *later.events], list(positions.values()), list(faces.values()), came_at)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a feed needs of the session and of the service.

    `ask(request, within)` raises RpcFault and TeleFlowError; `learn` takes in whom an update lets the session
    address; `recall` finds a peer that was learnt, by marked id.
    """

    ask: Callable[..., Awaitable[Any]]
    learn: Callable[[Sequence[Known]], None]
    recall: Callable[[int], Awaitable[Known | None]]
    clock: Clock
    chance: random.Random
    turn: asyncio.Semaphore


def gap_event(session_id: str, box: int, stored: BoxPosition, pts: int, top: int | None, now: int) -> NewEvent:
    """`stored` is what the log has of the box; `pts` and `top` are where it goes on. The same hole is one event."""
    chat_id = None if box == ACCOUNT else marked_id(PeerKind.CHANNEL, box)
    data: dict[str, Any] = {
        "scope": "account" if chat_id is None else "channel",
        "fromPts": stored.pts,
        "toPts": pts,
        "fromMessageId": stored.top_message + 1,
    }
    if chat_id is not None:
        data["chatId"] = str(chat_id)
    if top is not None:
        data["toMessageId"] = top
    type_ = EventType.UPDATES_GAP
    return NewEvent(event_id(session_id, type_, box, stored.pts), type_, session_id, now, data, chat_id)
