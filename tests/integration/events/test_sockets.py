"""Events over a WebSocket: what is said on both sides, who may, and what ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from teleflow.api.v1 import streaming
from teleflow.model.events import EventType
from tests.integration.events.desk import Desk, hear, heard, mine, say, seated


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with seated(tmp_path / "data") as made:
        yield made


async def refused(desk: Desk, name: str | None, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, str]:
    """The status and the code with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with desk.socket(name, headers, **query):
            pass
    answer = caught.value.response
    assert answer.headers["x-request-id"], "as every answer"
    return answer.status_code, json.loads(answer.body)["error"]["code"]


async def ended(connection: Any) -> tuple[list[Any], int | None, str]:
    """What came until the end, and the close's code and reason."""
    frames = []
    try:
        while True:
            frames.append(await hear(connection))
    except ConnectionClosed as closed:
        close = closed.rcvd
    return frames, None if close is None else close.code, "" if close is None else close.reason


async def test_everything_is_subscribed_at_first_and_what_happens_comes_in_order(desk: Desk) -> None:
    await desk.happen("ann", 0)
    async with desk.socket("ann") as one:
        first = await hear(one)
        assert (first["type"], set(first)) == ("connected", {"type", "timestamp", "cursor"})
        await desk.happen("ann", 1, 2)
        await desk.happen("bob", 3)
        await desk.happen("ann", 4, type_=EventType.USER_TYPING)
        found = await heard(one, 3)
        assert [event["data"]["n"] for event in found] == [1, 2, 4]
        assert set(found[0]) == {"id", "type", "sessionId", "timestamp", "data"}


async def test_what_one_subscribes_to_is_what_comes(desk: Desk) -> None:
    async with desk.socket("ann") as one:
        await hear(one)
        assert await say(one, action="unsubscribe", events=["*"]) == {"type": "unsubscribed", "events": ["*"]}
        await desk.happen("ann", 1, type_=EventType.USER_TYPING)
        assert (await say(one, action="dance"))["type"] == "error"
        told = {"type": "subscribed", "events": ["message.*"]}
        assert await say(one, action="subscribe", events=["message.*"]) == told
        await desk.happen("ann", 2)
        await desk.happen("ann", 3, type_=EventType.USER_TYPING)
        assert [event["data"]["n"] for event in await heard(one, 1)] == [2]
        assert (await say(one, action="unsubscribe", events=["message.edited"]))["type"] == "unsubscribed"
        await desk.happen("ann", 4, type_=EventType.MESSAGE_EDITED)
        await desk.happen("ann", 5)
        assert [event["data"]["n"] for event in await heard(one, 1)] == [5]


async def test_one_may_begin_with_some_types_and_a_session(desk: Desk) -> None:
    async with desk.socket("ann", types="message.received", sessionId=desk.users["ann"][1]) as one:
        await desk.happen("ann", 1, type_=EventType.USER_TYPING)
        await desk.happen("ann", 2)
        assert [event["data"]["n"] for event in await heard(one, 1)] == [2]
    assert await refused(desk, "ann", sessionId=desk.users["bob"][1]) == (404, "SESSION_NOT_FOUND")
    assert await refused(desk, "ann", types="message.eaten") == (422, "VALIDATION_ERROR")
    assert await refused(desk, "ann", after="nonsense") == (400, "CURSOR_INVALID")


FRAMES: tuple[str | bytes, ...] = (
    "",
    "nonsense",
    "[]",
    "null",
    '"subscribe"',
    "{}",
    '{"action": "dance"}',
    '{"action": ["subscribe"], "events": ["*"]}',
    '{"action": "subscribe"}',
    '{"action": "subscribe", "events": "*"}',
    '{"action": "subscribe", "events": []}',
    '{"action": "subscribe", "events": [1]}',
    '{"action": "subscribe", "events": ["message.eaten"]}',
    '{"action": "subscribe", "events": [' + ",".join(['"*"'] * 200) + "]}",
    '{"action": "resume"}',
    '{"action": "resume", "after": 7}',
    '{"action": "resume", "after": "yesterday"}',
    "[" * 20_000,
    b'{"action": "subscribe", "events": ["*"]}',
    b"\xff\xfe",
)


