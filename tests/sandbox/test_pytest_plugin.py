"""The fixture that others get by the entry point, used as they would use it."""

from __future__ import annotations

import time

import pytest
from telethon.crypto import rsa
from telethon.sessions import MemorySession
from telethon.sync import TelegramClient

from teleflow.sandbox.pytest_plugin import TelegramSandbox, telegram_sandbox
from tests.sandbox.telethon_rig import trusted_keys

__all__ = ["telegram_sandbox", "trusted_keys"]


@pytest.mark.usefixtures(trusted_keys.__name__)
def test_a_synchronous_test_drives_a_client_against_it(telegram_sandbox: TelegramSandbox) -> None:
    rsa.add_key(telegram_sandbox.public_key_pem, old=False)
    telegram_sandbox.account("+15550001", "Ann")
    telegram_sandbox.account("+15550002", "Bob", username="bob_here")
    session = MemorySession()
    session.set_dc(telegram_sandbox.dc_id, telegram_sandbox.host, telegram_sandbox.port)
    client = TelegramClient(session, 1, "hash")
    client.start("+15550001", code_callback=lambda: telegram_sandbox.code("+15550001"))
    client.send_message("bob_here", "from a test")
    client.disconnect()
    assert [line["text"] for line in telegram_sandbox.messages(phone="+15550002")] == ["from a test"]


async def test_an_asynchronous_test_may_use_it_too(telegram_sandbox: TelegramSandbox) -> None:
    telegram_sandbox.account("+15550001", "Ann")
    telegram_sandbox.account("+15550002", "Bob")
    sent = telegram_sandbox.act("+15550001", "send", to="+15550002", text="hello")
    assert sent["messageId"] == 1
    rule = telegram_sandbox.fault("refuse", seconds=60)
    assert rule == 1
    telegram_sandbox.clear_faults()


def test_it_is_ready_in_well_under_a_second(request: pytest.FixtureRequest) -> None:
    began = time.monotonic()
    request.getfixturevalue("telegram_sandbox")
    assert time.monotonic() - began < 1
