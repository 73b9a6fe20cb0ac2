"""What ends a stream, what a slow reader costs, and where one goes on, over a real socket."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from proofs import rows
from teleflow.api.v1 import streaming
from teleflow.errors import StorageUnavailable
from teleflow.model.events import EventType
from tests.integration.events.desk import Desk, hear, heard, is_event, mine, seated, take


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with seated(tmp_path / "data") as made:
        yield made


async def test_who_saw_nothing_yet_goes_on_from_where_they_connected(desk: Desk) -> None:
    async with desk.stream("ann") as blocks:
        first = await anext(blocks)
    assert json.loads(first["data"])["cursor"] == first["id"]
    await desk.happen("ann", 1, 2)
    async with desk.stream("ann", {"last-event-id": first["id"]}) as blocks:
        assert mine(await take(blocks, 2)) == [1, 2]
    async with desk.socket("ann") as one:
        cursor = (await hear(one))["cursor"]
    await desk.happen("ann", 3)
    async with desk.socket("ann", after=cursor) as one:
        assert mine(await heard(one, 1)) == [3]


async def test_where_a_filter_skips_much_the_reader_is_told_where_they_are(desk: Desk) -> None:
    async with desk.stream("ann", types="message.edited") as blocks, desk.socket("ann", types="message.edited") as one:
        await anext(blocks)
        await hear(one)
        for start in range(0, 1_200, 100):
            await desk.happen("ann", *range(start, start + 100))
        async with asyncio.timeout(10):
            block, frame = await anext(blocks), await hear(one)
    assert set(block) == {"id"}, "no event, but where a browser goes on"
    assert frame["type"] == "stream.cursor"
    assert await desk.rig.gateway.storage.purge_events(before=0, most=600)
    for cursor in (block["id"], frame["cursor"]):
        async with desk.stream("ann", {"last-event-id": cursor}) as blocks:
            await anext(blocks)
            assert is_event(await anext(blocks)), "and no reset"


async def test_a_heartbeat_tells_a_place_that_no_event_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.3)
    async with desk.stream("ann", types="message.edited") as blocks:
        first = await anext(blocks)
        await desk.happen("ann", 1)
        async with asyncio.timeout(5):
            block = await anext(blocks)
            while "id" not in block:
                block = await anext(blocks)
    assert block["id"] != first["id"]
    assert (await desk.log("ann", after=block["id"]))["items"] == []


async def test_a_busy_log_does_not_put_off_the_end_of_what_proved_its_reader(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.5)
    key = await desk.key("ann")
    busy = asyncio.create_task(_busy(desk))
    async with desk.stream("key") as blocks:
        await take(blocks, 5)
        await desk.rig.http.delete(f"/api/v1/keys/{key['id']}", headers=desk.users["ann"][2])
        async with asyncio.timeout(4):
            told = [block async for block in blocks]
    busy.cancel()
    assert json.loads(told[-1]["data"]) == {"type": "stream.closed", "reason": "credentials_ended"}


async def _busy(desk: Desk) -> None:
    for number in range(2_000):
        await desk.happen("ann", number)
        await asyncio.sleep(0.01)


async def test_a_key_that_is_narrowed_or_may_not_read_any_more_ends_its_streams(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    for change in ({"scopes": "write"}, {"session_ids": '["ses_x"]'}, {"expires_at": 1}):
        key = await desk.key("ann")
        async with desk.stream("key") as blocks:
            await anext(blocks)
            await rows.change(desk.rig.gateway.settings.database, "api_keys", {"id": key["id"]}, change)
            async with asyncio.timeout(5):
                told = [block async for block in blocks]
        assert json.loads(told[-1]["data"])["reason"] == "credentials_ended", change


async def test_streams_outlast_a_database_that_is_away_for_a_while_and_not_for_long(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    monkeypatch.setattr(streaming, "UNSURE_S", 1.0)
    away = False
    storage: Any = desk.rig.gateway.storage
    asked = storage.login_user

    async def login_user(*given: Any, **named: Any) -> Any:
        if away:
            raise StorageUnavailable("away")
        return await asked(*given, **named)

    monkeypatch.setattr(storage, "login_user", login_user)
    monkeypatch.setattr("teleflow.services.logins.FRESH", 0.0)
    async with desk.stream("ann") as blocks:
        await anext(blocks)
        away = True
        await asyncio.sleep(0.5)
        await desk.happen("ann", 1)
        assert mine(await take(blocks, 1)) == [1], "it is committed, so it may be told"
        away = False
        await asyncio.sleep(0.8)
        away = True
        async with asyncio.timeout(5):
            told = [block async for block in blocks]
    assert json.loads(told[-1]["data"])["reason"] == "unverified"


def _slow(desk: Desk, request: str) -> socket.socket:
    """A connection with small buffers that asks and then takes nothing."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", desk.port))
    token = desk.users["ann"][2]["Authorization"]
    one.sendall(f"GET {request} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n".encode())
    return one


_UPGRADE = (
    f"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {'A' * 22}==\r\n"
)


