"""From TL to JSON: what a request is answered with, as `codec` would read it.

An encoder for each class is made once, when the first of it is met: answers have hundreds of objects, each of some
dozen fields that are mostly not there.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from datetime import datetime
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
    """Written out as a function of its own, as dataclasses are: going through a plan of the fields takes 2.5 × as long.

    Only names that the layer's schema has come into the text of it.
    """
    always, optional, flags = [f'"_": {names.name_of(kind)!r}'], [], []
    known: dict[str, Any] = {"by_class": _ENCODERS, "other": _unknown}
    for field in fields_of(kind):
        name = field.name
        if field.kind is Kind.FLAG:
            flags.append(f"    if v.{name}: told[{name!r}] = True")
            continue
        shown = _expression(field, known)
        if field.optional:
            optional.append(f"    x = v.{name}\n    if x is not None: told[{name!r}] = {shown.replace('$', 'x')}")
        else:
            always.append(f"{name!r}: {shown.replace('$', f'v.{name}')}")
    made = f"    told = {{{', '.join(always)}}}"
    exec("\n".join(["def encode(v):", made, *optional, *flags, "    return told"]), known)  # noqa: S102 - see above
    encode: Encode = known["encode"]
    return encode


def _expression(field: Field, known: dict[str, Any]) -> str:
    """How a value of this field, `$`, is told; what the expression needs is put into `known`."""
    if field.kind in _PLAIN:
        one = _PLAIN[field.kind]
        return one if not field.vector else f"[{one.replace('$', 'e')} for e in $ or ()]"
    name = f"_{field.name}"
    known[name] = _encode_of(field)
    return f"{name}($)"


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
_PLAIN = {
    Kind.LONG: "str($)",
    Kind.BOOL: "bool($)",
    Kind.INT: "$",
    Kind.UINT: "$",
    Kind.STRING: "$",
    Kind.OBJECT: "(by_class.get(type($)) or other)($)",
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
