"""What a proof or a bench found out: rows of a table, each with its bound and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofs.lag import Lag

LOOP_LATE_MS = 50.0


@dataclass(frozen=True, slots=True)
class Row:
    """`holds` is None for a figure that is reported and has no bound."""

    what: str
    bound: str
    measured: str
    holds: bool | None

    @property
    def told(self) -> str:
        return f"{self.what}: {self.bound}, measured {self.measured}"


@dataclass(slots=True)
class Outcome:
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Whole sentences, printed below the table, however long they are."""

    def fact(self, what: str, measured: object) -> None:
        self.rows.append(Row(what, "", str(measured), None))

    def at_most(self, what: str, bound: float, measured: float, unit: str = "") -> None:
        self._limit(what, "≤", bound, measured, unit, holds=measured <= bound)

    def at_least(self, what: str, bound: float, measured: float, unit: str = "") -> None:
        self._limit(what, "≥", bound, measured, unit, holds=measured >= bound)

    def exactly(self, what: str, bound: int, measured: int) -> None:
        self.rows.append(Row(what, f"= {bound}", str(measured), measured == bound))

    def loop(self, lag: Lag) -> None:
        """The bound of every proof on the event loop. What others on the machine did to it is told beside it."""
        self.at_most("event loop late by its own doing, p99", LOOP_LATE_MS, lag.quantile_ms(0.99), "ms")
        everything = (lag.quantile_ms(0.99, own=False), lag.quantile_ms(1.0, own=False))
        self.fact("event loop late with waits for a core: p99, max", "{:.3g} ms, {:.3g} ms".format(*everything))

    def _limit(self, what: str, sign: str, bound: float, measured: float, unit: str, *, holds: bool) -> None:
        self.rows.append(
            Row(what, f"{sign} {_short(bound)} {unit}".strip(), f"{_short(measured)} {unit}".strip(), holds)
        )

    @property
    def holds(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> list[Row]:
        return [row for row in self.rows if row.holds is False]

    @property
    def is_only_a_figure_out(self) -> bool:
        """Whether all that is broken are limits: what a busy machine can do, and what no count is excused by."""
        return bool(self.broken) and all(row.bound.startswith(("≤", "≥")) for row in self.broken)

    @property
    def told(self) -> str:
        return "; ".join(row.told for row in self.broken)


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.3g}"
