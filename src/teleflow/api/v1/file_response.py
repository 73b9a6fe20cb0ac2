"""A file as an answer: its headers, the part of it that is wanted, and its bytes as they come.

Promises: names and types that others chose can do nothing here: what is not a picture, a sound or a video that every
browser knows is an attachment, nothing is guessed by its bytes (nosniff) and nothing in it may run or load (a content
policy with a sandbox). The first bytes are there before the status is told. A reader who goes away ends the download;
one who takes nothing holds no more than a few pieces.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from teleflow.api import facts
from teleflow.api.ranges import MOST_RANGES, NotSatisfiable, Span, spans_of, wanted
from teleflow.errors import Invalid, TeleFlowError
from teleflow.kit.tasks import Tasks
from teleflow.services.files import OpenFile, Told

_log = structlog.get_logger(__name__)
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
INLINE = frozenset(
    {
        *(f"image/{one}" for one in ("jpeg", "png", "gif", "webp", "avif")),
        *(f"video/{one}" for one in ("mp4", "webm", "quicktime", "ogg")),
        *(f"audio/{one}" for one in ("mpeg", "mp4", "ogg", "aac", "wav", "x-wav", "flac", "webm", "opus")),
    }
)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff/\\]")
_UNQUOTED = re.compile(r"[^ !#$&+\-.0-9A-Z^_a-z`{}~()\[\]@,=]")
_SEND_S = 90.0  # above the server's own limit for a reader who takes nothing


async def answer(request: Request, opened: OpenFile) -> Response:
    """What this request is answered.

    Raises what the first bytes raise, and Invalid: RANGE_NOT_SATISFIABLE, PRECONDITION_FAILED.
    """
    told, asked, known = opened.told, dict(request.scope["headers"]), facts.of(request.scope)
    etag = f'"{told.etag}"'
    status, range_ = wanted(asked, told.etag)
    if status == 412:
        raise Invalid("The file is not the one that If-Match names", code="PRECONDITION_FAILED")
    if status == 304:
        return Response(status_code=304, headers={"etag": etag, "cache-control": "private, no-cache"})
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-security-policy": POLICY,
        "cross-origin-resource-policy": "same-site",
        "content-disposition": disposition(told),
        "content-type": type_of(told.mime_type),
    }
    size = await opened.load()
    try:
        spans = spans_of(range_, size)
    except NotSatisfiable:
        known.told.append((b"content-range", b"bytes */%d" % size))
        message = f"The file has {size} bytes, and of these at most {MOST_RANGES} ranges that do not overlap are given"
        raise Invalid(message, code="RANGE_NOT_SATISFIABLE") from None
    body_less = known.method == "HEAD"
    if spans is None:
        whole = [Span(0, size - 1)] if size else []
        return await _begun(200, headers, size, [] if body_less else [(b"", one) for one in whole], opened, b"")
    if len(spans) == 1:
        headers["content-range"] = f"bytes {spans[0].first}-{spans[0].last}/{size}"
        parts = [] if body_less else [(b"", spans[0])]
        return await _begun(206, headers, spans[0].length, parts, opened, b"")
    boundary = secrets.token_hex(12)
    heads = [_part_head(boundary, headers["content-type"], one, size) for one in spans]
    tail = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(one.length for one in spans) + len(tail)
    headers["content-type"] = f"multipart/byteranges; boundary={boundary}"
    parts = [] if body_less else list(zip(heads, spans, strict=True))
    return await _begun(206, headers, length, parts, opened, tail)


def _part_head(boundary: str, type_: str, span: Span, size: int) -> bytes:
    return (
        f"\r\n--{boundary}\r\ncontent-type: {type_}\r\ncontent-range: bytes {span.first}-{span.last}/{size}\r\n\r\n"
    ).encode()


def type_of(mime_type: str) -> str:
    """The type as it is told: what is no type at all is none that anybody knows."""
    lowered = mime_type.strip().lower()
    return lowered if _TYPE.fullmatch(lowered) else "application/octet-stream"


def disposition(told: Told) -> str:
    """Whether it may be shown, and its name (RFC 6266, RFC 8187), without what could make it look like another."""
    how = "inline" if type_of(told.mime_type) in INLINE else "attachment"
    name = _UNSHOWN.sub("_", told.name).strip(" .") or "file"
    plain = _UNQUOTED.sub("_", name)
    exact = quote(name, safe="!#$&+-.^_`|~")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


async def _begun(
    status: int,
    headers: dict[str, str],
    length: int,
    parts: list[tuple[bytes, Span]],
    opened: OpenFile,
    tail: bytes,
) -> Response:
    """The answer, whose first bytes have come. Without parts only its head is told (HEAD, and what is empty)."""
    body = _body(parts, opened, tail)
    try:
        first = await anext(body, b"")
    except BaseException:
        await body.aclose()
        raise
    return FileResponse(status, headers | {"content-length": str(length)}, first, body)


async def _body(parts: list[tuple[bytes, Span]], opened: OpenFile, tail: bytes) -> AsyncGenerator[bytes, None]:
    for head, span in parts:
        if head:
            yield head
        async with aclosing(opened.read(span.first, span.last)) as coming:
            async for piece in coming:
                yield piece
    if parts and tail:
        yield tail


class FileResponse(Response):
    """Bytes as they come."""

    def __init__(self, status: int, headers: dict[str, str], first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        self.status_code = status
        self.background = None
        self.body = b""
        self.raw_headers = Headers(headers).raw
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        tasks = Tasks("file")
        gone = tasks.start(_gone(receive), "file.reader")
        telling = tasks.start(self._tell(send), "file.tell")
        try:
            await asyncio.wait([gone, telling], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close(timeout=5)
            await self._rest.aclose()

    async def _tell(self, send: Send) -> None:
        """An answer that breaks off is left without its end: its length was told, so its reader sees that."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._put(send, self._first)
        self._first = b""
        try:
            async for piece in self._rest:
                await self._put(send, piece)
        except TeleFlowError as error:
            _log.warning("file.broken_off", code=error.code)
        except TimeoutError:
            _log.info("file.reader_too_slow")
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _put(self, send: Send, body: bytes) -> None:
        async with asyncio.timeout(_SEND_S):
            await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
