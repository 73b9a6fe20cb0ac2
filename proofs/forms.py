"""A form with a file, sent from disk as it is read."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofs.wire import Reply

_PIECE = 1 << 20
_WITHIN = 60.0


async def post_form(
    port: int,
    path: str,
    token: str,
    fields: Mapping[str, str],
    files: Mapping[str, tuple[str, str, bytes | Path]],
    **headers: str,
) -> Reply:
    """`files`: name, type and bytes (or where they are) of each part. Raises OSError."""
    boundary = secrets.token_hex(12)
    parts: list[bytes | Path] = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts.append(head.encode() + value.encode() + b"\r\n")
    for field, (name, mime, data) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        parts += [f"{head}Content-Type: {mime}\r\n\r\n".encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    length = sum(part.stat().st_size if isinstance(part, Path) else len(part) for part in parts)
    said = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {token}",
        "content-type": f"multipart/form-data; boundary={boundary}",
        "content-length": str(length),
        "connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 << 20)
    try:
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        for part in parts:
            await _write(writer, part)
        return await _answer(reader)
    finally:
        writer.close()


async def _write(writer: asyncio.StreamWriter, part: bytes | Path) -> None:
    if isinstance(part, bytes):
        writer.write(part)
        await asyncio.wait_for(writer.drain(), _WITHIN)
        return
    with part.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), _WITHIN)


async def _answer(reader: asyncio.StreamReader) -> Reply:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _WITHIN)
    body: Any = await asyncio.wait_for(reader.read(), _WITHIN)
    return Reply(int(head[9:12]), head[:-4], body)
