"""Telegram's own updates as JSON: for those who name them, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.events.test_following import Log, opened
from tests.integration.gateway.rig import ANN, BOB, rigged


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with rigged(tmp_path / "data", webhook_allow_nets="127.0.0.0/8") as rig:
        yield await opened(rig)


async def make(log: Log, *events: str) -> None:
    body = {"url": "http://127.0.0.1:59999/", "events": list(events)}
    answer = await log.rig.http.post("/api/v1/webhooks", json=body, headers=log.headers)
    assert answer.status_code == 201, answer.text


async def test_the_raw_form_is_kept_only_where_an_endpoint_names_it(log: Log) -> None:
    await make(log, "*")
    await asyncio.sleep(1.2)
    await log.act(BOB, do="send", to=ANN, text="one")
    await log.until(1, "message.received")
    assert await log.data("raw.update") == []
    await make(log, "raw.update")
    await asyncio.sleep(1.2)
    await log.act(BOB, do="send", to=ANN, text="two")
    (raw,) = await log.until(1, "raw.update")
    assert (raw["update"]["_"], raw["update"]["message"]["message"]) == ("updateNewMessage", "two")
    deliveries = {}
    for hook in (await log.rig.http.get("/api/v1/webhooks", headers=log.headers)).json()["data"]:
        path = f"/api/v1/webhooks/{hook['id']}/deliveries"
        items = (await log.rig.http.get(path, headers=log.headers)).json()["data"]["items"]
        deliveries[hook["events"][0]] = {one["event"] for one in items}
    assert deliveries["raw.update"] == {"raw.update"}
    assert "raw.update" not in deliveries["*"]
