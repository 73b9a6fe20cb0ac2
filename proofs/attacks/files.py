"""Attacks by files: names, types and contents that others chose, and requests for parts of them."""

from __future__ import annotations

import statistics
import time
import urllib.parse
from typing import Any

from proofs.attacks.case import Account, Case, Context, Found, statuses, that, together
from proofs.sender import Named, telethon
from proofs.wire import Reply, until

WITHIN = 20.0
MOST_MS = 10.0
TRIES = 7
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("/api/v1/keys")</script></svg>'
NAMES = (
    "<script>alert(1)</script>.html",
    "../../../etc/passwd",
    'a"; filename="b.exe',
    "line\r\nset-cookie: a=b\r\n\r\n<b>",
    "\u202efdp.exe",
    "%00%0d%0a.txt",
    "名前.pdf",
)


async def received(context: Context, files: list[tuple[bytes, str]]) -> tuple[Account, list[dict[str, Any]]]:
    """An account to which somebody has sent these, by an unmodified client, and the media that it is told."""
    account = await context.account("files")
    other = await context.person("Mallory")
    phone = urllib.parse.quote(account.phone)
    await context.sandbox.control.post(f"/accounts/{phone}/act", {"do": "send", "to": other, "text": "hello"})
    async with telethon(context.sandbox, other) as client:
        (dialog,) = [one async for one in client.iter_dialogs() if one.is_user and one.message.message == "hello"]
        chat = (await client.get_me()).id
        for data, name in files:
            await client.send_file(dialog.input_entity, Named(data, "file.bin"), force_document=True, **named(name))
    path = f"/api/v1/messages/history?sessionId={account.session}&chatId={chat}&limit=50"

    async def told() -> list[dict[str, Any]]:
        found = await context.data("GET", path, token=account.user.access)
        return [one["media"] for one in reversed(found) if "media" in one]

    async def there() -> bool:
        return len(await told()) >= len(files)

    await until(there, WITHIN)
    return account, (await told())[-len(files) :]


def named(name: str) -> dict[str, Any]:
    from telethon.tl.types import DocumentAttributeFilename

    mime = "image/svg+xml" if name.endswith(".svg") else "text/html" if name.endswith(".html") else None
    return {"attributes": [DocumentAttributeFilename(name)], **({"mime_type": mime} if mime else {})}


async def fetch(context: Context, account: Account, media: dict[str, Any]) -> Reply:
    path = f"/api/v1/sessions/{account.session}/files/{media['fileId']}"
    return await context.ask("GET", path, token=account.user.access)


async def ranges(context: Context) -> Found:
    account, (media,) = await received(context, [(b"x" * 100_000, "a.bin")])
    caller = context.gateway.caller(account.user.access)
    path = f"/api/v1/sessions/{account.session}/files/{media['fileId']}"
    replies, medians = [], []
    try:
        await caller.ask("GET", path)
        for given in ("0-," * 10_000, "0-0," * 7_000, "-1," * 9_000, ",".join(f"{n}-{n}" for n in range(0, 5_000, 2))):
            took = []
            for _ in range(TRIES):
                began = time.perf_counter()
                replies.append(await caller.ask("GET", path, range="bytes=" + given.rstrip(",")))
                took.append((time.perf_counter() - began) * 1000)
            medians.append(statistics.median(took))
    finally:
        caller.close()
    slowest = max(medians)
    return together(statuses(replies, 416), that(slowest <= MOST_MS, f"{slowest:.1f} ms, the slowest kind of four"))


async def contents(context: Context) -> Found:
    bomb = b"\x1f\x8b\x08\x00" + b"\x00" * 1000
    polyglot = b"GIF89a/*" + b"<script>alert(1)</script>" + b"*/=1;"
    wide = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x06\x00\x00\x00" + b"\0" * 99
    )
    files = [(SVG, "me.svg"), (bomb, "a.tgs"), (polyglot, "a.html"), (wide, "wide.dat")]
    account, told = await received(context, files)
    replies = [await fetch(context, account, media) for media in told]
    kept = all(reply.body == data for reply, (data, _) in zip(replies, files, strict=True))
    attached = all((reply.header("content-disposition") or "").startswith("attachment") for reply in replies)
    quiet = all(
        reply.header("x-content-type-options") == "nosniff"
        and "sandbox" in (reply.header("content-security-policy") or "")
        for reply in replies
    )
    return together(
        statuses(replies, 200),
        that(kept, "byte for byte, nothing was unpacked"),
        that(attached, "attachments all"),
        that(quiet, "nosniff, a policy with a sandbox"),
    )


async def names(context: Context) -> Found:
    before = len(await context.sandbox.calls("upload.getFile"))
    account, told = await received(context, [(b"x" * 2_000, name) for name in NAMES])
    unasked = len(await context.sandbox.calls("upload.getFile")) - before
    replies = [await fetch(context, account, media) for media in told]
    heads = [reply.head.split(b"content-disposition: ", 1)[-1].split(b"\r\n", 1)[0] for reply in replies]
    clean = all(
        not any(odd in head for odd in (b"<", b">", b"\\", b"/", b"\n")) and head.count(b'"') == 2 and head.isascii()
        for head in heads
    )
    cookies = any(reply.header("set-cookie") for reply in replies)
    return together(
        statuses(replies, 200),
        that(unasked == 0, "nothing was fetched before it was asked for"),
        that(clean and not cookies, "names told in one header each, escaped"),
        that(len({media["fileName"] for media in told}) == len(NAMES), "in JSON they stand as they are"),
    )


CASES = (
    Case("I08", "a Range header with 10,000 ranges", ranges),
    Case("I09", "SVG with a script, a bomb, a polyglot, a picture of 60,000 × 60,000", contents),
    Case("D08", "files with names that are markup, paths and headers", names),
)
