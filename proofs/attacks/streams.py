"""Attacks on the live streams, over server-sent events and WebSocket."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from proofs.attacks.case import Account, Case, Context, Found, that, together, told

SSE, WS = "/api/v1/events", "/api/v1/ws"
REVOKED_WITHIN = 5.0
PER_KEY = 20
_UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Stream:
    """A raw connection that asked for a stream. `text` is what came after the head so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.status = 0
        self.text = b""

    @classmethod
    async def open(cls, context: Context, path: str, headers: dict[str, str] | None = None, *, key: str = "") -> Stream:
        reader, writer = await asyncio.open_connection("127.0.0.1", context.gateway.port)
        sent = {"Host": "x", **(_UPGRADE if path.startswith(WS) else {}), **({"X-API-Key": key} if key else {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**sent, **(headers or {})}.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        made = cls(reader, writer)
        async with asyncio.timeout(10):
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                made.status = int((await reader.readuntil(b"\r\n\r\n"))[9:12])
                if made.status in {101, 200}:
                    await made.until(b'"connected"')
        return made

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def until(self, sign: bytes, within: float = 10.0) -> bool:
        """Read on until this has come; whether it has."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(within):
                while sign not in self.text:
                    part = await self._reader.read(65_536)
                    if not part:
                        return False
                    self.text += part
        return sign in self.text

    async def end(self, within: float = 20.0) -> float:
        """Read to the end; when that was (monotonic), infinite when it did not come."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(within):
                while part := await self._reader.read(65_536):
                    self.text += part
                return time.monotonic()
        return float("inf")

    def sleep(self) -> None:
        self._reading.pause_reading()

    def wake(self) -> None:
        self._reading.resume_reading()

    @property
    def _reading(self) -> asyncio.ReadTransport:
        return self._writer.transport  # type: ignore[return-value]

    def close(self) -> None:
        self._writer.transport.abort()


async def _opened(context: Context, path: str, headers: dict[str, str] | None = None, *, key: str = "") -> int:
    """The status, and it is closed again."""
    stream = await Stream.open(context, path, headers, key=key)
    stream.close()
    return stream.status


async def lasting_in_url(context: Context) -> Found:
    user = await context.user()
    seen: Counter[int] = Counter()
    for path in (SSE, WS):
        for name, value in (
            ("token", user.jwt),
            ("access_token", user.access),
            ("api_key", user.key),
            ("ticket", user.jwt),
        ):
            seen[await _opened(context, f"{path}?{name}={value}")] += 1
    first, second = [], []
    for path, status in ((SSE, 200), (WS, 101)):
        made = await context.data("POST", "/api/v1/events/tickets", {}, key=user.key)
        first.append(await _opened(context, f"{path}?ticket={made['ticket']}") == status)
        second.append(await _opened(context, f"{path}?ticket={made['ticket']}") == 401)
    elsewhere = await context.data("POST", "/api/v1/events/tickets", {}, key=user.key)
    log = await context.ask("GET", f"/api/v1/events/log?ticket={elsewhere['ticket']}")
    return together(
        that(set(seen) == {401}, f"lasting ones: {told(seen)}"),
        that(all(first) and all(second), "a ticket once, and not again"),
        that(log.status == 401, "nor elsewhere"),
        that(user.jwt not in context.log() and made["ticket"] not in context.log(), "none is logged"),
    )


async def foreign_origin(context: Context) -> Found:
    headers = {"Origin": "https://evil.example", "Cookie": "session=of the dashboard"}
    status = await _opened(context, WS, headers)
    null = await _opened(context, WS, {**headers, "Origin": "null"})
    return that((status, null) == (403, 403), "403 before the upgrade")


async def ended_while_open(context: Context) -> Found:
    user = await context.user()
    made = await context.data("POST", "/api/v1/keys", {"name": "reader", "scopes": ["read"]}, token=user.jwt)
    streams = [await Stream.open(context, path, key=made["key"]) for path in (SSE, WS)]
    began = time.monotonic()
    await context.ask("DELETE", f"/api/v1/keys/{made['id']}", token=user.jwt)
    said = await asyncio.gather(*(stream.until(b"credentials_ended") for stream in streams))
    took = time.monotonic() - began
    await streams[0].until(b"\r\n0\r\n\r\n", 1)
    await streams[1].until((4401).to_bytes(2, "big"), 1)
    for stream in streams:
        stream.close()
    ended = streams[0].text.endswith(b"\r\n0\r\n\r\n") and (4401).to_bytes(2, "big") in streams[1].text
    return together(that(took <= REVOKED_WITHIN, f"{took:.1f} s"), that(all(said) and ended, "with the reason"))


async def many(context: Context) -> Found:
    user, other = await context.user(), await context.user()
    streams = [await Stream.open(context, (SSE, WS)[number % 2], key=user.key) for number in range(PER_KEY + 10)]
    seen = Counter(stream.status for stream in streams)
    await asyncio.gather(*(_opened(context, WS) for _ in range(300)))
    began = time.monotonic()
    beside = await _opened(context, SSE, key=other.key)
    took = time.monotonic() - began
    for stream in streams:
        stream.close()
    await asyncio.sleep(0.5)
    again = await _opened(context, SSE, key=user.key)
    return together(
        that(seen == {200: PER_KEY // 2, 101: PER_KEY // 2, 429: 10}, told(seen)),
        that((beside, again) == (200, 200) and took < 1.0, "others are served, and the places are free again"),
    )


def _frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    size, mask = len(payload), 0x80 if masked else 0
    length = bytes([mask | size]) if size < 126 else bytes([mask | 126]) + size.to_bytes(2, "big")
    return bytes([(0x80 if fin else 0) | rsv | opcode]) + length + (bytes(4) if masked else b"") + payload


async def broken_frames(context: Context) -> Found:
    user = await context.user()
    huge = bytes([0x81, 0x80 | 127]) + (100 << 20).to_bytes(8, "big") + bytes(4)
    breaches = (
        (huge + bytes(200_000), 1009),
        (_frame(1, b"x" * 40_000, fin=False) + _frame(0, b"x" * 40_000), 1009),
        (_frame(1, b"x") * 100_000, 1008),
        (_frame(9) * 100_000, 1008),
        (_frame(1, b"", fin=False) + _frame(0, b"", fin=False) * 100_000, 1008),
        (_frame(1, b"x", masked=False), 1002),
        (_frame(1, b"x", rsv=0x40), 1002),
        (_frame(1, b"\xff\xfe"), 1007),
    )
    wrong = []
    for sent, code in breaches:
        stream = await Stream.open(context, WS, key=user.key)
        stream.send(sent)
        await stream.end()
        stream.close()
        if code.to_bytes(2, "big") not in stream.text:
            wrong.append(code)
    stream = await Stream.open(context, WS, key=user.key)
    many_ = json.dumps({"action": "subscribe", "events": ["x"] * 12_000}).encode()
    errors = 0
    for body in (b'{"action": "dance"}', many_, b"[" * 60_000):
        stream.text = b""
        stream.send(_frame(1, body))
        errors += await stream.until(b'"error"')
    stream.close()
    return together(
        that(not wrong, f"{len(breaches)} breaches closed with their codes" if not wrong else f"not so: {wrong}"),
        that(errors == 3, "nonsense is answered"),
    )


async def odd_ids(context: Context) -> Found:
    user = await context.user()
    seen: Counter[int] = Counter()
    given = ("-1", str(2**64), "some text", "c-5", "c" + "9" * 30, "' OR 1=1", "%00", "x" * 4_000, "y" * 65_536)
    for one in given:
        seen[await _opened(context, SSE, {"Last-Event-ID": one}, key=user.key)] += 1
        seen[await _opened(context, f"{SSE}?after={quote(one)}", key=user.key)] += 1
        seen[await _opened(context, f"{WS}?after={quote(one)}", key=user.key)] += 1
    seen[await _opened(context, SSE, {"Last-Event-ID": "a\0b"}, key=user.key)] += 1
    future = await Stream.open(context, SSE, {"Last-Event-ID": "c99999999"}, key=user.key)
    reset = await future.until(b"stream.reset", 5)
    future.close()
    harmless = set(seen) <= {0, 200, 101, 400, 414, 422, 431}
    return together(that(harmless, told(seen)), that(reset, "a future one is a reset"))


async def _message(context: Context, account: Account, text: str, **more: Any) -> None:
    writer = await context.person("Writer")
    body = {"do": "send", "to": account.phone, "text": text, **more}
    await context.sandbox.control.post(f"/accounts/{writer}/act", body)


async def forged(context: Context) -> Found:
    account = await context.account("streams")
    stream = await Stream.open(context, SSE, key=account.user.key)
    await _message(context, account, "x\n\ndata: forged\r\rid: forged\u2028event: forged\u0085end of it")
    came = await stream.until(b'end of it"', 20)
    stream.close()
    lines = re.split("\r\n|\r|\n|\u2028|\u2029|\u0085", stream.text.decode())
    return together(
        that(came, "it came"), that(not [line for line in lines if line[:10].endswith("forged")], "in one line")
    )


async def takes_nothing(context: Context) -> Found:
    account = await context.account("of the slow")
    streams = [await Stream.open(context, path, key=account.user.key) for path in (SSE, WS)]
    for stream in streams:
        stream.sleep()
    for _ in range(4):
        await _message(context, account, "x" * 4_000, times=1_000)
    await asyncio.sleep(20)
    for stream in streams:
        stream.wake()
    ends = await asyncio.gather(*(stream.end() for stream in streams))
    said = [b"slow" in stream.text[-200:] for stream in streams]
    for stream in streams:
        stream.close()
    return that(max(ends) < float("inf") and all(said), "cut off, with the reason")


async def anothers(context: Context) -> Found:
    mine, other = await context.account("streams"), await context.account("another's")
    await _message(context, other, "theirs")
    seen: Counter[int] = Counter()
    for path in (SSE, WS):
        for session in (other.session, "../", "*", "' OR 1=1"):
            seen[await _opened(context, f"{path}?sessionId={quote(session)}", key=mine.user.key)] += 1
    streams = [await Stream.open(context, f"{path}?types=*&after=c0", key=mine.user.key) for path in (SSE, WS)]
    for number in range(5):
        await _message(context, other, f"theirs {number}")
    await _message(context, mine, "the last of mine")
    came = [await stream.until(b"the last of mine", 20) for stream in streams]
    shown = [stream for stream in streams if other.session.encode() in stream.text or b"theirs" in stream.text]
    (event,) = (await context.data("GET", "/api/v1/events/log?limit=1", key=other.user.key))["items"]
    foreign = await Stream.open(context, SSE, {"Last-Event-ID": event["id"]}, key=mine.user.key)
    reset = await foreign.until(b"stream.reset", 5)
    for stream in (*streams, foreign):
        stream.close()
    return together(
        that(set(seen) == {404}, f"another's session: {told(seen)}"),
        that(all(came) and not shown, "only one's own comes"),
        that(reset, "another's id is a reset"),
    )


CASES = (
    Case("E01", "a lasting token in the URL of a stream", lasting_in_url),
    Case("E02", "a handshake from a page of another origin", foreign_origin),
    Case("E03", "a key that ends while its streams are open", ended_while_open),
    Case("E04", "more streams than a key may have, and a storm of handshakes", many),
    Case("E05", "frames that break the protocol or the bounds", broken_frames),
    Case("E06", "odd ids to go on from", odd_ids),
    Case("E07", "a text that would be an event of its own", forged),
    Case("E08", "a reader that stops reading", takes_nothing, beside=True),
    Case("T05", "streams of another user", anothers),
)
