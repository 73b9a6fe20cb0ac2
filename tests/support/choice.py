"""The database that TELEFLOW_TEST_DATABASE chooses, and the tests that are not about it.

What is about some databases by its nature says so, `@pytest.mark.database("sqlite")`: under another it is left out
before anything runs, and counted. That is no skip: nothing could be brought that would let it run.
"""

from __future__ import annotations

import os

import pytest

VARIABLE = "TELEFLOW_TEST_DATABASE"
KINDS = ("sqlite", "postgresql", "mongodb", "mongodb-alone")
_MARKER = "database"


def chosen() -> str:
    kind = os.environ.get(VARIABLE, "sqlite")
    if kind not in KINDS:
        raise RuntimeError(f"{VARIABLE} is one of {', '.join(KINDS)}")
    return kind


def sort_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """Takes what is not about this database out of the list, and returns it."""
    out = [item for item in items if not _about(item, chosen())]
    if out:
        left = set(out)
        items[:] = [item for item in items if item not in left]
    return out


def _about(item: pytest.Item, kind: str) -> bool:
    marker = item.get_closest_marker(_MARKER)
    return marker is None or kind in marker.args
