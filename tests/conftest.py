"""What holds for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Several suites share a few cores: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def no_addresses_of_an_earlier_sandbox() -> Iterator[None]:
    """Telethon keeps the addresses of data centres in its class; each test has data centres of its own."""
    yield
    telethon = sys.modules.get("telethon")
    if telethon is not None:
        telethon.TelegramClient._config = None
