"""Hours of a broadcast, in virtual time: the worker and a real database in one loop; what is placed is sent."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proofs.virtual import VirtualLoop, run
from teleflow.broadcasts.worker import Worker
from teleflow.kit.clock import LoopClock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.kit.seal import Seal
from teleflow.model.broadcasts import Broadcast, BroadcastState, Pace, Plan, QuietHours, Recipient
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.peers import Peer, PeerRef
from teleflow.model.sending import Sending
from teleflow.model.sessions import SessionState
from teleflow.model.users import User
from teleflow.storage.base import Settlement, Storage
from teleflow.storage.sql import open_storage
from tests.contract.storage.rig import KEY, a_session, a_user

# Virtual time stands still for nobody outside of this process, and a server is one.
pytestmark = pytest.mark.database("sqlite")
HOUR = 3600.0
EPOCH = 1_800_000_000.0  # 2027-01-15 08:00 UTC


@dataclass
class Telegram:
    """Takes whatever is placed at once. `waits`: number of a message → seconds that it is told to wait."""

    storage: Storage
    clock: LoopClock
    waits: dict[int, float] = field(default_factory=dict)
    sent: list[tuple[float, str]] = field(default_factory=list)  # when, to whom
    ids: list[int] = field(default_factory=list)

    async def place(
        self, sending: Sending, random_id: int, store: Callable[[SendJob, str, int], Awaitable[bool]]
    ) -> None:
        now = milliseconds(self.clock.time())
        job = SendJob(
            new_id("job"),
            sending.user.id,
            sending.session.id,
            random_id,
            str(sending.ref),
            sending.content,
            SendState.QUEUED,
            0,
            now,
        )
        if not await store(job, "node", now + 60_000):
            return
        wait = self.waits.pop(len(self.sent), None)
        if wait is not None:
            told = Settlement(
                SendState.QUEUED, "wait", 1, error_code="TELEGRAM_FLOOD_WAIT", due_at=now + round(wait * 1000)
            )
            await self.storage.settle_send(job.id, told, now=now)
            return
        self.sent.append((self.clock.time() - EPOCH, job.chat))
        self.ids.append(random_id)
        await self.storage.settle_send(job.id, Settlement(SendState.SENT, "sent", 1, message_id=7), now=now)

    def withdrawn(self, job_id: str) -> None:
        """Nothing of it is kept here."""

    async def find(self, _session_id: str, ref: PeerRef, *, within: float) -> Peer:
        return Peer.of(int(ref.value))

    async def is_stranger(self, *_: Any, **__: Any) -> bool:
        return False


@dataclass
class Scene:
    storage: Storage
    clock: LoopClock
    telegram: Telegram
    worker: Worker
    user: User
    session_id: str

    async def start(self, count: int, *, first: int = 1, **plan: Any) -> Broadcast:
        whole = {"text": "x", "consent": "they asked", "pace": Pace(20, 0.5), **plan}
        now = milliseconds(self.clock.time())
        made = Broadcast(
            new_id("bct"), self.user.id, self.session_id, "", Plan(**whole), BroadcastState.DRAFT, now, now
        )
        people = [Recipient(number, str(first + number)) for number in range(1, count + 1)]
        await self.storage.add_broadcast(made, people)
        await self.storage.move_broadcast(self.user.id, made.id, BroadcastState.RUNNING, now=now)
        self.worker.rung(made.id)
        return made

    async def stands(self, broadcast: Broadcast) -> Broadcast:
        found = await self.storage.broadcast(self.user.id, broadcast.id)
        assert found is not None
        return found

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.telegram.sent]


def no_files(_session_id: str, _file_id: str) -> Any:
    raise AssertionError("these are texts")


def play(folder: Path, story: Any) -> None:
    async def work(loop: VirtualLoop) -> None:
        clock = LoopClock(EPOCH)
        storage = open_storage(f"file:{folder / 'x.db'}", Seal(KEY), clock, threads=False)
        await storage.start()
        user = a_user()
        await storage.add_user(user)
        session = a_session(user, state=SessionState.ONLINE, authorised=True)
        await storage.add_session(session)
        telegram = Telegram(storage, clock)
        worker = Worker(storage, telegram, telegram, telegram, clock, random.Random(1), no_files)
        await worker.start()
        loop.begin_jumping()
        try:
            await story(Scene(storage, clock, telegram, worker, user, session.id))
        finally:
            await worker.stop()
            await storage.stop()

    run(work)


def test_messages_keep_their_distances(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.start(40)
        await scene.clock.sleep(5 * 60)
        assert (await scene.stands(made)).state is BroadcastState.FINISHED
        gaps = [later - earlier for earlier, later in pairwise(scene.times)]
        assert len(gaps) == 39
        assert all(1.49 <= gap <= 4.6 for gap in gaps)
        assert 2.6 < sum(gaps) / len(gaps) < 3.4
        assert len({round(gap, 2) for gap in gaps}) > 20

    play(tmp_path, story)


def test_nothing_leaves_in_quiet_hours(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        made = await scene.start(120, quiet=QuietHours.of("08:02", "08:50", "UTC"))
        await scene.clock.sleep(HOUR / 4)
        resting = await scene.stands(made)
        assert (resting.waiting_for, resting.waiting_until) == ("quietHours", round((EPOCH + 3000) * 1000))
        await scene.clock.sleep(HOUR)
        assert (await scene.stands(made)).state is BroadcastState.FINISHED
        assert not [at for at in scene.times if 120 < at < 3000]
        assert len(scene.times) == 120
        assert scene.times[0] < 5

    play(tmp_path, story)


def test_a_flood_wait_is_kept_to_its_end_and_whoever_was_next_is_next(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.telegram.waits = {5: 500.0}
        made = await scene.start(10)
        await scene.clock.sleep(60)
        resting = await scene.stands(made)
        assert (resting.state, resting.waiting_for) == (BroadcastState.RUNNING, "floodWait")
        assert len(scene.times) == 5
        await scene.clock.sleep(600)
        assert (await scene.stands(made)).state is BroadcastState.FINISHED
        assert scene.times[5] >= 500
        assert [to for _, to in scene.telegram.sent] == [str(1 + number) for number in range(1, 11)]
        assert len(set(scene.telegram.ids)) == 10

    play(tmp_path, story)


def test_of_one_session_one_goes_after_the_other_and_one_for_later_holds_up_nobody(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        late = await scene.start(3, first=100, start_at=round((EPOCH + 600) * 1000))
        await scene.clock.sleep(2)
        first = await scene.start(5, first=200)
        await scene.clock.sleep(0.1)
        second = await scene.start(5, first=300)
        await scene.clock.sleep(5)
        assert (await scene.stands(late)).waiting_for == "startAt"
        assert (await scene.stands(second)).waiting_for == "otherBroadcast"
        await scene.clock.sleep(900)
        hundreds = [to[0] for _, to in scene.telegram.sent]
        assert hundreds == ["2"] * 5 + ["3"] * 5 + ["1"] * 3
        assert min(at for at, to in scene.telegram.sent if to[0] == "1") >= 600
        assert (await scene.stands(first)).state is BroadcastState.FINISHED

    play(tmp_path, story)
