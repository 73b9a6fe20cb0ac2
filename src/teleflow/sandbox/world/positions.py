"""From a client's position to what it has missed. Pure: reads a box, changes nothing."""

from __future__ import annotations

import bisect
from typing import NamedTuple

from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.records import Entry

SLICE = 100


class Missed(NamedTuple):
    """Entries after a position. `more`: a slice, ask again from `pts`. `too_long`: cannot be told."""

    entries: list[Entry]
    pts: int
    more: bool = False
    too_long: bool = False


def missed(box: Box, pts: int, *, limit: int = SLICE, total_limit: int | None = None) -> Missed:
    """What happened after `pts`, at most `limit` entries of it."""
    current = box.state.pts
    if pts >= current:
        return Missed([], current)
    if pts < box.state.floor or (total_limit is not None and current - pts > total_limit):
        return Missed([], current, too_long=True)
    start = bisect.bisect_right(box.log, pts, key=lambda entry: entry.pts)
    entries = box.log[start : start + limit]
    if start + limit < len(box.log):
        return Missed(entries, entries[-1].pts, more=True)
    return Missed(entries, current)
