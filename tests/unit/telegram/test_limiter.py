"""Turns come one by one, however late the loop is."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from teleflow.telegram import limiter as module
from teleflow.telegram.limiter import ConnectLimiter


async def test_a_loop_that_was_held_up_makes_nobody_go_in_a_bunch() -> None:
    loop = asyncio.get_running_loop()
    limiter = ConnectLimiter(100)
    went: list[float] = []

    async def go() -> None:
        await limiter.turn()
        went.append(module.loop_time())

    turns = [loop.create_task(go()) for _ in range(12)]
    await asyncio.sleep(0)
    until = module.loop_time() + 0.06
    while module.loop_time() < until:
        pass  # nothing else gets a turn of the loop
    await asyncio.gather(*turns)
    gaps = [later - earlier for earlier, later in pairwise(went)]
    assert min(gaps) >= 0.005, "half a turn: when this was looked at may be late too"


async def test_without_a_rate_nobody_waits() -> None:
    limiter = ConnectLimiter(0)
    async with asyncio.timeout(1):
        await asyncio.gather(*(limiter.turn() for _ in range(1000)))
