"""One endpoint's trouble, or a bug that one delivery meets, stays with that one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from teleflow.errors import StorageUnavailable
from teleflow.kit.clock import SystemClock
from teleflow.model.events import EventFilter
from teleflow.model.webhooks import Due, Tried, Webhook
from teleflow.storage.base import Claim, Settled
from teleflow.webhooks.egress import Answer
from teleflow.webhooks.worker import Worker


class Store:
    """Three deliveries for each endpoint, claimed once. `settle` is what settling does."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids
        self.claimed: set[str] = set()
        self.settled: list[str] = []
        self.trouble: list[Exception] = []
        self.poison = ""

    async def webhooks_to_serve(self, *, limit: int, after: str | None = None) -> list[str]:
        return list(self.ids)

    async def recoveries_to_run(self, *, limit: int) -> list[str]:
        return []

    async def claim_deliveries(self, webhook_id: str, **_: Any) -> Claim:
        if webhook_id == "whk_broken":
            raise RuntimeError("a bug")
        webhook = Webhook(webhook_id, f"usr_{webhook_id}", f"https://{webhook_id}/", EventFilter(), "s", True, 0, 0)
        if webhook_id in self.claimed:
            return Claim(webhook)
        self.claimed.add(webhook_id)
        return Claim(webhook, [Due(f"{webhook_id}_{n}", "message.sent", None, 0, 0, b"{}", False) for n in range(3)])

    async def settle_deliveries(self, tried: Sequence[Tried], **_: Any) -> Settled:
        if self.trouble:
            raise self.trouble.pop()
        if any(one.delivery_id == self.poison for one in tried):
            raise RuntimeError("a bug")
        self.settled += [one.delivery_id for one in tried]
        return Settled()


class Door:
    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if "odd" in url:
            raise RuntimeError("a bug")
        return Answer(200)


async def all_settled(store: Store, count: int) -> set[str]:
    worker = Worker(store, Door(), SystemClock(), random.Random(1), agent="t", disable_after_s=1)  # type: ignore[arg-type]
    await worker.start()
    try:
        async with asyncio.timeout(10):
            while len(store.settled) < count:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
    finally:
        await worker.stop()
    assert len(store.settled) == len(set(store.settled))
    return set(store.settled)


async def test_what_one_delivery_breaks_is_not_all_of_theirs() -> None:
    store = Store("whk_a", "whk_b")
    store.poison = "whk_a_1"
    assert await all_settled(store, 5) == {"whk_a_0", "whk_a_2", "whk_b_0", "whk_b_1", "whk_b_2"}


async def test_an_endpoint_that_can_t_be_claimed_does_not_stop_others() -> None:
    assert await all_settled(Store("whk_broken", "whk_a"), 3) == {"whk_a_0", "whk_a_1", "whk_a_2"}


async def test_an_attempt_that_goes_wrong_on_our_side_is_recorded_too() -> None:
    assert await all_settled(Store("whk_odd"), 3) == {"whk_odd_0", "whk_odd_1", "whk_odd_2"}


async def test_what_the_database_did_not_take_is_settled_when_it_does() -> None:
    store = Store("whk_a")
    store.trouble = [StorageUnavailable("away"), StorageUnavailable("away")]
    assert await all_settled(store, 3) == {"whk_a_0", "whk_a_1", "whk_a_2"}
