"""One-time tickets: what a browser opens a stream with, in place of a header."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from websockets.exceptions import ConnectionClosed, InvalidStatus

from proofs import rows
from teleflow.api.v1 import streaming
from tests.integration.events.desk import Desk, hear, heard, mine, say, seated, take
from tests.integration.gateway.clock import Ahead


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def desk(tmp_path: Path, clock: Ahead) -> AsyncIterator[Desk]:
    async with seated(tmp_path / "data", clock=clock) as made:
        yield made


async def refused(desk: Desk, headers: dict[str, str] | None = None, **query: Any) -> set[tuple[int, str]]:
    """How both kinds of streams refuse this."""
    async with httpx2.AsyncClient(timeout=5) as client:
        answer = await client.get(f"{desk.url}/api/v1/events", params=query, headers=headers)
        found = {(answer.status_code, answer.json()["error"]["code"])}
    with pytest.raises(InvalidStatus) as caught:
        async with desk.socket(None, headers, **query):
            pass
    body = json.loads(caught.value.response.body)
    return {*found, (caught.value.response.status_code, body["error"]["code"])}


async def test_a_ticket_opens_one_stream_of_either_kind(desk: Desk) -> None:
    ticket = await desk.ticket("ann")
    async with desk.stream(None, ticket=ticket) as blocks:
        await anext(blocks)
        await desk.happen("ann", 1)
        assert mine(await take(blocks, 1)) == [1]
        assert await refused(desk, ticket=ticket) == {(401, "TICKET_INVALID")}
    second = await desk.ticket("ann")
    async with desk.socket(None, ticket=second) as one:
        await hear(one)
        await desk.happen("ann", 2)
        assert mine(await heard(one, 1)) == [2]
    assert await refused(desk, ticket=second) == {(401, "TICKET_INVALID")}


async def test_of_many_who_use_a_ticket_at_once_one_gets_in(desk: Desk) -> None:
    ticket = await desk.ticket("ann")
    opened, shut = [], []

    async def use() -> None:
        try:
            async with desk.socket(None, ticket=ticket) as one:
                await hear(one)
                opened.append(one)
                await asyncio.sleep(0.2)
        except InvalidStatus as error:
            shut.append(error.response.status_code)

    await asyncio.gather(*(use() for _ in range(20)))
    assert (len(opened), shut) == (1, [401] * 19)


async def test_a_ticket_is_good_for_half_a_minute(desk: Desk, clock: Ahead) -> None:
    late, timely = await desk.ticket("ann"), await desk.ticket("ann")
    clock.by += 29
    async with desk.socket(None, ticket=timely) as one:
        await hear(one)
    clock.by += 2
    assert await refused(desk, ticket=late) == {(401, "TICKET_INVALID")}


async def test_a_ticket_is_for_streams_and_nothing_else(desk: Desk) -> None:
    ticket = await desk.ticket("ann")
    for path in ("/api/v1/events/log", "/api/v1/sessions", "/api/v1/keys"):
        answer = await desk.rig.http.get(path, params={"ticket": ticket})
        assert answer.status_code == 401, path
    answer = await desk.rig.http.post("/api/v1/events/tickets", params={"ticket": ticket}, json={})
    assert answer.status_code == 401, "a ticket makes no tickets"


async def test_what_lives_longer_does_not_belong_in_a_url(desk: Desk) -> None:
    token = desk.users["ann"][2]["Authorization"].removeprefix("Bearer ")
    key = (await desk.key("ann"))["key"]
    for query in (
        {"token": token},
        {"access_token": token},
        {"Authorization": f"Bearer+{token}"},
        {"api_key": key},
        {"x-api-key": key},
        {"apiKey": key},
        {"ticket": token},
        {"ticket": key},
    ):
        assert await refused(desk, **query) == {(401, "TOKEN_IN_URL")}, query
    also = {"Authorization": f"Bearer {token}"}
    assert await refused(desk, also, token=token) == {(401, "TOKEN_IN_URL")}, "though they prove themselves too"
    assert await refused(desk, also, ticket=await desk.ticket("ann")) == {(400, "BAD_REQUEST")}
    for nonsense in ("", "x", "tkt_", "tkt_" + "A" * 43, "%00", "%FF"):
        told = await refused(desk, ticket=nonsense)
        assert {status for status, _ in told} <= {400, 401}, nonsense


async def test_a_ticket_sees_what_its_maker_sees_and_no_more(desk: Desk) -> None:
    bobs = desk.users["bob"][1]
    answer = await desk.rig.http.post("/api/v1/events/tickets", json={"sessionId": bobs}, headers=desk.users["ann"][2])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    async with desk.socket(None, ticket=await desk.ticket("ann")) as one:
        await hear(one)
        await desk.happen("bob", 1)
        await desk.happen("ann", 2)
        assert mine(await heard(one, 1)) == [2]
    with pytest.raises(InvalidStatus) as caught:
        async with desk.socket(None, ticket=await desk.ticket("ann"), sessionId=bobs):
            pass
    assert caught.value.response.status_code == 404


async def test_a_ticket_s_filter_is_not_widened_by_who_uses_it(desk: Desk) -> None:
    narrow = {"events": ["message.received"], "sessionId": desk.users["ann"][1]}
    async with desk.socket(None, ticket=await desk.ticket("ann", **narrow), types="*") as one:
        await hear(one)
        assert (await say(one, action="subscribe", events=["*"]))["type"] == "subscribed"
        assert (await say(one, action="subscribe", events=["user.typing"]))["type"] == "error"
        await desk.happen("ann", 1, type_=_typing())
        await desk.happen("ann", 2)
        assert [event["data"]["n"] for event in await heard(one, 1)] == [2]
    async with desk.stream(None, ticket=await desk.ticket("ann", **narrow)) as blocks:
        await anext(blocks)
        await desk.happen("ann", 3, type_=_typing())
        await desk.happen("ann", 4)
        assert [event["data"]["n"] for event in await take(blocks, 1)] == [4]


def _typing() -> Any:
    from teleflow.model.events import EventType

    return EventType.USER_TYPING


async def test_a_stream_by_ticket_ends_with_what_made_the_ticket(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    key = await desk.key("ann")
    unused = await desk.ticket("key")
    async with desk.socket(None, ticket=await desk.ticket("key")) as one:
        await hear(one)
        await desk.rig.http.delete(f"/api/v1/keys/{key['id']}", headers=desk.users["ann"][2])
        assert (await hear(one))["type"] == "stream.closed"
        with pytest.raises(ConnectionClosed) as caught:
            await hear(one)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4401
    assert await refused(desk, ticket=unused) == {(401, "TICKET_INVALID")}


async def test_a_stream_by_ticket_ends_with_the_token_that_made_it(
    desk: Desk, clock: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    clock.by += 1_790
    async with desk.stream(None, ticket=await desk.ticket("ann")) as blocks:
        await anext(blocks)
        clock.by += 20
        async with asyncio.timeout(5):
            last = [block async for block in blocks][-1]
    assert json.loads(last["data"])["reason"] == "credentials_ended"


async def test_a_user_has_so_many_unused_tickets_and_no_more(desk: Desk, clock: Ahead) -> None:
    for _ in range(100):
        await desk.ticket("ann")
    answer = await desk.rig.http.post("/api/v1/events/tickets", json={}, headers=desk.users["ann"][2])
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_TICKETS")
    await desk.ticket("bob")
    clock.by += 31
    await desk.ticket("ann")


async def test_a_ticket_is_neither_stored_nor_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        ticket = await desk.ticket("ann")
        (row,) = await rows.rows(desk.rig.gateway.settings.database, "stream_tickets")
        async with desk.socket(None, ticket=ticket) as one:
            await hear(one)
        await refused(desk, ticket=ticket)
    assert not [value for value in row.values() if isinstance(value, str) and ticket[4:] in value]
    assert ticket not in str(lines)
    of_service = [record.getMessage() for record in caplog.records if record.name.startswith(("uvicorn", "teleflow"))]
    assert ticket not in str(of_service)