async def test_a_frame_that_is_not_understood_is_answered_and_ends_nothing(desk: Desk) -> None:
    async with desk.socket("ann") as one:
        await hear(one)
        for frame in FRAMES:
            await one.send(frame)
            told = await hear(one)
            assert (told["type"], set(told)) == ("error", {"type", "message"}), frame[:50]
        await desk.happen("ann", 1)
        assert mine(await heard(one, 1)) == [1]


async def test_one_goes_on_from_what_one_saw_last(desk: Desk) -> None:
    await desk.happen("ann", *range(1_200))
    events = await desk.everything("ann", types="message.received", limit=1000)
    async with desk.socket("ann", types="message.received", after=events[9]["id"]) as one:
        assert mine(await heard(one, 1_190)) == list(range(10, 1_200))
        told = await say(one, action="resume", after=events[1_150]["id"])
        assert told == {"type": "resumed", "after": events[1_150]["id"]}
        assert mine(await heard(one, 49)) == list(range(1_151, 1_200))
        await desk.happen("ann", 1_200)
        assert mine(await heard(one, 1)) == [1_200]


async def test_a_cursor_that_is_too_old_is_answered_by_a_reset(desk: Desk) -> None:
    await desk.happen("ann", *range(30))
    old = (await desk.log("ann", limit=1))["items"][0]["id"]
    assert await desk.rig.gateway.storage.purge_events(before=0, most=5)
    async with desk.socket("ann", after=old) as one:
        assert (await hear(one))["type"] == "connected"
        reset = await hear(one)
        assert reset["type"] == "stream.reset"
        assert mine(await heard(one, 5)) == list(range(25, 30))
        assert (await say(one, action="resume", after=old))["type"] == "resumed"
        assert await hear(one) == reset
        assert mine(await heard(one, 5)) == list(range(25, 30))
        assert (await say(one, action="resume", after=reset["oldestCursor"]))["type"] == "resumed"
        assert mine(await heard(one, 5)) == list(range(25, 30)), "where the reset says, one may go on"


async def test_who_proves_nothing_does_not_get_in(desk: Desk) -> None:
    assert await refused(desk, None) == (401, "UNAUTHORIZED")
    assert await refused(desk, None, {"authorization": "Bearer nonsense"}) == (401, "UNAUTHORIZED")
    assert await refused(desk, None, {"x-api-key": "tfb_" + "0" * 64}) == (401, "UNAUTHORIZED")
    await desk.key("ann")
    async with desk.socket("key") as one:
        assert (await hear(one))["type"] == "connected"


async def test_a_page_of_another_origin_does_not_get_in_by_what_a_browser_sends_itself(desk: Desk) -> None:
    cookie = {"cookie": "session=whatever"}
    assert await refused(desk, None, {"origin": "https://evil.example", **cookie}) == (403, "ORIGIN_NOT_ALLOWED")
    assert await refused(desk, None, {"origin": "null", **cookie}) == (403, "ORIGIN_NOT_ALLOWED")
    assert await refused(desk, None, {"origin": desk.url}) == (401, "UNAUTHORIZED"), (
        "its own page must prove itself too"
    )
    async with desk.socket(None, {"origin": "https://app.example"}, ticket=await desk.ticket("ann")) as one:
        assert (await hear(one))["type"] == "connected"


async def test_a_plain_request_is_told_what_this_is(desk: Desk) -> None:
    answer = await desk.rig.http.get("/api/v1/ws", headers=desk.users["ann"][2])
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "UPGRADE_REQUIRED")
    assert answer.headers["upgrade"] == "websocket"
    assert (await desk.rig.http.get("/api/v1/ws")).status_code == 401


_UPGRADE = "upgrade: websocket\r\nconnection: upgrade\r\n"
_KEY = f"sec-websocket-key: {'A' * 22}==\r\n"
NO_HANDSHAKES = (
    _UPGRADE,
    f"{_UPGRADE}sec-websocket-key: x\r\nsec-websocket-version: 13\r\n",
    f"{_UPGRADE}{_KEY}",
    f"{_UPGRADE}{_KEY}sec-websocket-version: 8\r\n",
    f"upgrade: h2c\r\nconnection: upgrade\r\n{_KEY}sec-websocket-version: 13\r\n",
    f"{_UPGRADE}{_KEY}sec-websocket-version: 13\r\nx: {'A' * 9000}\r\n",
)


