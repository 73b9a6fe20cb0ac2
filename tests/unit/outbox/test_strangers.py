"""First contacts are counted, and people already known cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from teleflow.errors import Forbidden, Limited, TeleFlowError, Unavailable, Uncertain
from teleflow.model.operations.contacts import HaveTalked
from teleflow.model.peers import Peer, PeerKind
from teleflow.outbox.strangers import Strangers

DAY = 86_400


class Clock:
    now = 1_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Rows:
    """`storage.base.PacingStore` in memory."""

    def __init__(self) -> None:
        self.met: dict[int, tuple[int, bool]] = {}

    async def is_acquainted(self, _session_id: str, peer_id: int) -> bool:
        return peer_id in self.met

    async def note_acquaintance(self, _session_id: str, peer_id: int, *, now: int) -> None:
        self.met.setdefault(peer_id, (now, False))

    async def spend_first_contact(
        self, _session_id: str, peer_id: int, *, now: int, since: int, most: int
    ) -> int | None:
        counted = sorted(at for at, stranger in self.met.values() if stranger and at > since)
        if len(counted) >= most:
            return counted[0] if counted else now
        self.met[peer_id] = (now, True)
        return None


class Holds:
    held: TeleFlowError | None = None

    def check(self, _session_id: str, _method: str, _scope: str) -> None:
        if self.held is not None:
            raise self.held

    def hold(self, _session_id: str, _method: str, _scope: str, _seconds: float, error: TeleFlowError) -> None:
        self.held = error


class Scene:
    def __init__(self, *, per_day: int = 2) -> None:
        self.clock, self.rows, self.holds = Clock(), Rows(), Holds()
        self.friends: set[int] = set()
        self.asked: list[int] = []
        self.trouble: TeleFlowError | None = None
        self.strangers = Strangers(self.rows, self.call, self.holds, self.clock, per_day=per_day)  # type: ignore[arg-type]

    async def call(self, _session_id: str, operation: HaveTalked, *, within: float) -> Any:
        self.asked.append(operation.peer.id)
        if self.trouble is not None:
            raise self.trouble
        return operation.peer.id in self.friends

    async def admit(self, number: int, kind: PeerKind = PeerKind.USER) -> None:
        await self.strangers.admit("ses_1", Peer(kind, number, 1), within=5)


async def test_more_strangers_than_a_day_allows_are_refused_with_the_time_to_wait() -> None:
    scene = Scene()
    await scene.admit(1)
    scene.clock.now += 100
    await scene.admit(2)
    with pytest.raises(Limited) as raised:
        await scene.admit(3)
    assert (raised.value.code, raised.value.retry_after) == ("CONTACT_BUDGET", DAY - 100)
    await scene.admit(1)
    scene.clock.now += DAY - 99
    await scene.admit(3)


async def test_people_already_known_cost_nothing_and_are_asked_for_once() -> None:
    scene = Scene(per_day=0)
    scene.friends = {1}
    for _ in range(3):
        await scene.admit(1)
    assert scene.asked == [1]
    later = Scene(per_day=0)
    later.rows = scene.rows
    later.strangers._storage = scene.rows  # type: ignore[assignment]
    await later.admit(1)
    assert later.asked == []


@pytest.mark.parametrize("kind", [PeerKind.CHAT, PeerKind.CHANNEL])
async def test_groups_and_channels_are_nobodys_first_contact(kind: PeerKind) -> None:
    scene = Scene(per_day=0)
    await scene.admit(1, kind)
    assert scene.asked == []


async def test_after_a_warning_strangers_are_left_alone_and_friends_are_not() -> None:
    scene = Scene()
    scene.friends = {5}
    scene.strangers.refused("ses_1", Forbidden("spam", code="TELEGRAM_RESTRICTED"))
    with pytest.raises(Forbidden):
        await scene.admit(1)
    assert scene.rows.met == {}
    await scene.admit(5)


async def test_a_lost_question_is_no_uncertain_message() -> None:
    scene = Scene()
    scene.trouble = Uncertain("lost")
    with pytest.raises(Unavailable):
        await scene.admit(1)
