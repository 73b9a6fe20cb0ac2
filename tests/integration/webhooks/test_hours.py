"""Hours and days of an endpoint's life, in virtual time: the worker and a real database in one loop."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proofs.virtual import VirtualLoop, run
from teleflow.kit.clock import LoopClock, milliseconds
from teleflow.kit.ids import new_id
from teleflow.kit.seal import Seal
from teleflow.model.events import EventFilter, EventType, NewEvent, event_id
from teleflow.model.webhooks import RetryPolicy, Webhook
from teleflow.storage.base import Storage
from teleflow.storage.sql import open_storage
from teleflow.webhooks.egress import CONNECTION_FAILED, Answer
from teleflow.webhooks.schedule import DEFAULT_WAITS, JITTER
from teleflow.webhooks.worker import Worker
from tests.contract.storage.rig import KEY, a_user

# Virtual time stands still for nobody outside of this process, and a server is one.
pytestmark = pytest.mark.database("sqlite")
HOUR = 3600.0
EPOCH = 1_800_000_000.0


@dataclass
class Endpoint:
    """Answers as its hour says. `got`: (when, delivery id, event's number)."""

    loop: VirtualLoop
    down: tuple[float, float] = (0.0, 0.0)
    answer: Answer = field(default_factory=lambda: Answer(503))
    began: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    got: list[tuple[float, str, int]] = field(default_factory=list)

    async def post(self, _url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        at = self.loop.time() - self.began
        id_ = headers["X-TeleFlow-Delivery-Id"]
        self.asked.append((at, id_))
        if self.down[0] <= at < self.down[1]:
            return self.answer
        self.got.append((at, id_, json.loads(body)["data"]["n"]))
        return Answer(200, body="ok")


@dataclass
class Scene:
    loop: VirtualLoop
    storage: Storage
    clock: LoopClock
    endpoint: Endpoint
    worker: Worker
    webhook: Webhook
    began: float  # Unix seconds

    async def happen(self, number: int) -> None:
        now = milliseconds(self.clock.time())
        type_ = EventType.MESSAGE_RECEIVED
        event = NewEvent(event_id("ses", type_, number), type_, None, now, {"n": number})
        await self.storage.append_events(self.webhook.user_id, [event], now=now)

    async def at(self, seconds: float) -> None:
        await self.clock.sleep(self.endpoint.began + seconds - self.loop.time())


def play(folder: Path, story: Any, **webhook: Any) -> None:
    async def work(loop: VirtualLoop) -> None:
        clock = LoopClock(EPOCH)
        storage = open_storage(f"file:{folder / 'x.db'}", Seal(KEY), clock, threads=False)
        await storage.start()
        user = a_user()
        await storage.add_user(user)
        endpoint = Endpoint(loop)
        worker = Worker(
            storage,
            endpoint,  # type: ignore[arg-type]
            clock,
            random.Random(1),
            agent="test",
            disable_after_s=120 * HOUR,
        )
        storage.on_append(worker.rung)
        fields: dict[str, Any] = {
            "id": new_id("whk"),
            "user_id": user.id,
            "url": "https://example.com/",
            "wanted": EventFilter(),
            "secret": "s",
            "active": True,
            "created_at": 0,
            "updated_at": 0,
        }
        made = Webhook(**{**fields, **webhook})
        await storage.add_webhook(made, most=5)
        await worker.start()
        loop.begin_jumping()
        endpoint.began = loop.time()
        try:
            await story(Scene(loop, storage, clock, endpoint, worker, made, clock.time()))
        finally:
            await worker.stop()
            await storage.stop()

    run(work)


def test_an_endpoint_that_was_away_for_an_hour_gets_everything_once(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.endpoint.down = (60.0, 60.0 + HOUR)
        for number in range(130):
            await scene.at(number * 30.0)
            await scene.happen(number)
        await scene.at(4 * HOUR)
        numbers = [number for _, _, number in scene.endpoint.got]
        assert sorted(numbers) == list(range(130))
        assert len({id_ for _, id_, _ in scene.endpoint.got}) == 130
        assert max(at for at, _, _ in scene.endpoint.got) < 60 + HOUR + 0.5 * HOUR * (1 + JITTER) + 120
        stats = await scene.storage.delivery_stats(scene.webhook.user_id, scene.webhook.id, since=0)
        assert (stats.delivered, stats.pending, stats.failed) == (130, 0, 0)

    play(tmp_path, story)


def test_the_attempts_of_the_default_policy_come_at_their_instants(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.endpoint.down = (0.0, 1e9)
        await scene.happen(1)
        await scene.at(100 * HOUR)
        times = [at for at, _ in scene.endpoint.asked]
        assert len(times) == 13
        for wait, (before, after) in zip(DEFAULT_WAITS, pairwise(times), strict=True):
            gap = after - before
            assert wait * (1 - JITTER) - 0.01 <= gap <= wait * (1 + JITTER) + 0.01
        assert times[-1] > 60 * HOUR

    play(tmp_path, story)


def test_legacy_is_three_attempts_at_exact_instants(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.endpoint.down = (0.0, 1e9)
        await scene.happen(1)
        await scene.at(HOUR)
        assert [round(at, 1) for at, _ in scene.endpoint.asked] == [0.0, 1.0, 4.0]

    play(tmp_path, story, policy=RetryPolicy.LEGACY)


def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.endpoint.down = (0.0, 1000.0)
        scene.endpoint.answer = Answer(429, headers={"retry-after": "1800"})
        await scene.happen(1)
        await scene.at(2 * HOUR)
        assert [round(at) for at, _ in scene.endpoint.asked] == [0, 1800]

    play(tmp_path, story)


@pytest.mark.parametrize("heals", [False, True])
def test_five_days_of_failure_disable_and_one_success_resets_that(tmp_path: Path, heals: bool) -> None:
    async def story(scene: Scene) -> None:
        day = 24 * HOUR
        scene.endpoint.down = (0.0, 2 * day) if heals else (0.0, 1e9)
        scene.endpoint.answer = Answer(None, CONNECTION_FAILED)
        for number in range(6 * 24 + 1):
            await scene.at(number * HOUR)
            await scene.happen(number)
        await scene.at(6.1 * day)
        webhook = await scene.storage.webhook(scene.webhook.user_id, scene.webhook.id)
        assert webhook is not None
        if heals:
            assert (webhook.active, webhook.failing_since) == (True, None)
            return
        assert (webhook.active, webhook.disabled_because) == (False, "FAILING")
        disabled_after = webhook.updated_at / 1000 - scene.began
        assert 5 * day - 0.01 <= disabled_after <= 5 * day + HOUR

    play(tmp_path, story)


def test_an_endpoint_that_is_down_is_asked_rarely_however_much_waits(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        scene.endpoint.down = (0.0, 600.0)
        for number in range(500):
            await scene.happen(number)
        await scene.at(590.0)
        asked = len(scene.endpoint.asked)
        assert asked < 500 / 2, "a circuit breaker"
        await scene.at(3 * HOUR)
        assert sorted(number for _, _, number in scene.endpoint.got) == list(range(500))

    play(tmp_path, story)
