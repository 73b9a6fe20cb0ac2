"""Work that is not to be broken off is not."""

from __future__ import annotations

import asyncio

import pytest

from teleflow.kit.tasks import unbroken


@pytest.mark.parametrize("fails", [False, True])
async def test_who_is_cancelled_goes_and_the_work_ends(fails: bool) -> None:
    may, began, unwanted = asyncio.Event(), asyncio.Event(), list[str]()
    ended = asyncio.Event()

    async def work() -> str:
        began.set()
        await may.wait()
        ended.set()
        if fails:
            raise OSError
        return "made"

    waiting = asyncio.create_task(unbroken(work(), unwanted.append))
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert unwanted == []
    may.set()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert unwanted == ([] if fails else ["made"])


async def test_who_waits_is_told_how_it_ended() -> None:
    async def well() -> str:
        return "made"

    async def badly() -> str:
        raise OSError("no room")

    unwanted = list[str]()
    assert await unbroken(well(), unwanted.append) == "made"
    with pytest.raises(OSError, match="no room"):
        await unbroken(badly(), unwanted.append)
    assert unwanted == []
