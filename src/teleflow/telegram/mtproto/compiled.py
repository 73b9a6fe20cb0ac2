"""For each constructor a function that reads it, made from how Telethon itself reads it.

Telethon's ``from_reader`` goes field by field through methods of a reader and then through an ``__init__`` of up to
fifty arguments: most of what a large answer costs. Its source is regular, so a function without those calls is written
from it, once for each class that is met: what has a fixed size is unpacked together, and what is not there is not
touched. What Telethon's would fail on fails here too (struct.error, BufferError, TypeNotFoundError, …). A class whose
source says anything unexpected is read by Telethon's own code, so that a newer Telethon is slower at worst.

Messages come without what Telethon's client adds to them (its chat and sender): nothing here uses that client.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import types as tl
from telethon.tl.alltlobjects import tlobjects

from teleflow.kit.source import source_of

Read = Callable[[bytes, int], tuple[Any, int]]
"""From the data and the position of the constructor's number: the object, and where it ends."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT = struct.Struct("<i").unpack_from
_UINT = struct.Struct("<I").unpack_from
_VECTOR = 0x1CB5C415
_LONG_FORM = 254  # of bytes: three more bytes tell the length
_TRUE, _FALSE = 0x997275B5, 0xBC799737
_SHOWN = 64  # bytes of what no layer has, for the error
# Fields of a fixed size: their struct code, and how the value comes of the raw one `$`.
_FIXED = {
    "read_int": ("i", "$"),
    "read_long": ("q", "$"),
    "read_double": ("d", "$"),
    "tgread_date": ("i", "EPOCH + timedelta(0, $)"),
}
_HELPED = {"tgread_string": "string(b, p)", "tgread_bytes": "data(b, p)", "tgread_bool": "boolean(b, p)"}
_OBJECT = "(known(uint(b, p)[0]) or other)(b, p)"


class _Unexpected(Exception):
    """The source is none that can be rewritten."""


def read_object(b: bytes, p: int) -> tuple[Any, int]:
    """Whatever begins at `p`, as Telethon's ``tgread_object``."""
    return (_READERS.get(_UINT(b, p)[0]) or _other)(b, p)


def _other(b: bytes, p: int) -> tuple[Any, int]:
    """What was not met before, or is none of the layer's: a bool, or a vector.

    What MTProto packs messages in (a container, gzip_packed) is no object, and is not read here as Telethon would.
    """
    number = _UINT(b, p)[0]
    kind = tlobjects.get(number)
    if number == _VECTOR:
        count, p = _INT(b, p + 4)[0], p + 8
        found = []
        for _ in range(count):
            one, p = read_object(b, p)
            found.append(one)
        return found, p
    if kind is None:
        if number not in {_TRUE, _FALSE}:
            raise TypeNotFoundError(number, b[p : p + _SHOWN])
        return number == _TRUE, p + 4
    read = _READERS[number] = _made(kind)
    return read(b, p)


def _data(b: bytes, p: int) -> tuple[bytes, int]:
    if p >= len(b):
        raise BufferError("the data ends early")
    length = b[p]
    if length < _LONG_FORM:
        begin, after = p + 1, p + ((length + 4) & ~3)
    else:
        length = _UINT(b, p)[0] >> 8
        begin, after = p + 4, p + 4 + ((length + 3) & ~3)
    if after > len(b):
        raise BufferError("the data ends early")
    return b[begin : begin + length], after


def _string(b: bytes, p: int) -> tuple[str, int]:
    held, after = _data(b, p)
    return str(held, "utf-8", "replace"), after


def _boolean(b: bytes, p: int) -> tuple[bool, int]:
    value = _UINT(b, p)[0]
    if value not in {_TRUE, _FALSE}:
        raise RuntimeError(f"{value:#x} is no Bool")
    return value == _TRUE, p + 4


def _large(b: bytes, p: int, size: int) -> tuple[int, int]:
    if p + size > len(b):
        raise BufferError("the data ends early")
    return int.from_bytes(b[p : p + size], "little", signed=True), p + size


_READERS: dict[int, Read] = {}
"""By constructor. They are added as they are met: the layer has some two thousand."""
_SCOPE: dict[str, Any] = {
    "known": _READERS.get,
    "other": _other,
    "uint": _UINT,
    "string": _string,
    "data": _data,
    "boolean": _boolean,
    "large": _large,
    "EPOCH": _EPOCH,
    "timedelta": timedelta,
    "new": object.__new__,
    "MessageMediaEmpty": tl.MessageMediaEmpty,
}


