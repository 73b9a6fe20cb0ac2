"""The TL codec as this server uses it: Telethon's generated classes, read by a reader that can be trusted with
anything a stranger sends.

Promises: gzip never unpacks to more than a limit, nesting ends in an error and not in a crash, and every failure
to read is a `BadObjectError` that names the RPC error Telegram answers.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl.alltlobjects import tlobjects
from telethon.tl.tlobject import TLObject, TLRequest

from teleflow.sandbox.mtproto import layers

MAX_UNPACKED = 8 * 1024 * 1024
GZIP_FROM = 1024
"""Bytes from which an answer is worth compressing."""

GZIP_PACKED = 0x3072CFA1
VECTOR = 0x1CB5C415
BOOL_TRUE = 0x997275B5
BOOL_FALSE = 0xBC799737
RPC_RESULT = struct.Struct("<Iq")
RPC_RESULT_ID = 0xF35C6D01
_GZIP_HEAD = struct.pack("<I", GZIP_PACKED)
_NOT_COMPRESSIBLE = frozenset((0x096A18D5, 0xA99FCA4F))  # upload.file, upload.cdnFile


class BadObjectError(Exception):
    """Bytes that are no object of this layer. `rpc_error` is what the client is told."""

    def __init__(self, rpc_error: str) -> None:
        super().__init__(rpc_error)
        self.rpc_error = rpc_error


class Budget:
    """How many bytes the gzip parts of one packet may still unpack to, all together."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_UNPACKED) -> None:
        self.left = left


def inflate(packed: bytes, budget: Budget) -> bytes:
    """Unpack gzip. Raises BadObjectError, also when the budget is used up."""
    unpacker = zlib.decompressobj(wbits=47)  # gzip by its name, but some clients send zlib, and Telegram takes it
    try:
        data = unpacker.decompress(packed, budget.left + 1)
    except zlib.error:
        raise BadObjectError("INPUT_FETCH_ERROR") from None
    budget.left -= len(data)
    if budget.left <= 0:
        budget.left = 0
        raise BadObjectError("INPUT_REQUEST_TOO_LONG")
    if not unpacker.eof:
        raise BadObjectError("INPUT_FETCH_ERROR")
    return data


class _Reader(BinaryReader):  # type: ignore[misc]
    """Reads objects; unpacks gzip itself, within the packet's budget."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        super().__init__(data)
        self._budget = budget

    def tgread_object(self) -> Any:
        constructor = self.read_int(signed=False)
        kind = tlobjects.get(constructor)
        if kind is not None:
            return kind.from_reader(self)
        if constructor == BOOL_TRUE:
            return True
        if constructor == BOOL_FALSE:
            return False
        if constructor == VECTOR:
            return [self.tgread_object() for _ in range(self.read_int())]
        if constructor == GZIP_PACKED:
            return _Reader(inflate(self.tgread_bytes(), self._budget), self._budget).tgread_object()
        old = layers.older(constructor)
        if old is not None:
            return old.read(self)
        raise BadObjectError("INPUT_METHOD_INVALID" if self.position == 4 else "INPUT_CONSTRUCTOR_INVALID")


def read_object(data: bytes, budget: Budget | None = None) -> Any:
    """The object at the start of `data`. Raises BadObjectError."""
    try:
        return _Reader(data, budget or Budget()).tgread_object()
    except BadObjectError:
        raise
    except RecursionError:
        raise BadObjectError("INPUT_REQUEST_TOO_LONG") from None
    except Exception:  # noqa: BLE001 - the codec raises whatever its parts raise
        raise BadObjectError("INPUT_FETCH_ERROR") from None


def is_request(thing: Any) -> bool:
    """Whether `thing` is a method and not a value."""
    return isinstance(thing, TLRequest)


def unpack_gzip(body: bytes, budget: Budget) -> bytes:
    """What a `gzip_packed` message holds. Raises BadObjectError."""
    try:
        return inflate(_Reader(body[4:], budget).tgread_bytes(), budget)
    except BadObjectError:
        raise
    except Exception:  # noqa: BLE001 - the codec raises whatever its parts raise
        raise BadObjectError("INPUT_FETCH_ERROR") from None


@lru_cache(maxsize=4096)
def method_name(kind: Any) -> str:
    """`messages.sendMessage` for Telethon's `functions.messages.SendMessageRequest`."""
    name = kind.__name__.removesuffix("Request")
    name = name[:1].lower() + name[1:]
    namespace = kind.__module__.rpartition(".functions")[2].strip(".")
    return f"{namespace}.{name}" if namespace else name


class _Probe:
    """Stands in for a reader to learn which kind of number a method's vector holds."""

    def __init__(self) -> None:
        self.read_long_called = False

    def read_int(self, signed: bool = True) -> int:  # noqa: ARG002
        return 1

    def read_long(self, signed: bool = True) -> int:  # noqa: ARG002
        self.read_long_called = True
        return 0

    def tgread_object(self) -> None:
        return None


@lru_cache(maxsize=4096)
def _number_format(kind: Any) -> str:
    probe = _Probe()
    kind.read_result(probe)
    return "<q" if probe.read_long_called else "<i"


def result_bytes(result: Any, request: Any) -> bytes:
    """The bytes of what a method returned: an object, a truth value, or a list of objects or numbers."""
    if result is True or result is False:
        return struct.pack("<I", BOOL_TRUE if result else BOOL_FALSE)
    if isinstance(result, (list, tuple)):
        head = struct.pack("<II", VECTOR, len(result))
        return head + b"".join(_element_bytes(element, request) for element in result)
    return bytes(result._bytes())  # noqa: SLF001 - the codec's own name for it


def _element_bytes(element: Any, request: Any) -> bytes:
    if isinstance(element, int):
        return struct.pack(_number_format(request.__class__), element)
    if isinstance(element, str):
        return bytes(TLObject.serialize_bytes(element))
    return bytes(element._bytes())  # noqa: SLF001


def packed(body: bytes) -> bytes:
    """`body`, or its gzip form when that is smaller."""
    if len(body) < GZIP_FROM or int.from_bytes(body[:4], "little") in _NOT_COMPRESSIBLE:
        return body
    packer = zlib.compressobj(3, zlib.DEFLATED, 31)
    small = _GZIP_HEAD + TLObject.serialize_bytes(packer.compress(body) + packer.flush())
    return small if len(small) < len(body) else body


def rpc_result(request_id: int, body: bytes) -> bytes:
    """The message that answers the request `request_id` with `body`."""
    return RPC_RESULT.pack(RPC_RESULT_ID, request_id) + packed(body)


def rpc_error(code: int, message: str) -> bytes:
    """The body of a refusal."""
    return struct.pack("<Ii", 0x2144CA19, code) + bytes(TLObject.serialize_bytes(message))


def text(data: bytes) -> bytes:
    """A TL `string` or `bytes`."""
    return bytes(TLObject.serialize_bytes(data))
