"""Forms with files, read as they come: a file goes to its place piece by piece and is never held.

Promises: bounded in every number: parts, headers, bytes of fields, of each file, of all; each wait for the caller's
bytes has an end; what is no form is refused (RFC 7578, RFC 2046).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from teleflow.errors import Invalid, Malformed

MOST_PARTS = 64
MOST_FIELD_BYTES = 256 * 1024
SILENT_S = 30.0
WITHIN_S = 3600.0
_MOST_NAME = 60


class Sink(Protocol):
    """Where a file goes."""

    async def add(self, piece: bytes) -> None: ...

    async def done(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FileHead:
    """What the caller says of a file."""

    field: str
    name: str
    mime_type: str


Place = Callable[[FileHead], AbstractAsyncContextManager[Sink]]


async def read_parts(content_type: bytes, receive: Receive, place: Place) -> dict[str, str]:
    """The fields of a form; each of its files goes to what `place` gives for it.

    Raises Malformed, Invalid(REQUEST_TIMEOUT, PAYLOAD_TOO_LARGE), and what `place` and its sinks raise.
    """
    fields: dict[str, str] = {}
    seen: set[str] = set()
    left = MOST_FIELD_BYTES
    try:
        async with asyncio.timeout(WITHIN_S):
            async for part in _parts(content_type, receive):
                if len(seen) >= MOST_PARTS:
                    raise Malformed("The form has too many parts")
                if part.head.field in seen:
                    raise Malformed(f"{part.head.field} is in the form twice")
                seen.add(part.head.field)
                if part.is_file:
                    async with place(part.head) as sink:
                        async for piece in part.pieces():
                            await sink.add(piece)
                        await sink.done()
                    continue
                value = bytearray()
                async for piece in part.pieces():
                    value += piece
                    if len(value) > left:
                        raise Invalid("The fields of the form are too large", code="PAYLOAD_TOO_LARGE")
                left -= len(value)
                fields[part.head.field] = _text(value)
    except TimeoutError:
        raise Invalid("The body did not come in time", code="REQUEST_TIMEOUT") from None
    return fields


class _Part:
    """One part; its pieces have to be taken before the next."""

    def __init__(self, head: FileHead, *, is_file: bool, reader: _Reader) -> None:
        self.head = head
        self.is_file = is_file
        self._reader = reader

    async def pieces(self) -> AsyncIterator[bytes]:
        while (piece := await self._reader.piece()) is not None:
            yield piece


class _Reader:
    """The parser's events, in order, and the bytes that make them."""

    def __init__(self, boundary: bytes, receive: Receive) -> None:
        self._receive = receive
        self._events: list[tuple[str, bytes]] = []
        self._at = 0
        self._over = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": lambda: self._add("begin"),
                "on_header_field": lambda data, start, end: self._add("name", data[start:end]),
                "on_header_value": lambda data, start, end: self._add("value", data[start:end]),
                "on_header_end": lambda: self._add("header"),
                "on_headers_finished": lambda: self._add("head"),
                "on_part_data": lambda data, start, end: self._add("data", data[start:end]),
                "on_part_end": lambda: self._add("end"),
                "on_end": lambda: self._add("over"),
            },
        )

    def _add(self, kind: str, data: bytes = b"") -> None:
        self._events.append((kind, data))

    async def next(self) -> tuple[str, bytes]:
        """The next event. Raises Malformed, TimeoutError."""
        while self._at >= len(self._events):
            self._events.clear()
            self._at = 0
            await self._read()
        event = self._events[self._at]
        self._at += 1
        return event

    async def _read(self) -> None:
        if self._over:
            raise Malformed("The form ends before its end")
        async with asyncio.timeout(SILENT_S):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The caller went away")
        self._over = not message.get("more_body")
        try:
            self._parser.write(message.get("body", b""))
        except FormParserError as error:
            raise Malformed("The body is no readable form") from error

    async def piece(self) -> bytes | None:
        """Bytes of the part that is being read; None at its end."""
        kind, data = await self.next()
        return data if kind == "data" else None


async def _parts(content_type: bytes, receive: Receive) -> AsyncIterator[_Part]:
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:  # RFC 2046 §5.1.1
        raise Malformed("The form says no boundary")
    reader = _Reader(boundary, receive)
    while True:
        kind, _ = await reader.next()
        if kind == "over":
            return
        if kind != "begin":
            raise Malformed("The body is no readable form")
        yield await _head(reader)


async def _head(reader: _Reader) -> _Part:
    headers: dict[bytes, bytes] = {}
    name, value = b"", b""
    while True:
        kind, data = await reader.next()
        match kind:
            case "name":
                name += data
            case "value":
                value += data
            case "header":
                headers[name.lower()] = value
                name, value = b"", b""
            case "head":
                break
            case _:
                raise Malformed("The body is no readable form")
    disposition, options = parse_options_header(headers.get(b"content-disposition", b""))
    field = _text(options.get(b"name", b""))
    if disposition != b"form-data" or not 0 < len(field) <= _MOST_NAME or not field.isprintable():
        raise Malformed("A part of the form has no name")
    if b"content-transfer-encoding" in headers and headers[b"content-transfer-encoding"].lower() not in {
        b"binary",
        b"8bit",
        b"7bit",
    }:
        raise Malformed("Parts of a form are sent as they are (RFC 7578 §4.7)")
    file_name = options.get(b"filename")
    mime = headers.get(b"content-type", b"").decode("latin-1")
    head = FileHead(field, _text(file_name or b"", strict=False), mime)
    return _Part(head, is_file=file_name is not None, reader=reader)


def _text(raw: bytes | bytearray, *, strict: bool = True) -> str:
    try:
        return bytes(raw).decode("utf-8", "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise Malformed("The form is not valid UTF-8") from error