def is_rewritten(kind: Any) -> bool:
    """Whether a class is read by a function of its own."""
    try:
        _Writer(kind).text()
    except _Unexpected:
        return False
    return True


def _made(kind: Any) -> Read:
    try:
        writer = _Writer(kind)
        scope = _SCOPE | {"kind": kind}
        text = writer.text()
        scope |= writer.known
        exec(text, scope)  # noqa: S102 - names and numbers of Telethon's own source, nothing from outside
        made: Read = scope["read"]
    except _Unexpected:

        def made(b: bytes, p: int) -> tuple[Any, int]:
            reader = BinaryReader(b)
            reader.set_position(p + 4)
            return kind.from_reader(reader), reader.tell_position()

    return made


class _Writer:
    """The text of one function. Values that are always there go into `_always`, others into the dictionary `d`."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self.known: dict[str, Any] = {}
        self._lines: list[str] = []
        # Fixed sizes that will be unpacked together: the variable, the struct code, how it is shown. Its number first.
        self._run: list[tuple[str, str, str]] = [("", "4x", "")]
        self._after: list[str] = []  # what needs the values of the run
        self._names: dict[str, str] = {}  # of variables: the attributes that they become
        self._always: list[str] = []
        self._order: list[str] = []  # of the attributes, as Telethon's ``__init__`` sets them
        self._template: dict[str, Any] = {}  # what an object holds of which nothing was sent

    def text(self) -> str:
        """Raises _Unexpected."""
        body = _body_of(self._kind.from_reader)
        last = body[-1]
        if not (isinstance(last, ast.Return) and isinstance(last.value, ast.Call) and not last.value.args):
            raise _Unexpected
        for keyword in last.value.keywords:
            if keyword.arg is None or not isinstance(keyword.value, ast.Name):
                raise _Unexpected
            self._names[keyword.value.id] = keyword.arg
        self._plain_init(set(self._names.values()))
        self._statements(body[:-1], self._value_always)
        self._flush()
        if self._template:
            self._lines.insert(0, "d = template.copy()")
            self.known["template"] = {name: self._template.get(name) for name in self._order}
        return "\n".join(["def read(b, p):", *("    " + line for line in (*self._lines, *self._end()))])

    def _end(self) -> Iterator[str]:
        if self._template:
            yield from (f"d[{self._names[name]!r}] = {name}" for name in self._always)
        else:
            variables = {self._names[name]: name for name in self._always}
            yield f"d = {{{', '.join(f'{name!r}: {variables[name]}' for name in self._order)}}}"
        if "_client" in self._template:
            yield "if d['media'].__class__ is MessageMediaEmpty: d['media'] = None"  # as Telethon's own
        yield "o = new(kind)"
        yield "o.__dict__ = d"
        yield "return o, p"

    def _plain_init(self, wanted: set[str]) -> None:
        """An ``__init__`` that does more than keep its arguments must be called, but for that of messages."""
        kind = self._kind
        if not wanted and kind.__init__ is object.__init__:
            return
        if kind in _MESSAGES:
            made = kind(id=0, peer_id=None)
            self._template = dict(vars(made))
            self._order = list(self._template)
            if not wanted <= self._template.keys():
                raise _Unexpected
            return
        if "__init__" not in vars(kind):
            raise _Unexpected
        for line in _body_of(kind.__init__):
            match line:
                case ast.Expr(value=ast.Constant()):
                    continue  # its docstring
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id="self"), attr=attribute)], value=ast.Name(id=name)
                ) if name == attribute:
                    self._order.append(name)
                case _:
                    raise _Unexpected
        if set(self._order) != wanted:
            raise _Unexpected

    # -- statements ---------------------------------------------------------------------------------------

    def _statements(self, body: list[ast.stmt], keep: Callable[[str], None]) -> None:
        position = 0
        while position < len(body):
            line = body[position]
            match line:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="bool"), args=[test])):
                    self._flag(name, test)
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                    self._read(name, call)
                    if name in self._names:
                        keep(name)
                case ast.If(
                    test=test,
                    body=within,
                    orelse=[ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=None))],
                ):
                    self._optional(name, test, within)
                case ast.Expr(value=ast.Call()):
                    self._vector(body[position : position + 3])
                    keep(_target(body[position + 1]))
                    position += 2
                case _:
                    raise _Unexpected
            position += 1

    def _value_always(self, name: str) -> None:
        self._always.append(name)

    def _attribute(self, name: str) -> str:
        if name not in self._names:
            raise _Unexpected
        return self._names[name]

    def _flag(self, name: str, test: ast.expr) -> None:
        attribute = self._attribute(name)
        self._template[attribute] = False
        self._after.append(f"if {_flag_test(test)}: d[{attribute!r}] = True")

    def _read(self, name: str, call: ast.Call) -> None:
        method, arguments = _called(call)
        if method in _FIXED and not arguments:
            code, shown = _FIXED[method]
            self._run.append((name, code, shown))
            return
        self._flush()
        self._lines.append(f"{name}, p = {_expression(method, call)}")

    def _optional(self, name: str, test: ast.expr, within: list[ast.stmt]) -> None:
        self._flush()
        attribute = self._attribute(name)
        self._template.setdefault(attribute, None)
        lines, self._lines = self._lines, []
        self._statements(within, lambda _: None)
        self._flush()
        inner, self._lines = self._lines, lines
        self._lines.append(f"if {_flag_test(test)}:")
        self._lines.extend("    " + line for line in (*inner, f"d[{attribute!r}] = {name}"))

    def _vector(self, lines: list[ast.stmt]) -> None:
        """``reader.read_int()`` (its number), an empty list, and the loop that fills it."""
        match lines:
            case [
                ast.Expr(value=ast.Call() as number),
                ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[])),
                ast.For(
                    iter=ast.Call(func=ast.Name(id="range"), args=[ast.Call() as count]),
                    body=[
                        ast.Assign(targets=[ast.Name(id=one)], value=ast.Call() as each),
                        ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=filled), attr="append"))),
                    ],
                ),
            ] if filled == name and _called(number) == _called(count) == ("read_int", []):
                pass
            case _:
                raise _Unexpected
        self._run += [("", "4x", ""), ("count", "i", "$")]
        self._flush()
        method, arguments = _called(each)
        self._lines += [f"{name} = []", "for _ in range(count):"]
        if method in _FIXED and not arguments:
            code, shown = _FIXED[method]
            self._run.append((one, code, shown))
            outer, self._lines = self._lines, []
            self._flush()
            read, self._lines = self._lines, outer
        else:
            read = [f"{one}, p = {_expression(method, each)}"]
        self._lines += ["    " + line for line in (*read, f"{name}.append({one})")]

    def _flush(self) -> None:
        """Unpack what has gathered."""
        run, self._run = self._run, []
        if run:
            format_ = "<" + "".join(code for _, code, _ in run)
            unpack = f"unpack_{len(self.known)}"
            packed = struct.Struct(format_)
            self.known[unpack] = packed.unpack_from
            named = [(name, shown) for name, _, shown in run if name]
            if named:
                self._lines.append(f"{', '.join(name for name, _ in named)}, = {unpack}(b, p)")
                self._lines += [f"{name} = {shown.replace('$', name)}" for name, shown in named if shown != "$"]
            self._lines.append(f"p += {packed.size}")
        self._lines += self._after
        self._after.clear()


_MESSAGES = frozenset({tl.Message, tl.MessageService, tl.MessageEmpty})


def _body_of(function: Any) -> list[ast.stmt]:
    try:
        (made,) = ast.parse(source_of(function)).body
    except (OSError, SyntaxError, ValueError):
        raise _Unexpected from None  # the source is not there, or more of it than is known
    if not isinstance(made, ast.FunctionDef):
        raise _Unexpected
    return made.body


def _called(call: ast.Call) -> tuple[str, list[ast.keyword]]:
    """The reader's method and its arguments."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="reader"), attr=method), args=[], keywords=keywords):
            return method, keywords
    raise _Unexpected


def _expression(method: str, call: ast.Call) -> str:
    match method, call.keywords:
        case "tgread_object", []:
            return _OBJECT
        case _, [] if method in _HELPED:
            return _HELPED[method]
        case "read_large_int", [ast.keyword(arg="bits", value=ast.Constant(value=int(bits)))]:
            return f"large(b, p, {bits // 8})"
    raise _Unexpected


def _flag_test(test: ast.expr) -> str:
    match test:
        case ast.BinOp(left=ast.Name(id=flags), op=ast.BitAnd(), right=ast.Constant(value=int(bit))):
            return f"{flags} & {bit}"
    raise _Unexpected


def _target(line: ast.stmt) -> str:
    match line:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    raise _Unexpected
