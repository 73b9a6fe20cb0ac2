"""Attacks on forms with a file: the import of a Telethon `.session` file, and messages with one."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from proofs.attacks.case import Case, Context, Found, statuses, that, together
from proofs.wire import Reply, until

MEDIA = "/api/v1/messages/media"
IMPORT = "/api/v1/sessions/import"
TYPE = "multipart/form-data; boundary=bb"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    head = f'--bb\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def bodies(folder: Path) -> dict[str, bytes]:
    name, end = part("name", b"up"), b"--bb--\r\n"
    database = folder / "other.session"
    with sqlite3.connect(database) as made:
        made.execute("CREATE TABLE IF NOT EXISTS sessions (dc_id, server_address, port, auth_key, takeout_id)")
        made.execute("INSERT INTO sessions VALUES (2, 'http://127.0.0.1', 'x', x'00', NULL)")
    made.close()
    small = database.read_bytes()
    return {
        "a path as its name": name + part("file", b"nothing", "../../x") + end,
        "a script": name + part("file", b"<?php evil();", "a.php") + end,
        "another database": name + part("file", small, "a.session") + end,
        "half a database": name + part("file", small[:300], "a.session") + end,
        "a database of zeros": name + part("file", b"SQLite format 3\0" + b"\0" * 8000, "a.session") + end,
        "10,000 parts": name + part("x", b"y") * 10_000 + end,
        "1,000 files": name + part("file", b"y", "f") * 1_000 + end,
        "a field of 900 kB": part("name", b"n" * 900_000) + part("file", b"y", "f") + end,
        "no end": name + part("file", b"y" * 1000, "f"),
        "no boundary in it": b"x" * 1000,
        "nothing": b"",
        "no file": name + end,
        "a head of 100 kB": b"--bb\r\nx-y: " + b"z" * 100_000 + b"\r\n\r\nq\r\n" + end,
        "the name twice": name + name + part("file", b"y", "f") + end,
    }


async def forms(context: Context) -> Found:
    user = await context.user()
    replies: list[Reply] = []
    slowest = 0.0
    for raw in bodies(context.folder).values():
        began = time.monotonic()
        replies.append(await context.ask("POST", IMPORT, raw=raw, token=user.access, content_type=TYPE))
        slowest = max(slowest, time.monotonic() - began)
    small = part("name", b"up") + part("file", b"y", "f") + b"--bb--\r\n"
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "b" * 5000, "multipart/mixed"):
        reply = await context.ask("POST", IMPORT, raw=small, token=user.access, content_type=content_type)
        replies.append(reply)
    large: list[Reply] = []
    with suppress(ConnectionError):  # it may be cut off while it is still being sent
        raw = part("field", b"n" * 20_000_000) + b"--bb--\r\n"
        large.append(await context.ask("POST", IMPORT, raw=raw, token=user.access, content_type=TYPE))
    simple = [
        await context.ask("POST", "/auth/login", raw=raw, content_type=TYPE)
        for raw in (small, part("username", b"x") * 10_000, b"x" * 1000, part("username", b"n" * 100_000))
    ]
    stray = [path for path in context.folder.rglob("x") if path.is_file()] + list(context.folder.parent.glob("x"))
    left = await context.data("GET", "/api/v1/sessions", token=user.access)
    return together(
        statuses(replies, 400, 413, 415, 422),
        that(all(one.status == 413 for one in large), "20 MB: cut off"),
        statuses(simple, 400, 413, 422),
        that(not stray and not left, "nothing written, nothing kept"),
        that(slowest < 2, f"{slowest * 1000:.0f} ms at most"),
    )


async def media(context: Context) -> Found:
    """Of forms that are wrong nothing is sent, written elsewhere, or kept; nobody waits for them meanwhile."""
    account = await context.account("media forms")
    token = account.user.access
    to = part("sessionId", account.session.encode()) + part("chatId", b"me") + part("type", b"document")
    file, end = part("file", b"y" * 100, "f"), b"--bb--\r\n"
    wrong = [
        to + part("x", b"y") * 10_000 + file + end,
        to + part("file", b"y", "f") * 1_000 + end,
        to + part("caption", b"n" * 900_000) + file + end,
        to + part("file", b"y" * 1000, "f"),
        to + file.replace(b"form-data", b"attachment") + end,
        to + file.replace(b"\r\n\r\n", b"\r\ncontent-transfer-encoding: base64\r\n\r\n", 1) + end,
        to + to + file + end,
        to + file + part("entities", b"[" * 100_000) + end,
        b"x" * 1000,
    ]
    replies, slowest = [], 0.0
    for raw in wrong:
        began = time.monotonic()
        replies.append(await context.ask("POST", MEDIA, raw=raw, token=token, content_type=TYPE))
        slowest = max(slowest, time.monotonic() - began)
    replies += [
        await context.ask("POST", MEDIA, raw=to + file + end, token=token, content_type=content_type)
        for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "b" * 5000, "multipart/mixed")
    ]
    large: list[Reply] = []
    with suppress(ConnectionError):
        raw = to + part("caption", b"n" * 50_000_000) + end
        large.append(await context.ask("POST", MEDIA, raw=raw, token=token, content_type=TYPE))
    named = to + part("file", b"y", "../../../x/../stray.php") + end
    sent = await context.ask("POST", MEDIA, raw=named, token=token, content_type=TYPE)
    history = await context.data(
        "GET", f"/api/v1/messages/history?sessionId={account.session}&chatId=me&limit=5", token=token
    )
    stray = list(context.folder.rglob("*stray*")) + list(context.folder.parent.glob("*stray*"))

    async def empty() -> bool:
        return not list(context.folder.glob("gateway/**/spool/*"))

    with suppress(TimeoutError):  # files go when the outcome is on disk, which is after the answer
        await until(empty, within=5)
    kept = not await empty()
    return together(
        statuses(replies, 400, 413, 415, 422),
        that(all(one.status == 413 for one in large), "50 MB in a field: cut off"),
        that(sent.status == 201 and history[0]["media"]["fileName"] == "stray.php", "a path: its last part"),
        that(len(history) == 1 and not stray and not kept, "nothing else sent, written or kept"),
        that(slowest < 2, f"{slowest * 1000:.0f} ms at most"),
    )


CASES = (Case("I07", "forms with a file", forms), Case("I07", "messages with a file", media))
