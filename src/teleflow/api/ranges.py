"""Which part of something is wanted: Range, If-Range and the preconditions of RFC 9110 (§13, §14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

MOST_RANGES = 8
_MOST_CHARACTERS = 512  # eight ranges of numbers of twenty digits have room in that
_SPEC = re.compile(rb"(\d{0,19})-(\d{0,19})")
_TAGS = re.compile(rb'\s*(W/)?"([\x21\x23-\x7e]*)"\s*')


@dataclass(frozen=True, slots=True)
class Span:
    """Both ends included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class NotSatisfiable(Exception):
    """416: there is nothing at these places, or they are asked for in a way that is no good to anybody."""


def spans_of(header: bytes | None, size: int) -> list[Span] | None:
    """The spans that a Range header names; None: all of it, as without the header.

    Another unit than bytes and what is not well formed are as no header (RFC 9110 §14.2 lets us). More than
    `MOST_RANGES` ranges, and ranges that overlap, are not satisfiable: nobody in good faith asks so. Raises
    NotSatisfiable.
    """
    if header is None:
        return None
    unit, equals, text = header.partition(b"=")
    if unit.strip().lower() != b"bytes" or not equals:
        return None
    if len(text) > _MOST_CHARACTERS or text.count(b",") >= MOST_RANGES:
        raise NotSatisfiable
    found: list[Span] = []
    named = [part.strip() for part in text.split(b",")]
    named = [part for part in named if part]
    if not named:
        return None
    for part in named:
        match = _SPEC.fullmatch(part)
        if match is None or part == b"-" or (match[1] and match[2] and int(match[1]) > int(match[2])):
            return None
        span = _span(match[1], match[2], size)
        if span is not None:
            found.append(span)
    if not found:
        raise NotSatisfiable
    in_order = sorted(found, key=lambda one: one.first)
    if any(one.last >= after.first for one, after in pairwise(in_order)):
        raise NotSatisfiable
    return found


def _span(first: bytes, last: bytes, size: int) -> Span | None:
    """None where nothing is."""
    if not first:
        length = min(int(last), size)
        return Span(size - length, size - 1) if length else None
    start = int(first)
    if start >= size:
        return None
    return Span(start, min(int(last), size - 1) if last else size - 1)


def matches(header: bytes, etag: str, *, weakly: bool) -> bool:
    """Whether a list of entity tags, or `*`, names this one."""
    if header.strip() == b"*":
        return True
    found = (_TAGS.fullmatch(part) for part in header[:4096].split(b","))
    return any(one is not None and one[2] == etag.encode() and (weakly or one[1] is None) for one in found)


def wanted(headers: Mapping[bytes, bytes], etag: str) -> tuple[int, bytes | None]:
    """The status that the preconditions leave (200, 304 or 412), and the Range header that counts."""
    if (given := headers.get(b"if-match")) is not None and not matches(given, etag, weakly=False):
        return 412, None
    if (given := headers.get(b"if-none-match")) is not None and matches(given, etag, weakly=True):
        return 304, None
    range_ = headers.get(b"range")
    condition = headers.get(b"if-range")
    if condition is not None and condition.strip() != f'"{etag}"'.encode():
        range_ = None  # a date too: we tell none, so it is never that of now
    return 200, range_
