"""Clients of older layers: their constructors are read, and what they are told is said in theirs.

`schemas/*.tl` hold what is different in a layer, in the language of schemas: constructors and methods with another
number, and the names of what that layer does not have. Promises: a constructor of an older layer is read whatever
layer the client told; what is told to an older client has no constructor that the file names as unknown, as far as
it stands in a list or may be left out.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER
from telethon.tl.tlobject import TLObject

KNOWN = (198, 227)
_RENAMED = {"self": "is_self"}
_NUMBERS = {"int": "<i", "long": "<q", "double": "<d"}
_WIDE = {"int128": 16, "int256": 32}
_VECTOR = 0x1CB5C415


@dataclass(frozen=True, slots=True)
class Field:
    """`flags` names the field whose `bit` tells whether this one is there."""

    name: str
    kind: str
    flags: str = ""
    bit: int = 0


class Definition:
    """One constructor of an older layer, and the class that stands for it here."""

    __slots__ = ("fields", "kind", "number")

    def __init__(self, line: str, where: Any) -> None:
        head, *arguments = line.partition(" = ")[0].split()
        name, _, number = head.partition("#")
        self.number = int(number, 16)
        self.kind = _class_of(name, where)
        self.fields = [_field(argument) for argument in arguments]

    def read(self, reader: Any) -> Any:
        """The object, as the current layer has it. Raises what the reader raises, and TypeError."""
        values: dict[str, Any] = {}
        for field in self.fields:
            if field.flags and not values[field.flags] >> field.bit & 1:
                values[field.name] = None
            else:
                values[field.name] = _read(reader, field.kind)
        wanted = self.kind.__init__.__code__.co_varnames[1 : self.kind.__init__.__code__.co_argcount]
        return self.kind(**{name: values.get(name) for name in wanted})

    def write(self, thing: Any) -> bytes:
        """`thing` in the words of the older layer. Raises TypeError where those have no room for it."""
        flags: dict[str, int] = {}
        for field in self.fields:
            if field.flags and _fits(field.kind, getattr(thing, field.name, None)):
                flags[field.flags] = flags.get(field.flags, 0) | 1 << field.bit
        parts = [struct.pack("<I", self.number)]
        for field in self.fields:
            if field.kind == "#":
                parts.append(struct.pack("<I", flags.get(field.name, 0)))
            elif not field.flags or flags.get(field.flags, 0) >> field.bit & 1:
                parts.append(_written(field.kind, getattr(thing, field.name, None)))
        return b"".join(parts)


class Old:
    """An object that is written as an older layer has it; stands among the codec's own."""

    __slots__ = ("_definition", "_thing")

    def __init__(self, definition: Definition, thing: Any) -> None:
        self._definition = definition
        self._thing = thing

    def _bytes(self) -> bytes:
        try:
            return self._definition.write(self._thing)
        except (TypeError, struct.error):  # no room for it there: it is said as it is here
            return bytes(self._thing._bytes())  # noqa: SLF001 - the codec's own name for it

    __bytes__ = _bytes


class Dialect:
    """What is different in one layer."""

    def __init__(self, layer: int) -> None:
        text = (files(__package__) / "schemas" / f"{layer}.tl").read_text("ascii")
        text = text.partition("\n")[2]
        kinds, _, rest = text.partition("---functions---\n")
        methods, _, absent = rest.partition("---absent---\n")
        self.constructors = [Definition(line, types) for line in kinds.splitlines()]
        self.methods = [Definition(line, functions) for line in methods.splitlines()]
        self._written: Mapping[type, Definition] = {each.kind: each for each in self.constructors}
        self._absent = {_class_of(name, types) for name in absent.split()}

    def said(self, thing: Any) -> Any:
        """`thing` (an object or a list of them) as a client of this layer can read it."""
        if isinstance(thing, list):
            return self._list(thing)
        if not isinstance(thing, TLObject):
            return thing
        changed: Any = None
        for name, value in vars(thing).items():
            if isinstance(value, TLObject) and type(value) in self._absent:
                new = None
            elif isinstance(value, (TLObject, list)):
                new = self.said(value)
            else:
                continue
            if new is not value:
                changed = copy.copy(thing) if changed is None else changed
                setattr(changed, name, new)
        found = thing if changed is None else changed
        definition = self._written.get(type(thing))
        return found if definition is None else Old(definition, found)

    def _list(self, things: list[Any]) -> list[Any]:
        said = [self.said(each) for each in things if type(each) not in self._absent]
        same = len(said) == len(things) and all(new is old for new, old in zip(said, things, strict=True))
        return things if same else said


