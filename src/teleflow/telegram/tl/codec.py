"""From JSON to TL, for whatever the layer knows; the other way is `shown`.

An object is ``{"_": "inputPeerUser", "userId"…}`` with the fields of the schema under the schema's own names
(``user_id``). int and double are numbers, long is a string of digits (a number within 2^53 is taken too), bytes, int128
and int256 are base64, dates Unix seconds, flags booleans. A field that is null or left out is not given. Where a peer
is wanted, a peer ref (``"@name"``, an id, ``"me"``) may stand instead of the object.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from telethon.tl import TLObject, TLRequest

from teleflow.errors import Invalid
from teleflow.telegram.tl import names
from teleflow.telegram.tl.fields import Field, Kind, fields_of

DEEPEST = 32
_DIGITS = re.compile(r"-?[0-9]{1,19}")
RANGE = {
    Kind.INT: (-(2**31), 2**32 - 1),
    Kind.UINT: (0, 2**32 - 1),
    Kind.LONG: (-(2**63), 2**63 - 1),
    Kind.DATE: (0, 2**31 - 1),
}
_EXACT = 2**53  # beyond it a number with a point says no longer which one is meant
_LONGEST = 2**24 - 1  # TL tells the length of strings and bytes in three bytes
_LENGTH = {Kind.INT128: 16, Kind.INT256: 32}
PEERS = frozenset({"InputPeer", "InputUser", "InputChannel", "InputDialogPeer"})
_ID = Field("", Kind.LONG)  # what a peer ref is that is a number

# Gives the TL object of a type in PEERS for a ref as it was written.
FindPeer = Callable[[str, str], TLObject]
Draw = Callable[[str], int]
"""From the path of a `random_id` that was left out to its value, 64 bits."""


@cache
def shape_of(kind: Any) -> tuple[frozenset[str], tuple[tuple[Field, ...], ...]]:
    """The keys that an object may have, and the fields that hang on one flag: all of those are given, or none is."""
    groups: dict[tuple[int, int], list[Field]] = {}
    for field in fields_of(kind):
        if field.bit is not None:
            groups.setdefault(field.bit, []).append(field)
    together = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    return frozenset({field.name for field in fields_of(kind)} | {"_"}), together


def _is_given(field: Field, values: Mapping[str, Any]) -> bool:
    return field.name in values and not (field.kind is Kind.FLAG and values[field.name] is False)


class _Reader:
    def __init__(self, peer: FindPeer, draw: Draw | None = None) -> None:
        self._peer = peer
        self._draw = draw

    def made(self, kind: Any, given: Mapping[str, Any], path: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise _unfit(path, f"at most {DEEPEST} objects in one another")
        fields = fields_of(kind)
        known, together = shape_of(kind)
        if unknown := given.keys() - known:
            raise _unfit(_join(path, min(unknown)), f"no field of {_name(kind)}; {_listed(fields)}")
        values: dict[str, Any] = {}
        for field in fields:
            held = given.get(field.name)
            where = _join(path, field.name)
            if held is None:
                if not (field.optional or field.is_drawn):
                    raise _unfit(where, f"is missing: {expected(field)}")
                if field.bit is None and field.optional:
                    values[field.name] = None  # a date that Telethon writes as 0
                if field.is_drawn and self._draw is not None:
                    values[field.name] = _drawn(self._draw, field, where, values)
                continue
            values[field.name] = self._field(field, held, where, depth)
        for group in together:
            there = sum(_is_given(field, values) for field in group)
            if 0 < there < len(group):
                listed = ", ".join(field.name for field in group)
                raise _unfit(_join(path, group[0].name), f"{listed} of {_name(kind)} are given together")
        return kind(**values)

    def _field(self, field: Field, held: Any, path: str, depth: int) -> Any:
        if not field.vector:
            return self._value(field, held, path, depth)
        if not isinstance(held, list):
            raise _unfit(path, f"must be {expected(field)}")
        return [self._value(field, one, f"{path}[{number}]", depth) for number, one in enumerate(held)]

    def _value(self, field: Field, held: Any, path: str, depth: int) -> Any:
        match field.kind:
            case Kind.OBJECT:
                return self._object(field, held, path, depth)
            case Kind.INT | Kind.UINT | Kind.LONG | Kind.DATE:
                number = _whole(field, held, path)
                return datetime.fromtimestamp(number, UTC) if field.kind is Kind.DATE else number
            case Kind.DOUBLE if isinstance(held, int | float) and not isinstance(held, bool):
                return _real(field, held, path)
            case Kind.STRING if isinstance(held, str):
                return _readable(held, path)
            case Kind.BYTES if isinstance(held, str):
                return _unpacked(held, path)
            case Kind.INT128 | Kind.INT256 if isinstance(held, str):
                raw = _unpacked(held, path)
                if len(raw) != _LENGTH[field.kind]:
                    raise _unfit(path, f"must be {_LENGTH[field.kind]} bytes")
                return int.from_bytes(raw, "little", signed=True)
            case Kind.BOOL | Kind.FLAG if isinstance(held, bool):
                return held
            case _:
                raise _unfit(path, f"must be {expected(field)}")

    def _object(self, field: Field, held: Any, path: str, depth: int) -> Any:
        wanted = PEERS.intersection(field.types)
        if wanted and isinstance(held, str):
            return self._peer(held, next(iter(wanted)))
        if wanted and isinstance(held, int | float):
            return self._peer(str(_whole(_ID, held, path)), next(iter(wanted)))
        if not isinstance(held, dict):
            raise _unfit(path, f"must be {expected(field)}")
        name = held.get("_")
        kind = names.constructors().get(name) if isinstance(name, str) else None
        if kind is None or (field.types and names.type_name(kind) not in field.types):
            raise _unfit(_join(path, "_"), f"must name a constructor of {' or '.join(field.types) or 'the layer'}")
        return self.made(kind, held, path, depth + 1)


def request_from(method: str, params: Mapping[str, Any], peer: FindPeer, draw: Draw | None = None) -> TLRequest:
    """Raises Invalid with the path and what is expected there. `method` must be one of `names.methods`.

    Where a `random_id` is left out, `draw` says it; without it Telethon draws one.
    """
    return _Reader(peer, draw).made(names.methods()[method], params, "", 0)


def object_from(given: Mapping[str, Any], peer: FindPeer) -> TLObject:
    """Of any type. Raises Invalid."""
    made: TLObject = _Reader(peer)._object(Field("", Kind.OBJECT), given, "", 0)  # noqa: SLF001 - the same module
    return made


def refs_in(method: str, params: Mapping[str, Any]) -> frozenset[str]:
    """The peer refs that stand in the parameters, as they are written. Raises Invalid as `request_from`."""
    found: set[str] = set()
    from telethon.tl.types import InputPeerEmpty

    def note(ref: str, _wanted: str) -> TLObject:
        found.add(ref)
        return InputPeerEmpty()

    request_from(method, params, note)
    return frozenset(found)


def expected(field: Field) -> str:
    """For people: what may stand there."""
    said = {
        Kind.INT: "a number of 32 bits",
        Kind.UINT: "a number of 32 bits, not below 0",
        Kind.LONG: "a string of digits (64 bits)",
        Kind.INT128: "16 bytes as base64",
        Kind.INT256: "32 bytes as base64",
        Kind.DOUBLE: "a number",
        Kind.STRING: "a string",
        Kind.BYTES: "a string of base64",
        Kind.BOOL: "true or false",
        Kind.FLAG: "true or false",
        Kind.DATE: "Unix seconds",
        Kind.OBJECT: "an object of " + (" or ".join(field.types) or "any type"),
    }[field.kind]
    if PEERS.intersection(field.types):
        said += ", or a peer ref"
    return f"a list of: {said}" if field.vector else said


def _drawn(draw: Draw, field: Field, path: str, values: Mapping[str, Any]) -> int | list[int]:
    if field.vector:  # messages.forwardMessages has one for each of its `id`
        return [draw(f"{path}[{place}]") for place in range(len(values["id"]))]
    number = draw(path)
    return number if field.kind is Kind.LONG else (number & 0x7FFFFFFF) or 1


def _whole(field: Field, held: Any, path: str) -> int:
    least, most = RANGE[field.kind]
    if isinstance(held, str) and field.kind is Kind.LONG and _DIGITS.fullmatch(held):
        held = int(held)
    if isinstance(held, float) and held.is_integer() and abs(held) <= _EXACT:
        held = int(held)  # JSON has one sort of number: 5.0 is 5
    if not isinstance(held, int) or isinstance(held, bool) or not least <= held <= most:
        raise _unfit(path, f"must be {expected(field)}")
    if field.kind is Kind.INT and held >= 2**31:
        return held - 2**32  # some of Telegram's ints are unsigned
    return held


def _real(field: Field, held: float, path: str) -> float:
    try:
        number = float(held)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _unfit(path, f"must be {expected(field)}")
    return number


def _readable(held: str, path: str) -> str:
    try:
        length = len(held.encode())
    except UnicodeEncodeError:
        raise _unfit(path, "must be text of whole characters") from None
    if length > _LONGEST:
        raise _unfit(path, "must be shorter than 16 MiB")
    return held


def _unpacked(held: str, path: str) -> bytes:
    try:
        raw = base64.b64decode(held, validate=True)
    except (binascii.Error, ValueError):
        raise _unfit(path, "must be base64") from None
    if len(raw) > _LONGEST:
        raise _unfit(path, "must be shorter than 16 MiB")
    return raw


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _name(kind: Any) -> str:
    """Of a constructor, or of a method."""
    return names.name_of(kind).removesuffix("Request" if issubclass(kind, TLRequest) else "")


def _listed(fields: tuple[Field, ...]) -> str:
    return "it has " + (", ".join(field.name for field in fields) or "none")


def _unfit(path: str, message: str) -> Invalid:
    where = path[:200] or "params"
    return Invalid(
        f"{where}: {message}", code="VALIDATION_ERROR", details={"fields": [{"field": where, "message": message}]}
    )
