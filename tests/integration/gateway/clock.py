"""The machine's clock, some seconds ahead."""

from __future__ import annotations

from teleflow.kit.clock import SystemClock


class Ahead(SystemClock):
    """`by` is the test's to set; sleeping is real."""

    def __init__(self) -> None:
        self.by = 0.0

    def time(self) -> float:
        return super().time() + self.by

    def monotonic(self) -> float:
        return super().monotonic() + self.by