@lru_cache(maxsize=len(KNOWN))
def _dialect(layer: int) -> Dialect:
    return Dialect(layer)


def dialect(layer: int) -> Dialect | None:
    """How to speak to a client of `layer`: as to the next layer above that is known. None: in the current one."""
    if layer >= LAYER or not layer:
        return None
    return next((_dialect(known) for known in KNOWN if known >= layer), None)


@lru_cache(maxsize=1)
def _by_number() -> Mapping[int, Definition]:
    every = [_dialect(known) for known in KNOWN]
    return {each.number: each for one in every for each in (*one.constructors, *one.methods)}


def older(number: int) -> Definition | None:
    """The definition of a constructor that the current layer does not have."""
    return _by_number().get(number)


def _class_of(name: str, where: Any) -> Any:
    namespace, _, plain = name.rpartition(".")
    suffix = "Request" if where is functions else ""
    return getattr(getattr(where, namespace) if namespace else where, plain[:1].upper() + plain[1:] + suffix)


def _field(argument: str) -> Field:
    name, _, kind = argument.partition(":")
    flags, question, real = kind.partition("?")
    name = _RENAMED.get(name, name)
    if not question:
        return Field(name, kind)
    holder, _, bit = flags.partition(".")
    return Field(name, real, holder, int(bit))


def _read(reader: Any, kind: str) -> Any:
    if kind in {"#", "int"}:
        return reader.read_int(signed=kind == "int")
    if kind in {"long", "double"}:
        return reader.read_long() if kind == "long" else reader.read_double()
    if kind in {"string", "bytes"}:
        return reader.tgread_string() if kind == "string" else reader.tgread_bytes()
    if kind in _WIDE:
        return reader.read_large_int(bits=_WIDE[kind] * 8)
    if kind == "true":
        return True
    if kind == "Bool":
        return reader.tgread_bool()
    if kind.startswith("Vector<"):
        if reader.read_int(signed=False) != _VECTOR:
            raise ValueError("no vector")
        return [_read(reader, kind[7:-1]) for _ in range(reader.read_int())]
    return reader.tgread_object()


def _fits(kind: str, value: Any) -> bool:
    """Whether an optional field is there. What has changed its kind since is left out."""
    if value is None or value is False:
        return False
    if kind in {"int", "long"}:
        return isinstance(value, (int, datetime))
    return kind == "Bool" or kind in {"true", "string", "bytes", "double"} or not isinstance(value, (int, str, bytes))


def _written(kind: str, value: Any) -> bytes:
    if kind == "true":
        return b""
    if kind == "int" and isinstance(value, datetime):
        return bytes(TLObject.serialize_datetime(value))
    if kind in _NUMBERS:
        return struct.pack(_NUMBERS[kind], value or 0)
    if kind in _WIDE:
        return int(value or 0).to_bytes(_WIDE[kind], "little", signed=True)
    if kind in {"string", "bytes"}:
        return bytes(TLObject.serialize_bytes(value or b""))
    if kind == "Bool":
        return struct.pack("<I", 0x997275B5 if value else 0xBC799737)
    if kind.startswith("Vector<"):
        elements = value or []
        return struct.pack("<II", _VECTOR, len(elements)) + b"".join(_written(kind[7:-1], each) for each in elements)
    if value is None:
        raise TypeError("nothing stands where something has to")
    return bytes(value._bytes())  # noqa: SLF001 - the codec's own name for it
