from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.integration.gateway.rig import BOB, Rig, rigged
from tests.integration.webhooks.receiver import Receiver, receiving

T = TypeVar("T")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path, webhook_allow_nets="127.0.0.0/8") as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def ann(rig: Rig) -> Hooks:
    return Hooks(rig, await rig.connected("ann", "+15550001"))


class Hooks:
    """A user and their webhooks."""

    def __init__(self, rig: Rig, headers: dict[str, str]) -> None:
        self.rig = rig
        self.headers = headers

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.rig.http.request(method, f"/api/v1{path}", json=body, headers=self.headers)
        assert answer.status_code == status, answer.text
        told = answer.json()
        return told["data"] if status < 400 else told["error"]

    async def hook(self, url: str, *events: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.ask("POST", "/webhooks", {"url": url, "events": list(events), **more}, 201)
        return made

    async def hears(self, text: str) -> None:
        """Bob writes to them."""
        await self.rig.sandbox.control.act(BOB, {"do": "send", "to": "+15550001", "text": text})

    async def delivery(self, hook: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        """The newest that ended."""
        query = "&".join(f"{name}={value}" for name, value in wanted.items())

        async def ended() -> dict[str, Any] | None:
            items = (await self.ask("GET", f"/webhooks/{hook['id']}/deliveries?{query}"))["items"]
            return items[0] if items and items[0]["state"] != "pending" else None

        newest = await until(ended)
        return dict(await self.ask("GET", f"/webhooks/{hook['id']}/deliveries/{newest['id']}"))

    async def logged(self, type_: str, count: int) -> list[dict[str, Any]]:
        async def there() -> list[dict[str, Any]] | None:
            items: list[dict[str, Any]] = (await self.ask("GET", f"/events/log?types={type_}"))["items"]
            return items if len(items) >= count else None

        return await until(there)


async def until(found: Callable[[], Awaitable[T | None]], within: float = 15) -> T:
    """What `found` gives, once it gives something."""
    async with asyncio.timeout(within):
        while (it := await found()) is None:
            await asyncio.sleep(0.01)
    return it
