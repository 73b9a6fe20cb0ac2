"""A whole sandbox with its control API for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.mtproto.rsa import ServerKey

ANN, BOB = "+15550001", "+15550002"


@pytest.fixture(scope="session")
def server_key() -> ServerKey:
    return ServerKey.generate()


@pytest.fixture
async def sandbox(server_key: ServerKey) -> AsyncIterator[Sandbox]:
    async with running(key=server_key, pq_bits=30) as whole:
        whole.control.create_account({"phone": ANN, "firstName": "Ann"})
        whole.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bobby"})
        yield whole


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sandbox.control_url or "") as client:
        yield client
