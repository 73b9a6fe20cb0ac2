"""What a case is, and the table of them: a method that answers and has its effect, or one that is refused.

A case is declared beside the requests that it is about. It counts for a method only when the method was really
called and answered (or refused by that name) while it ran: declarations are not believed. Knows no method.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from proofs.methods.house import House, Someone

Refusal: TypeAlias = tuple[str, Someone, Any]
"""The error's name (with its code in front where that is not 400), who asks, what."""


class Wrong(Exception):
    """The sandbox did not do what a case expects."""


@dataclass(frozen=True, slots=True)
class Case:
    """`run` raises for a case that fails; `about` are the requests that must have been answered in it."""

    name: str
    about: tuple[Any, ...]
    run: Callable[[House], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Several refusals that share a situation: each that is yielded is a case of its own."""

    name: str
    run: Callable[[House], AsyncIterator[Refusal]]


CASES: list[Case] = []
REFUSALS: list[Refusals] = []


def case(*about: Any) -> Callable[[Callable[[House], Awaitable[None]]], Callable[[House], Awaitable[None]]]:
    """Declares a case in which each of these requests is answered and its effect is looked at."""

    def declare(run: Callable[[House], Awaitable[None]]) -> Callable[[House], Awaitable[None]]:
        CASES.append(Case(run.__name__, about, run))
        return run

    return declare


def refusals(run: Callable[[House], AsyncIterator[Refusal]]) -> Callable[[House], AsyncIterator[Refusal]]:
    """Declares a situation in which requests are refused."""
    REFUSALS.append(Refusals(run.__name__, run))
    return run


def same(found: Any, wanted: Any, what: str = "") -> None:
    """Raises Wrong unless both are equal."""
    if found != wanted:
        raise Wrong(f"{what or 'value'}: {found!r} where {wanted!r} is due")


def true(holds: Any, what: str) -> None:
    """Raises Wrong unless it holds."""
    if not holds:
        raise Wrong(what)
