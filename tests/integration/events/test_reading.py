"""The log as its owner reads it: by the page, and as a stream over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from teleflow.api import v1
from teleflow.api.v1 import streaming
from teleflow.model.events import EventType
from tests.integration.events.desk import Desk, mine, seated, take


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with seated(tmp_path / "data") as made:
        yield made


async def test_the_log_is_paged_oldest_first_and_each_comes_once(desk: Desk) -> None:
    await desk.happen("ann", *range(250))
    found = await desk.everything("ann", limit=99)
    assert mine(found) == list(range(250))
    one = next(item for item in found if item["type"] == "message.received")
    assert set(one) == {"id", "type", "sessionId", "timestamp", "data"}
    assert one["timestamp"].endswith("Z")
    again = await desk.log("ann", after=found[-2]["id"])
    assert [item["id"] for item in again["items"]] == [found[-1]["id"]], "an event's id is a cursor"


async def test_the_log_is_filtered_by_type_and_session(desk: Desk) -> None:
    await desk.happen("ann", *range(5))
    await desk.happen("ann", *range(5, 9), type_=EventType.MESSAGE_EDITED)
    session_id = desk.users["ann"][1]
    assert len(await desk.everything("ann", types="message.edited")) == 4
    assert len(await desk.everything("ann", types="message.*", sessionId=session_id)) == 9
    assert (await desk.log("ann", 422, types="message.eaten"))["code"] == "VALIDATION_ERROR"
    assert (await desk.log("ann", 404, sessionId=desk.users["bob"][1]))["code"] == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("cursor", ["-1", "c-1", "x" * 64, "evt_", "c99999999999999999999", "c1' OR 1=1", "\x00"])
async def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str) -> None:
    answer = await desk.rig.http.get("/api/v1/events/log", params={"after": cursor}, headers=desk.users["ann"][2])
    told = answer.json()["error"]["code"]
    assert (answer.status_code, told) in {(400, "CURSOR_INVALID"), (422, "VALIDATION_ERROR"), (400, "BAD_REQUEST")}


async def test_a_log_that_was_cut_says_so(desk: Desk) -> None:
    await desk.happen("ann", *range(20))
    old = (await desk.log("ann", limit=1))["items"][0]["id"]
    assert await desk.rig.gateway.storage.purge_events(before=0, most=5)
    told = await desk.log("ann", 409, after=old)
    assert told["code"] == "CURSOR_EXPIRED"
    assert len((await desk.log("ann", after=told["details"]["oldestCursor"]))["items"]) == 5
    async with desk.stream("ann", {"last-event-id": old}) as blocks:
        assert "connected" in (await anext(blocks))["data"]
        assert (await anext(blocks))["event"] == "stream.reset"
        assert len(await take(blocks, 5)) == 5


async def test_a_stream_tells_what_happens_from_now_on(desk: Desk) -> None:
    await desk.happen("ann", 0)
    async with desk.stream("ann", types="message.*") as blocks:
        first = await anext(blocks)
        assert json.loads(first["data"])["type"] == "connected"
        await desk.happen("ann", 1, 2, text="a\n\ndata: forged\r\u2028")
        await desk.happen("bob", 3)
        await desk.happen("ann", 4)
        found = await take(blocks, 3)
    assert mine(found) == [1, 2, 4]
    assert found[0]["data"]["text"] == "a\n\ndata: forged\r\u2028"


async def test_a_stream_goes_on_where_it_was(desk: Desk) -> None:
    await desk.happen("ann", *range(1200))
    page = await desk.log("ann", types="message.received", limit=10)
    async with desk.stream("ann", {"last-event-id": page["items"][-1]["id"]}, types="message.received") as blocks:
        assert mine(await take(blocks, 1190)) == list(range(10, 1200))
        await desk.happen("ann", 1200)
        assert mine(await take(blocks, 1)) == [1200]


async def test_nobody_sees_what_is_another_s(desk: Desk) -> None:
    async with desk.stream("ann", types="message.received") as anns, desk.stream("bob", types="message.*") as bobs:
        for start in range(0, 400, 20):
            await desk.happen("ann", *range(start, start + 10))
            await desk.happen("bob", *range(start + 10, start + 20))
        for_ann, for_bob = await take(anns, 200), await take(bobs, 200)
    assert {item["sessionId"] for item in for_ann} == {desk.users["ann"][1]}
    assert {item["sessionId"] for item in for_bob} == {desk.users["bob"][1]}
    assert mine(for_ann) == mine(await desk.everything("ann"))
    assert mine(for_bob) == mine(await desk.everything("bob"))


async def test_a_stream_ends_soon_after_what_proved_its_reader(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    made = await desk.rig.http.post(
        "/api/v1/keys", json={"name": "reader", "scopes": ["read"]}, headers=desk.users["ann"][2]
    )
    key = made.json()["data"]
    desk.users["key"] = (*desk.users["ann"][:2], {"x-api-key": key["key"]})
    async with desk.stream("key") as blocks:
        await anext(blocks)
        await desk.rig.http.delete(f"/api/v1/keys/{key['id']}", headers=desk.users["ann"][2])
        async with asyncio.timeout(5):
            told = [block async for block in blocks]
    assert json.loads(told[-1]["data"]) == {"type": "stream.closed", "reason": "credentials_ended"}


async def test_a_key_has_so_many_streams_and_no_more(desk: Desk) -> None:
    desk.rig.gateway.services.events._most = 2
    async with desk.stream("ann") as one, desk.stream("ann") as two:
        await anext(one)
        await anext(two)
        async with httpx2.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{desk.url}/api/v1/events", headers=desk.users["ann"][2])
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_STREAMS")
    async with asyncio.timeout(5):
        while desk.rig.gateway.services.events._open:
            await asyncio.sleep(0.01)


def test_the_routes_are_there() -> None:
    assert {route.path for router in v1.ROUTERS for route in router.routes} >= {"/api/v1/events", "/api/v1/events/log"}
