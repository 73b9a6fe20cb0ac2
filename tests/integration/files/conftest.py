"""A post office for each test, and Telethon's keys as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from telethon.crypto import rsa

from tests.integration.files.rig import Post, posting


@pytest.fixture(scope="session", autouse=True)
def trusted_keys() -> Iterator[None]:
    """Telethon keeps its public keys in a module-wide table; leave it as it was."""
    before = dict(rsa._server_keys)
    yield
    rsa._server_keys.clear()
    rsa._server_keys.update(before)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with posting(tmp_path) as made:
        yield made
