"""An event as everybody is sent it, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from teleflow.wire.instants import iso

_encode = msgspec.json.Encoder().encode
# U+2028, U+2029 and U+0085, which JSON leaves as they are.
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def event_body(id_: str, type_: str, session_id: str | None, at: int, data: Mapping[str, Any]) -> bytes:
    """`at` in Unix milliseconds. Whatever some reader takes for the end of a line is JSON's own escape."""
    body = _encode({"id": id_, "type": type_, "sessionId": session_id, "timestamp": iso(at), "data": data})
    for raw, escaped in _LINE_ENDS:
        if raw in body:
            body = body.replace(raw, escaped)
    return body
