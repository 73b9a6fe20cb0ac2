"""From TL to JSON: what a request is answered with, as `codec` would read it.

An encoder for each class is made once, when the first of it is met: answers have hundreds of objects, each of some
dozen fields that are mostly not there.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from telethon.tl import TLObject

from teleflow.telegram.tl import names
from teleflow.telegram.tl.fields import Field, Kind, fields_of

_EXACT = 2**53
_LENGTH = {Kind.INT128: 16, Kind.INT256: 32}
Encode = Callable[[Any], Any]


def json_from(value: Any) -> Any:
    """A TL object, or what else a request is answered with."""
    encode = _ENCODERS.get(type(value))
    return _unknown(value) if encode is None else encode(value)


def _unknown(value: Any) -> Any:
    """What was not met before: a class of the layer gets its encoder now."""
    if not isinstance(value, TLObject):
        return _list(value) if isinstance(value, list | tuple) else str(value)
    kind = type(value)
    encode = _ENCODERS[kind] = _encoder(kind)
    return encode(value)


def _encoder(kind: Any) -> Encode:
    name = names.name_of(kind)
    fields = fields_of(kind)
    flags = tuple(field.name for field in fields if field.kind is Kind.FLAG)
    plan = tuple((one.name, one.optional, _encode_of(one)) for one in fields if one.kind is not Kind.FLAG)
    held_by, flags_by = _all_of([one[0] for one in plan]), _all_of(flags)

    def encode(value: Any) -> dict[str, Any]:
        told: dict[str, Any] = {"_": name}
        for (field, optional, shown), given in zip(plan, held_by(value), strict=True):
            if given is not None or not optional:
                told[field] = shown(given)
        held = flags_by(value)
        if any(held):  # mostly none is there
            for field, given in zip(flags, held, strict=True):
                if given:
                    told[field] = True
        return told

    return encode


def _all_of(attributes: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not attributes:
        return lambda _: ()
    if len(attributes) == 1:
        (attribute,) = attributes
        return lambda value: (getattr(value, attribute),)
    get: Callable[[Any], tuple[Any, ...]] = attrgetter(*attributes)
    return get


def _encode_of(field: Field) -> Encode:
    one = _BY_KIND.get(field.kind)
    if field.kind in _LENGTH:
        length = _LENGTH[field.kind]

        def one(held: Any) -> Any:
            return _packed(held.to_bytes(length, "little", signed=True))

    encode = one or json_from
    if not field.vector:
        return encode
    return lambda held: [encode(each) for each in held or ()]


def _packed(raw: bytes | None) -> str:
    return base64.b64encode(raw or b"").decode()


def _number(value: int) -> int | str:
    return value if -_EXACT < value < _EXACT else str(value)


def _list(value: Iterable[Any]) -> list[Any]:
    return [json_from(one) for one in value]


def _same(value: Any) -> Any:
    return value


def _float(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _date(value: datetime | None) -> int:
    return 0 if value is None else int(value.timestamp())


_BY_KIND: dict[Kind, Encode] = {
    Kind.LONG: str,
    Kind.DATE: _date,
    Kind.BYTES: _packed,
    Kind.BOOL: bool,
    Kind.FLAG: bool,
}
_ENCODERS: dict[type[Any], Encode] = {
    type(None): _same,
    bool: _same,
    str: _same,
    int: _number,
    float: _float,
    bytes: _packed,
    datetime: _date,
    list: _list,
    tuple: _list,
}
"""By class. Those of TL are added as they are met: some two thousand at most."""
