"""A data centre for each test of the wire; one RSA key for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from teleflow.sandbox.mtproto.rsa import ServerKey
from tests.sandbox.support.centre import Centre, centre
from tests.sandbox.support.clock import HandClock


@pytest.fixture(scope="session")
def server_key() -> ServerKey:
    return ServerKey.generate()


@pytest.fixture
async def dc(server_key: ServerKey) -> AsyncIterator[Centre]:
    async with centre(server_key) as running:
        yield running


@pytest.fixture
async def still(server_key: ServerKey) -> AsyncIterator[Centre]:
    """A data centre whose time the test moves."""
    async with centre(server_key, clock=HandClock()) as running:
        yield running
