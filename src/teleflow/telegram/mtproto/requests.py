"""A request on its way, and the three ways in which it can end badly."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from teleflow.telegram.mtproto.packing import GZIP_PACKED, unpacked
from teleflow.telegram.mtproto.reader import Reader

_RPC_ERROR = 0x2144CA19
_U32 = struct.Struct("<I")


class RpcFault(Exception):
    """The server's own answer that a request failed, as it was said: 420 and "FLOOD_WAIT_3", say."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.after_lost_try = False


class LinkLost(ConnectionError):
    """The connection ended before the answer. `sent`: the server may have acted on the request."""

    def __init__(self, cause: str, *, sent: bool) -> None:
        super().__init__(cause)
        self.sent = sent


class Request:
    """A request on its way. `container_id`: the container that it left in, if it did not leave alone."""

    __slots__ = ("body", "container_id", "future", "msg_id", "renewals", "tl", "written")

    def __init__(self, tl: Any, future: asyncio.Future[Any]) -> None:
        self.tl = tl
        self.body = bytes(tl)
        self.future = future
        self.msg_id = 0
        self.container_id = 0
        self.renewals = 0
        self.written = False


class Unreadable(Exception):
    """The answer came, and our schema does not know what it is: the request was acted on."""


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # a caller who has gone must not be reported as "never retrieved"


def read_answer(request: Request, body: memoryview) -> Any:
    """The answer in an rpc_result. Raises RpcFault, as the server said it; Unreadable."""
    try:
        kind = _U32.unpack_from(body)[0]
        data = unpacked(body) if kind == GZIP_PACKED else bytes(body)
        if _U32.unpack_from(data)[0] != _RPC_ERROR:
            return request.tl.read_result(Reader(data))
        reader = Reader(data[4:])
        fault = RpcFault(reader.read_int(), reader.tgread_string())
    except Exception as error:
        raise Unreadable(f"an answer that can't be read: {type(error).__name__}") from error
    raise fault
