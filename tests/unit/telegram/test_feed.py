"""What a data centre pushes and nobody can read costs a question, never the follower."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

import pytest
from telethon.tl import types as tl

from teleflow.kit.clock import SystemClock
from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram.qr import tells_of_scan
from teleflow.telegram.updates.feed import Feed
from teleflow.telegram.updates.gaps import Surroundings
from teleflow.telegram.updates.teller import Teller

_STOPPED = bytes(tl.UpdateShort(tl.UpdateBotStopped(7, None, stopped=True, qts=1), None))
_VECTOR = struct.pack("<II", 0x1CB5C415, 1)


async def _ask(*_: Any, **__: Any) -> Any:
    raise AssertionError


async def _recall(_: int) -> None:
    return None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x01", id="too-short"),
        pytest.param(b"\xff" * 8, id="unknown"),
        pytest.param(_VECTOR * 5_000, id="deep"),
        pytest.param(_STOPPED.replace(struct.pack("<I", 0x997275B5), b"bool"), id="no-bool"),
        pytest.param(bytes(tl.UpdateShort(tl.UpdateConfig(), None))[:-2], id="cut"),
    ],
)
async def test_what_cant_be_read_is_asked_for(body: bytes) -> None:
    around = Surroundings(_ask, lambda _: None, _recall, SystemClock(), random.Random(1), asyncio.Semaphore())
    position = BoxPosition(ACCOUNT, 10, date=1, top_message=4)
    feed = Feed(Teller("ses_a", 1, lambda _: "file"), [position], [], around)
    feed.push(memoryview(body))
    feed._drain()
    assert not tells_of_scan(memoryview(body))
    assert ACCOUNT in feed._boxes.behind(1e9)
    feed.push(memoryview(bytes(tl.UpdatesTooLong())))
    feed._drain()
