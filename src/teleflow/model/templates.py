"""Texts with places for what differs: ``Hello {{name}}, or {{nick|friend}}``.

A place is read before the markup is, and filled after it: a value is text and nothing else, whatever signs it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from teleflow.errors import Invalid
from teleflow.model.entities import Entity, units
from teleflow.model.formatting import ParseMode, formatted
from teleflow.model.messages import check_text

MOST_PLACES = 64
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(?:\|([^{}|]{0,200}))?\}\}")
_PRIVATE = range(0xE000, 0xF8FF)  # signs without a meaning: they stand for places while the markup is read


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    otherwise: str | None


class Template:
    """A text that is read once and filled for many."""

    def __init__(self, text: str, parse_mode: ParseMode | None, *, may_be_empty: bool = False) -> None:
        """Raises Invalid for markup that makes no sense, or too many places."""
        self._may_be_empty = may_be_empty
        signs = (chr(number) for number in _PRIVATE if chr(number) not in text)
        by_place: dict[_Place, str] = {}

        def mark(match: re.Match[str]) -> str:
            otherwise = match.group(2)
            place = _Place(match.group(1), None if otherwise is None else otherwise.strip())
            if place not in by_place and len(by_place) == MOST_PLACES:
                raise Invalid(f"A text has at most {MOST_PLACES} variables", details={"field": "text"})
            if place not in by_place:
                by_place[place] = next(signs)
            return by_place[place]

        shown, self._entities = formatted(_PLACE.sub(mark, text), parse_mode, ())
        self._places = {sign: place for place, sign in by_place.items()}
        self._pieces = re.split(f"([{''.join(self._places)}])", shown) if self._places else [shown]

    @property
    def names(self) -> frozenset[str]:
        """The variables without which it can't be filled."""
        return frozenset(place.name for place in self._places.values() if place.otherwise is None)

    def fill(self, variables: Mapping[str, str]) -> tuple[str, tuple[Entity, ...]]:
        """The text for one recipient. Raises Invalid: VARIABLE_MISSING, MESSAGE_TOO_LONG, MESSAGE_EMPTY …"""
        values = {sign: self._value(place, variables) for sign, place in self._places.items()}
        moves: list[tuple[int, int]] = []  # offset behind a place in the template, how much longer it became
        parts, at = [], 0
        for piece in self._pieces:
            value = values.get(piece)
            parts.append(piece if value is None else value)
            at += units(piece)
            if value is not None:
                moves.append((at, units(value) - 1))
        moved = (_moved(one, moves, values) for one in self._entities)
        filled = "".join(parts)
        if self._may_be_empty and not filled.strip():
            return "", ()
        text, entities = formatted(check_text(filled), None, [one for one in moved if one.length > 0])
        return check_text(text), entities

    def _value(self, place: _Place, variables: Mapping[str, str]) -> str:
        value = variables.get(place.name, place.otherwise)
        if value is None:
            raise Invalid(
                f"The variable {place.name} is missing",
                code="VARIABLE_MISSING",
                details={"field": "variables", "variable": place.name},
            )
        return value


def _moved(one: Entity, moves: list[tuple[int, int]], values: Mapping[str, str]) -> Entity:
    end = one.offset + one.length
    start_by = sum(by for behind, by in moves if behind <= one.offset)
    end_by = sum(by for behind, by in moves if behind <= end)
    url = one.url
    if url is not None:
        for sign, value in values.items():
            url = url.replace(sign, quote(value, safe="")).replace(quote(sign), quote(value, safe=""))
    return replace(one, offset=one.offset + start_by, length=one.length + end_by - start_by, url=url)
