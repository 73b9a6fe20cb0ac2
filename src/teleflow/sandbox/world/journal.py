"""What has changed since the last save. The world touches records here; `store` writes them.

Touching costs one dictionary entry; without a state directory it costs a comparison.
"""

from __future__ import annotations

from typing import Any, Literal

Kind = Literal[
    "person",
    "authorization",
    "attempt",
    "pending",
    "message",
    "dialog",
    "box",
    "entry",
    "committed",
    "chat",
    "member",
    "invite",
    "scheduled",
    "file",
    "file_settings",
    "poll",
    "topic",
    "admin_event",
]


class Journal:
    """Records by (kind, key), the newest state wins; None means gone."""

    def __init__(self) -> None:
        self.enabled = False
        self._changed: dict[tuple[Kind, str], Any] = {}

    def __len__(self) -> int:
        return len(self._changed)

    def touch(self, kind: Kind, key: int | str, record: Any) -> None:
        if self.enabled:
            self._changed[kind, str(key)] = record

    def gone(self, kind: Kind, key: int | str) -> None:
        if self.enabled:
            self._changed[kind, str(key)] = None

    def take(self) -> dict[tuple[Kind, str], Any]:
        """Everything touched so far, and start anew."""
        taken, self._changed = self._changed, {}
        return taken

    def put_back(self, taken: dict[tuple[Kind, str], Any]) -> None:
        """A save failed: keep what it held, but newer changes win."""
        self._changed = taken | self._changed
