"""What a method or constructor is made of, read from how Telethon writes it.

Its classes say which type a field has, but not how wide a number is; that stands in the code that packs it. So the
source of ``_bytes`` is read, once for each class that is asked for.
"""

from __future__ import annotations

import enum
import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from teleflow.kit.source import source_of
from teleflow.telegram.tl.names import name_of, original, types_called


class Kind(enum.StrEnum):
    """How a value is written in JSON follows from this alone."""

    INT = "int"  # 32 bits, a number
    UINT = "uint"  # the same where there is nothing below 0
    LONG = "long"  # 64 bits, a string of digits
    INT128 = "int128"  # base64 of 16 bytes
    INT256 = "int256"
    DOUBLE = "double"
    STRING = "string"
    BYTES = "bytes"  # base64
    BOOL = "Bool"
    FLAG = "true"  # there or not
    DATE = "date"  # an int: Unix seconds
    OBJECT = "object"  # of the type in `type`; with no type, of any


@dataclass(frozen=True, slots=True)
class Field:
    """`types` are the TL types that an object may be of (``InputPeer``): nearly always one.

    `bit` is the flag that says that an optional field is there; fields of one bit come together or not at all.
    """

    name: str
    kind: Kind
    types: tuple[str, ...] = ()
    vector: bool = False
    optional: bool = False
    bit: tuple[int, int] | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether it is the number that Telegram knows a repeat by, and may be left out. Bytes of this name are not."""
        return self.name == "random_id" and self.kind in {Kind.LONG, Kind.INT} and not self.optional


_TYPE = re.compile(r"'Type(\w+)'")
_FLAG = re.compile(r"\(0 if self\.(\w+) is None(?: or self\.\1 is False)? else (\d+)\)")
_WIDE = {"<i": Kind.INT, "<I": Kind.UINT, "<q": Kind.LONG, "<d": Kind.DOUBLE}
_PLAIN = {"str": Kind.STRING, "bytes": Kind.BYTES, "bool": Kind.BOOL, "float": Kind.DOUBLE, "datetime": Kind.DATE}


@cache
def fields_of(kind: Any) -> tuple[Field, ...]:
    """In the order of the constructor's arguments."""
    kind = original(kind)
    if "__init__" not in vars(kind):
        return ()
    lines = source_of(kind._bytes).splitlines()  # noqa: SLF001 - see above
    bits = _bits(lines)
    space = name_of(kind).rpartition(".")[0]
    space = f"{space}." if space else ""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return tuple(_field(one, lines, bits, space) for one in parameters)


def _field(parameter: inspect.Parameter, lines: list[str], bits: dict[str, tuple[int, int]], space: str) -> Field:
    name, said = parameter.name, _said(parameter.annotation)
    optional = said.startswith("Optional[")
    vector = "List[" in said
    core = said.replace("Optional[", "").replace("List[", "").rstrip("]")
    bit = bits.get(name)
    types: tuple[str, ...] = ()
    if found := _TYPE.search(core):
        kind, types = Kind.OBJECT, types_called(found[1], space)
    elif core == "TLObject":
        kind = Kind.OBJECT
    elif core == "int":
        kind = _width(name, lines)
    elif core == "bool" and bit is not None and not _is_packed(name, lines):
        kind = Kind.FLAG
    else:
        kind = _PLAIN[core]
    return Field(name, kind, types, vector, optional, bit)


def _said(annotation: Any) -> str:
    """An annotation as it was written: ``Optional[List['TypeX']]``."""
    if isinstance(annotation, str):
        return f"'{annotation}'"
    if isinstance(annotation, type):
        return annotation.__name__
    return (
        re.sub(r"ForwardRef\(('[^']*')[^)]*\)", r"\1", str(annotation))
        .replace("typing.", "")
        .replace("datetime.datetime", "datetime")
    )


def _bits(lines: list[str]) -> dict[str, tuple[int, int]]:
    """(which flags, which bit) of each optional field."""
    found: dict[str, tuple[int, int]] = {}
    number = 0
    for line in lines:
        if "struct.pack('<I', (0 if" in line:
            found |= {name: (number, int(bit)) for name, bit in _FLAG.findall(line)}
            number += 1
    return found


def _packed(name: str, lines: list[str]) -> list[str]:
    uses = re.compile(rf"self\.{name}\b")
    return [line for line in lines if uses.search(line) and "struct.pack('<I', (0 if" not in line]


def _is_packed(name: str, lines: list[str]) -> bool:
    return any("ur\\x99" in line for line in _packed(name, lines))


def _width(name: str, lines: list[str]) -> Kind:
    for line in _packed(name, lines):
        if "to_bytes(16" in line:
            return Kind.INT128
        if "to_bytes(32" in line:
            return Kind.INT256
        for form, kind in _WIDE.items():
            # a vector packs its length too, as an int: the numbers in it are packed one by one, as `x`
            if f"pack('{form}', self.{name})" in line or f"pack('{form}', x)" in line:
                return kind
    return Kind.INT
