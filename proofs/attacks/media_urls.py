"""Attacks by the addresses of files: servers that lie about what they send, send too much, or nothing for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from proofs.attacks.case import Account, Case, Context, Found, that, together
from proofs.wire import Reply

AT_ONCE = 4
"""Requests with files that one user may have under way (UPLOADS_PER_USER)."""
_HUGE = 5_000_000_000
Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server on loopback that does as `handler` says for each path."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            await handler(head.split(b" ")[1].decode(), writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _media(context: Context, account: Account, url: str, kind: str) -> Reply:
    body = {"sessionId": account.session, "chatId": "me", "type": kind, "url": url}
    return await context.ask("POST", "/api/v1/messages/media", body, token=account.user.access)


def _spooled(context: Context) -> list[Path]:
    return [path for path in context.folder.glob("**/spool/*/*") if path.is_file()]


async def lies(context: Context) -> Found:
    service = await context.fetching()
    account = await service.account("fetching")
    sent = 0

    async def handle(path: str, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
        match path:
            case "/says-1":  # and sends on and on
                writer.write(head % b"video/mp4" + b"content-length: 1\r\n\r\n")
            case "/says-huge":
                writer.write(head % b"video/mp4" + b"content-length: %d\r\n\r\n" % _HUGE)
            case "/chunks":
                writer.write(head % b"video/mp4" + b"transfer-encoding: chunked\r\n\r\n")
            case "/html":
                writer.write(head % b"text/html" + b"content-length: 6\r\n\r\n<html>")
                return
            case _:
                writer.write(head % b"image/jpeg" + b"content-length: 40\r\n\r\n" + b"<html>".ljust(40))
                return
        while sent < _HUGE:
            piece = b"x" * 65536
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if path == "/chunks" else piece)
            sent += len(piece)
            await writer.drain()

    async with serving(handle) as at:
        little = await _media(service, account, f"{at}/says-1", "video")
        huge = await _media(service, account, f"{at}/says-huge", "video")
        chunks = await _media(service, account, f"{at}/chunks", "video")
        html = await _media(service, account, f"{at}/html", "photo")
        disguised = await _media(service, account, f"{at}/disguised", "photo")
    return together(
        that(little.status == 422 or little.json()["data"]["media"]["fileSize"] == 1, "told 1 byte: 1 byte, or 422"),
        that(huge.status == chunks.status == 413, "5 GB: 413"),
        that(html.status == disguised.status == 415, "HTML as a photo: 415"),
        that(sent < 100_000_000, f"{sent // 1_000_000} MB taken"),
        that(not _spooled(service), "nothing kept"),
    )


async def slowness(context: Context) -> Found:
    service = await context.fetching()
    slow, other = await service.account("fetching"), await service.account("other")
    waiting, release, all_wait = 0, asyncio.Event(), asyncio.Event()

    async def handle(_: str, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == AT_ONCE:
            all_wait.set()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 1000\r\n\r\nx")
        await release.wait()

    async with serving(handle) as at:
        asked = [asyncio.create_task(_media(service, slow, f"{at}/{number}", "video")) for number in range(200)]
        await asyncio.wait_for(all_wait.wait(), 30)
        refused = [task.result().status for task in asked if task.done()]
        body = {"sessionId": other.session, "chatId": "me", "text": "meanwhile"}
        slowest = 0.0
        for _ in range(20):
            began = time.monotonic()
            reply = await service.ask("POST", "/api/v1/messages/send", body, token=other.user.access)
            slowest = max(slowest, time.monotonic() - began if reply.status == 201 else 60.0)
        # Whoever is let go makes room for the next, so the rest have their answers before that.
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while sum(task.done() for task in asked) < len(asked) - AT_ONCE:
                    await asyncio.wait([task for task in asked if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        release.set()
        statuses = [(await task).status for task in asked]
    return together(
        that(statuses.count(429) == 200 - AT_ONCE, f"{statuses.count(429)} of 200: 429"),
        that(statuses.count(422) == AT_ONCE and waiting == AT_ONCE, f"{waiting} asked, {statuses.count(422)} given up"),
        that(len(refused) > 0 and slowest < 1.0, f"another's sends: {slowest * 1000:.0f} ms at most"),
    )


CASES = (
    Case("S17", "URLs whose servers lie about size and type", lies),
    Case("S18", "200 URLs of slow servers", slowness),
)
