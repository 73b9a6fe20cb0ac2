"""Instants as our JSON tells them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(milliseconds: int) -> str:
    """Unix milliseconds as ISO 8601 in UTC: ``2026-06-29T20:30:09.222Z``."""
    instant = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
