"""Which fields of a record are told, and under which names. Long lists are told by this: it asks for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

Named = Sequence[tuple[str, str]]  # the record's name for it, and the wire's


class Telling:
    """A field that says nothing (None, or a flag that is not set) is left out."""

    def __init__(self, plain: Named, ids: Named) -> None:
        """`plain` are told as they are; `ids` as text. There are two or more of each."""
        self._plain = tuple(wire for _, wire in plain)
        self._plain_of = attrgetter(*(name for name, _ in plain))
        self._ids = tuple(wire for _, wire in ids)
        self._ids_of = attrgetter(*(name for name, _ in ids))

    def add(self, told: dict[str, Any], record: object) -> None:
        # Nearly all of a record's fields say nothing, so nothing is made for those.
        for wire, held in zip(self._plain, self._plain_of(record)):  # noqa: B905 - checked once, not each time
            if held is not None and held is not False:
                told[wire] = held  # noqa: PERF403 - a dict in between costs more than it saves
        for wire, held in zip(self._ids, self._ids_of(record)):  # noqa: B905
            if held is not None:
                told[wire] = str(held)