async def test_who_takes_nothing_is_cut_off_with_a_reason_and_goes_on_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "TAKE_S", 0.5)
    readers = [_slow(desk, "/api/v1/events"), _slow(desk, "/api/v1/ws")]
    readers[0].sendall(b"\r\n")
    readers[1].sendall(f"{_UPGRADE}\r\n".encode())
    async with asyncio.timeout(20):
        while len(desk.rig.gateway.services.events._open) < 1:
            await asyncio.sleep(0.01)
        for start in range(0, 4_000, 50):
            await desk.happen("ann", *range(start, start + 50), text="x" * 4_000)
        while desk.rig.gateway.services.events._open:
            await asyncio.sleep(0.05)
    for one in readers:
        one.settimeout(5)
        taken = await asyncio.to_thread(_all_of, one)
        one.close()
        assert len(taken) < 8_000_000, "most of it waits in the log"
        assert b"slow" in taken[-200:]
        ids = re.findall(rb"evt_[0-9a-f]{30}", taken)
        assert ids
        async with desk.stream("ann", {"last-event-id": ids[-1].decode()}, types="message.received") as blocks:
            event = (await take(blocks, 1))[0]
        page = await desk.log("ann", after=ids[-1].decode(), limit=1)
        assert page["items"][0]["id"] == event["id"]


def _all_of(one: socket.socket) -> bytes:
    parts = []
    try:
        while part := one.recv(65_536):
            parts.append(part)
    except (ConnectionError, TimeoutError):
        pass
    return b"".join(parts)


async def test_readers_that_vanish_are_no_errors(desk: Desk) -> None:
    with structlog.testing.capture_logs() as lines:
        busy = asyncio.create_task(_busy(desk))
        for number in range(30):
            path, more = ("/api/v1/events", "\r\n") if number % 2 else ("/api/v1/ws", f"{_UPGRADE}\r\n")
            one = _slow(desk, path)
            one.sendall(more.encode())
            await asyncio.sleep(0.02)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an end
            one.close()
        async with asyncio.timeout(5):
            while desk.rig.gateway.services.events._open:
                await asyncio.sleep(0.02)
        busy.cancel()
    assert not [line for line in lines if line["log_level"] in {"warning", "error", "critical"}]


async def test_a_small_event_does_not_wait_for_the_acknowledgement_of_the_one_before(desk: Desk) -> None:
    async with desk.stream("ann") as one, desk.socket("ann") as two:
        await anext(one)
        await hear(two)
        (*open_,) = desk.server._state.connections
        assert len(open_) == 2
        for connection in open_:
            of_server = connection.transport.get_extra_info("socket")
            assert of_server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_head_is_asked_and_answered(desk: Desk) -> None:
    async with httpx2.AsyncClient(timeout=5) as client:
        answer = await client.head(f"{desk.url}/api/v1/events", headers=desk.users["ann"][2])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_last_event_id_that_is_odd_does_no_harm(desk: Desk) -> None:
    odd = ("-1", "18446744073709551616", "c18446744073709551616", "nonsense", "x" * 63, "evt_" + "a" * 30, "c999999")
    for number, cursor in enumerate(odd):
        async with desk.stream("ann", {"last-event-id": cursor}) as blocks:
            assert "connected" in (await anext(blocks))["data"]
            if cursor.startswith(("evt_", "c9")):
                assert (await anext(blocks))["event"] == "stream.reset", "it may be of a log that is gone"
            else:
                await desk.happen("ann", number)
                assert mine(await take(blocks, 1)) == [number], "it is no cursor, so one begins now"


async def test_a_last_event_id_of_another_user_is_unknown(desk: Desk) -> None:
    await desk.happen("bob", 1)
    (event, *_) = (await desk.log("bob", types="message.received"))["items"]
    async with desk.stream("ann", {"last-event-id": event["id"]}) as blocks:
        await anext(blocks)
        assert (await anext(blocks))["event"] == "stream.reset"


async def test_many_readers_that_come_and_go_miss_nothing(desk: Desk) -> None:
    desk.rig.gateway.services.events._most = 100
    chance = random.Random(7)
    total = 300

    async def over_lines() -> list[int]:
        seen: list[int] = []
        headers: dict[str, str] = {"last-event-id": start}
        while len(seen) < total:
            async with desk.stream("ann", headers, types="message.received") as blocks:
                for event in await take(blocks, min(total - len(seen), chance.randrange(1, 60))):
                    seen.append(event["data"]["n"])
                    headers = {"last-event-id": event["id"]}
        return seen

    async def over_frames() -> list[int]:
        seen: list[int] = []
        after = start
        while len(seen) < total:
            async with desk.socket("ann", types="message.received", after=after) as one:
                for event in await heard(one, min(total - len(seen), chance.randrange(1, 60))):
                    seen.append(event["data"]["n"])
                    after = event["id"]
        return seen

    start = (await desk.log("ann", limit=1000))["nextCursor"]
    readers = [asyncio.create_task(over_lines() if n % 2 else over_frames()) for n in range(8)]
    number = 0
    while number < total:
        count = min(chance.choice([1, 5, 20]), total - number)
        await desk.happen("ann", *range(number, number + count))
        await desk.happen("bob", number, type_=EventType.MESSAGE_EDITED)
        number += count
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        for seen in await asyncio.gather(*readers):
            assert seen == list(range(total))