async def test_a_handshake_that_is_none_gets_an_answer_of_our_form(desk: Desk) -> None:
    token = desk.users["ann"][2]["Authorization"]
    for headers in NO_HANDSHAKES:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        writer.write(f"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n{headers}\r\n".encode())
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 426 "), headers[:200]


async def test_a_stream_ends_soon_after_its_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHECK_S", 0.1)
    key = await desk.key("ann")
    async with desk.socket("key") as one:
        await hear(one)
        await desk.rig.http.delete(f"/api/v1/keys/{key['id']}", headers=desk.users["ann"][2])
        frames, code, reason = await ended(one)
    assert (frames[-1], code, reason) == (
        {"type": "stream.closed", "reason": "credentials_ended"},
        4401,
        "credentials_ended",
    )


async def test_streams_of_both_kinds_are_counted_together(desk: Desk) -> None:
    desk.rig.gateway.services.events._most = 2
    async with desk.stream("ann") as one, desk.socket("ann") as two:
        await anext(one)
        await hear(two)
        assert await refused(desk, "ann") == (429, "TOO_MANY_STREAMS")
        async with desk.socket("bob") as other:
            assert (await hear(other))["type"] == "connected"
    async with asyncio.timeout(5):
        while desk.rig.gateway.services.events._open:
            await asyncio.sleep(0.01)


async def test_a_stop_is_quick_and_says_so(desk: Desk) -> None:
    async with desk.socket("ann") as one, desk.stream("ann") as two:
        await hear(one)
        await anext(two)
        began = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(desk.server.stop(grace=10))
        frames, code, reason = await ended(one)
        blocks = [block async for block in two]
        await stopping
        assert asyncio.get_running_loop().time() - began < 2
    assert (frames[-1], code, reason) == ({"type": "stream.closed", "reason": "shutdown"}, 1001, "shutdown")
    assert json.loads(blocks[-1]["data"]) == {"type": "stream.closed", "reason": "shutdown"}


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    first = (0x80 if fin else 0) | rsv | opcode
    mask = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 65_536:
        head = bytes([first, mask | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + length.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


HUGE = bytes([0x81, 0x80 | 127]) + (100 * 1024 * 1024).to_bytes(8, "big") + b"\0\0\0\0"


BREACHES = {
    "100 MiB": (HUGE + b"x" * 200_000, 1009),
    "too large": (frame(1, b"x" * 65_537), 1009),
    "too large in parts": (frame(1, b"x" * 40_000, fin=False) + frame(0, b"x" * 40_000, fin=False), 1009),
    "tiny frames": (frame(1, b"x") * 20_000, 1008),
    "pings": (frame(9) * 20_000, 1008),
    "pongs": (frame(10) * 20_000, 1008),
    "for ever in parts": (frame(1, b"", fin=False) + frame(0, b"", fin=False) * 20_000, 1008),
    "unmasked": (frame(1, b"x", masked=False), 1002),
    "compressed": (frame(1, b"x", rsv=0x40), 1002),
    "no such opcode": (frame(3, b"x"), 1002),
    "goes on with nothing": (frame(0, b"x"), 1002),
    "not UTF-8": (frame(1, b"\xff\xfe"), 1007),
}


async def test_who_breaks_the_protocol_is_told_by_which_rule(desk: Desk) -> None:
    token = desk.users["ann"][2]["Authorization"]
    for name, (sent, code) in BREACHES.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
        head = f"authorization: {token}\r\n{_UPGRADE}{_KEY}sec-websocket-version: 13\r\n\r\n"
        writer.write(f"GET /api/v1/ws HTTP/1.1\r\nhost: x\r\n{head}".encode())
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            writer.write(sent)
            answer = await reader.read()
        closed = answer.rindex(b"\x88")
        assert int.from_bytes(answer[closed + 2 : closed + 4], "big") == code, name
        writer.close()
    async with asyncio.timeout(10):
        while desk.rig.gateway.services.events._open:
            await asyncio.sleep(0.01)
