"""Every test of this folder runs against every database that the project can use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from teleflow.kit.seal import Seal
from teleflow.storage.base import Storage
from teleflow.storage.sql import open_storage

from .rig import KEY, SetClock


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def seal() -> Seal:
    return Seal(KEY)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite"])
def opening(request: pytest.FixtureRequest, tmp_path: Path, seal: Seal, clock: SetClock) -> Callable[[], Storage]:
    """Opens the same database once more: a restart, or a second process."""
    return lambda: open_storage(f"file:{tmp_path / 'data' / 'teleflow.db'}", seal, clock)


@pytest.fixture
async def storage(opening: Callable[[], Storage]) -> AsyncIterator[Storage]:
    opened = opening()
    await opened.start()
    yield opened
    await opened.stop()
