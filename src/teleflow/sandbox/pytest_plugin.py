"""The fixture `telegram_sandbox` for anybody's tests: a data centre for each test, ready in well under a second.

    def test_my_bot(telegram_sandbox):
        telegram_sandbox.account("+15550001", "Ann")
        my_bot.connect(telegram_sandbox.host, telegram_sandbox.port, key=telegram_sandbox.public_key_pem)
        assert telegram_sandbox.code("+15550001")

It runs on an event loop of its own in a thread: tests may be synchronous, or asynchronous under any plugin. Nothing
of the sandbox is imported before a test asks for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from teleflow.sandbox.embedded import Sandbox

T = TypeVar("T")
STARTS_WITHIN = 20.0


class TelegramSandbox:
    """A running sandbox, from outside of its loop. `info` is its ready line."""

    def __init__(self, sandbox: Sandbox, loop: asyncio.AbstractEventLoop) -> None:
        self._sandbox = sandbox
        self._loop = loop
        self.info = sandbox.info()
        self.host: str = sandbox.host
        self.port: int = sandbox.port
        self.dc_id: int = sandbox.dc_id
        self.public_key_pem: str = sandbox.public_key_pem
        self.public_key_file = sandbox.public_key_file
        self.control_url: str | None = sandbox.control_url

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STARTS_WITHIN)

    def account(self, phone: str, first_name: str, **more: Any) -> dict[str, Any]:
        """Make an account; `more` as in the control API: username, cloudPassword, scenario."""

        async def make() -> dict[str, Any]:
            return self._sandbox.control.create_account({"phone": phone, "firstName": first_name, **more})

        return self._run(make())

    def code(self, phone: str) -> str | None:
        """The last login code sent to a phone."""

        async def find() -> str | None:
            found = self._sandbox.control.code(phone)
            return None if found is None else str(found["code"])

        return self._run(find())

    def act(self, phone: str, do: str, **more: Any) -> dict[str, Any]:
        """Do something as a person: `act("+15550001", "send", to="+15550002", text="hello")`."""
        return self._run(self._sandbox.control.act(phone, {"do": do, **more}))

    def fault(self, verb: str, match: dict[str, Any] | None = None, **args: Any) -> int:
        """Put a fault rule in force; its number."""

        async def add() -> int:
            return (await self._sandbox.dc.add_fault(verb, match, args)).number

        return self._run(add())

    def clear_faults(self) -> None:
        self._run(self._sandbox.dc.clear_faults())

    def messages(self, **filters: Any) -> list[dict[str, Any]]:
        """The ledger of messages: what was really committed."""

        async def read() -> list[dict[str, Any]]:
            return self._sandbox.control.ledger_messages(**filters)

        return self._run(read())


@pytest.fixture
def telegram_sandbox() -> Iterator[TelegramSandbox]:
    """A Telegram data centre with nobody in it, on loopback."""
    from teleflow.sandbox.embedded import running

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="telegram sandbox", daemon=True)
    thread.start()
    block = running(pq_bits=46)
    try:
        sandbox = asyncio.run_coroutine_threadsafe(block.__aenter__(), loop).result(STARTS_WITHIN)
        try:
            yield TelegramSandbox(sandbox, loop)
        finally:
            asyncio.run_coroutine_threadsafe(block.__aexit__(None, None, None), loop).result(STARTS_WITHIN)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STARTS_WITHIN)
        loop.close()
