"""Files from addresses that callers name: fetched through the one door out, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from teleflow.webhooks import egress
from tests.integration.files.rig import Post, noise, png, posting

MOST = 3_000_000
OPEN = {"webhook_allow_nets": "127.0.0.1/32", "upload_most_bytes": str(MOST), "uploads_per_user": "3"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def send(post: Post, url: str, kind: str = "document", **headers: str) -> tuple[int, str, dict[str, Any]]:
    body = {"sessionId": post.session, "chatId": str(post.bob_id), "type": kind, "url": url}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await post.rig.http.post("/api/v1/messages/media", json=body, headers={**post.headers, **told})
    said = answer.json()
    return answer.status_code, said.get("error", {}).get("code", ""), said.get("data", {})


async def stream(request: web.Request, size: int, *, lies: int | None = None, mime: str = "video/mp4") -> Any:
    answer = web.StreamResponse(headers={"content-type": mime})
    if lies is None:
        answer.enable_chunked_encoding()
    else:
        answer.content_length = lies
    await answer.prepare(request)
    sent = 0
    try:
        while sent < size:
            await answer.write(noise(min(65536, size - sent)))
            sent += 65536
        await answer.write_eof()
    except (ConnectionError, web.HTTPException, AssertionError):
        pass
    return answer


async def test_a_file_comes_from_its_url_once_whatever_its_server_does(tmp_path: Path) -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        match request.path:
            case "/a.png":
                return web.Response(body=png(30, 30), content_type="image/png")
            case "/named":
                return web.Response(
                    body=noise(70_000), headers={"content-disposition": 'attachment; filename="../x/report.pdf"'}
                )
            case "/moved":
                raise web.HTTPFound("/a.png")
            case "/round":
                raise web.HTTPFound("/round")
            case "/inside":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data")
            case "/page":
                return web.Response(text="<html>", content_type="text/html")
            case "/disguised":
                return web.Response(body=b"<html>" + b" " * 100, content_type="image/png")
            case "/large":
                return await stream(request, MOST + 100_000)
            case "/says-large":
                return await stream(request, 10, lies=5_000_000_000)
            case "/says-little":
                return await stream(request, 1, lies=1, mime="application/pdf")
            case "/packed":
                return web.Response(body=b"x", headers={"content-encoding": "gzip"})
        return web.Response(status=404)

    async with serving(handle) as at, posting(tmp_path, **OPEN) as post:
        status, _, message = await send(post, f"{at}/a.png", "photo", idempotency_key="one")
        assert (status, message["media"]["type"]) == (201, "photo")
        before = len(asked)
        assert (await send(post, f"{at}/a.png", "photo", idempotency_key="one"))[2]["id"] == message["id"]
        assert len(asked) == before  # what was done needs no file
        status, _, message = await send(post, f"{at}/named")
        assert (status, message["media"]["fileName"]) == (201, "report.pdf")
        assert (await send(post, f"{at}/moved", "photo"))[0] == 201
        assert (await send(post, f"{at}/says-little"))[2]["media"]["fileSize"] == 1
        for path, kind, status, code in (
            ("/round", "photo", 422, "MEDIA_URL_FAILED"),
            ("/inside", "document", 422, "URL_NOT_ALLOWED"),
            ("/page", "photo", 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("/disguised", "photo", 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("/large", "video", 413, "PAYLOAD_TOO_LARGE"),
            ("/says-large", "video", 413, "PAYLOAD_TOO_LARGE"),
            ("/packed", "document", 422, "MEDIA_URL_FAILED"),
            ("/nothing", "document", 422, "MEDIA_URL_FAILED"),
        ):
            assert (await send(post, at + path, kind))[:2] == (status, code), path
        assert list((post.rig.gateway.settings.teleflow_data_dir / "spool").iterdir()) == []


async def test_slow_servers_hold_up_nobody_but_who_asks_for_them(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(egress, "SILENT_S", 1.0)
    release = asyncio.Event()
    waiting = 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x")
        await release.wait()
        return answer

    async with serving(handle) as at, posting(tmp_path, **OPEN) as post:
        slow = [asyncio.create_task(send(post, f"{at}/{number}")) for number in range(200)]
        while waiting < 3:
            await asyncio.sleep(0)
        text = {"sessionId": post.session, "chatId": str(post.bob_id), "text": "in between"}
        answer = await asyncio.wait_for(post.rig.http.post("/api/v1/messages/send", json=text, headers=post.headers), 5)
        assert answer.status_code == 201
        told = [outcome[:2] for outcome in await asyncio.wait_for(asyncio.gather(*slow), 20)]
        release.set()
        assert told.count((429, "TOO_MANY_UPLOADS")) == 197
        assert told.count((422, "MEDIA_URL_FAILED")) == 3
        assert waiting == 3


async def test_a_server_that_takes_longer_than_is_allowed_is_left(tmp_path: Path) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(handle) as at, posting(tmp_path, media_url_within_seconds=1, **OPEN) as post:
        assert (await send(post, f"{at}/file"))[:2] == (422, "MEDIA_URL_FAILED")
