"""What RFC 9110 (§13, §14) says of twenty requests for a file of `size` bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RangeCase:
    """`headers` by name, in which ETAG stands for the file's; `span` is what comes, both ends included."""

    what: str
    headers: dict[str, str]
    status: int
    span: tuple[int, int] | None


def cases(size: int) -> tuple[RangeCase, ...]:
    """`size` is more than 1,300,000."""
    last = size - 1
    too_many = "bytes=" + ",".join(f"{number}0-{number}1" for number in range(1, 10))
    told = (
        ("first bytes", {"range": "bytes=0-99"}, 206, (0, 99)),
        ("one byte", {"range": "bytes=0-0"}, 206, (0, 0)),
        ("over a piece's border", {"range": "bytes=524287-524288"}, 206, (524287, 524288)),
        ("the middle", {"range": "bytes=700001-1200002"}, 206, (700001, 1200002)),
        ("open end", {"range": f"bytes={size - 10}-"}, 206, (size - 10, last)),
        ("suffix", {"range": "bytes=-10"}, 206, (size - 10, last)),
        ("suffix longer than the file", {"range": f"bytes=-{size * 2}"}, 206, (0, last)),
        ("end past the end", {"range": f"bytes={size - 10}-9999999999"}, 206, (size - 10, last)),
        ("all of it as a range", {"range": f"bytes=0-{last}"}, 206, (0, last)),
        ("spaces and case", {"range": "Bytes= 5-9 "}, 206, (5, 9)),
        ("start past the end", {"range": f"bytes={size}-"}, 416, None),
        ("suffix of nothing", {"range": "bytes=-0"}, 416, None),
        ("ranges that overlap", {"range": "bytes=0-100,50-150"}, 416, None),
        ("more than eight ranges", {"range": too_many}, 416, None),
        ("backwards is no range", {"range": "bytes=9-5"}, 200, (0, last)),
        ("another unit", {"range": "lines=1-2"}, 200, (0, last)),
        ("If-Range holds", {"range": "bytes=1-2", "if-range": "ETAG"}, 206, (1, 2)),
        ("If-Range does not", {"range": "bytes=1-2", "if-range": '"another"'}, 200, (0, last)),
        ("If-None-Match has it", {"range": "bytes=1-2", "if-none-match": '"x", ETAG'}, 304, None),
        ("If-Match has another", {"if-match": '"another"'}, 412, None),
    )
    return tuple(RangeCase(*one) for one in told)
