"""Filters and orders as MongoDB means them, for documents that wait for their commit.

Only what the units of work use: flat fields, the comparisons, `$in`, `$exists`, and the three joins. Anything else is
a mistake of the unit, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Doc = dict[str, Any]
Where = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]


def matches(doc: Mapping[str, Any], where: Where) -> bool:
    """Whether this document is one that the filter finds. Raises ValueError for a filter that is not understood."""
    return all(_condition(doc, name, wanted) for name, wanted in where.items())


def in_order(docs: Iterable[Doc], sort: Sort) -> list[Doc]:
    """The documents in the order that the server would give them."""
    ordered = list(docs)
    for name, direction in reversed(sort):
        ordered.sort(key=lambda doc: _rank(doc.get(name)), reverse=direction < 0)
    return ordered


def _condition(doc: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(matches(doc, one) for one in wanted)
    if name == "$or":
        return any(matches(doc, one) for one in wanted)
    if name == "$nor":
        return not any(matches(doc, one) for one in wanted)
    if name.startswith("$") or "." in name:
        raise ValueError(f"{name} is not understood in a unit of work")
    value = doc.get(name)
    if isinstance(wanted, Mapping):
        return all(_compared(doc, name, value, operator, bound) for operator, bound in wanted.items())
    return _equal(value, wanted)


def _compared(doc: Mapping[str, Any], name: str, value: Any, operator: str, bound: Any) -> bool:
    if operator == "$exists":
        return (name in doc) == bool(bound)
    test = _OPERATORS.get(operator)
    if test is None:
        raise ValueError(f"{operator} is not understood in a unit of work")
    return test(value, bound)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    return bool(value == wanted)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Values of different types are in no relation, and nothing is in one with null."""

    def compare(value: Any, bound: Any) -> bool:
        if value is None or bound is None:
            return False
        (kind, ranked), (of, limit) = _rank(value), _rank(bound)
        return kind == of and test(ranked, limit)

    return compare


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, bound: not _equal(value, bound),
    "$in": lambda value, bound: any(_equal(value, one) for one in bound),
    "$nin": lambda value, bound: not any(_equal(value, one) for one in bound),
    "$lt": _ordered(lambda value, bound: bool(value < bound)),
    "$lte": _ordered(lambda value, bound: bool(value <= bound)),
    "$gt": _ordered(lambda value, bound: bool(value > bound)),
    "$gte": _ordered(lambda value, bound: bool(value >= bound)),
}


def _rank(value: Any) -> tuple[int, Any]:
    """Null before numbers, numbers before texts, texts before bytes: MongoDB's order of types."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 4, value
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return 3, (len(value), value)
    raise ValueError(f"{type(value).__name__} has no order in a unit of work")
