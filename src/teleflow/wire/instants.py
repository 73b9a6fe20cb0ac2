"""Instants as our JSON tells and takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from teleflow.errors import Invalid


def iso(milliseconds: int) -> str:
    """Unix milliseconds as ISO 8601 in UTC: ``2026-06-29T20:30:09.222Z``."""
    whole, part = divmod(milliseconds, 1000)
    return f"{_to_the_second(whole)}.{part:03}Z"


@lru_cache(maxsize=1024)
def _to_the_second(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_iso(text: str, *, field: str) -> int:
    """Unix milliseconds of an instant in ISO 8601 that says its zone. Raises Invalid."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None and instant.year >= 1970:
            return int(instant.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise Invalid(
        f"{field}: an instant is written like 2026-06-29T20:30:09Z",
        details={"fields": [{"field": field, "message": "must be an instant in ISO 8601 with its zone"}]},
    )
