"""What the session layer (mtproto) and the methods (rpc) agree on, and nothing else.

mtproto makes a `Caller` for each session of a key and asks `Rpc.answer`; the world is given a
`Push` to reach live sessions. Neither side knows how the other is built.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from teleflow.sandbox.world.errors import Refused

# telethon is untyped: a TLRequest or TLObject of its generated codec.
TLRequest: TypeAlias = Any
TLObject: TypeAlias = Any


class RpcError(Exception):
    """An answer of the kind `rpc_error`: Telegram's code and Telegram's name for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


@dataclass(slots=True)
class Caller:
    """Who asks: one per (auth key, session), kept by mtproto; `msg_id` is that of the request in hand."""

    key_id: int
    session_id: int
    layer: int = 0
    api_id: int = 0
    device_model: str = ""
    system_version: str = ""
    app_version: str = ""
    lang_code: str = ""
    system_lang_code: str = ""
    address: str = ""
    msg_id: int = 0
    wants_updates: bool = True
    takeout: int | None = None
    """The takeout session that the request is part of."""
    faults: Mapping[str, int] | None = None
    """Verbs of fault rules that the method has to carry out itself, with their number."""

    def fault(self, verb: str) -> int:
        """The number of a verb that this request is to meet with; 0 when it is not."""
        return 0 if self.faults is None else self.faults.get(verb, 0)


Handler: TypeAlias = Callable[[Caller, TLRequest], Awaitable[Any]]


class Push(Protocol):
    """The way from the world to live sessions; implemented by mtproto."""

    def push(self, key_id: int, updates: TLObject, *, except_session: int | None = None) -> None:
        """Queue updates for every live session of the key that wants them. Returns at once, bounded."""

    def revoke(self, key_id: int) -> None:
        """Close the key's connections; the key stays known, its requests answer 401."""

    def live(self, key_id: int) -> bool:
        """Whether some session of the key is connected."""


class Rpc:
    """The one way from the session layer into the methods. Built by `rpc.register.build`."""

    def __init__(
        self,
        handlers: Mapping[int, Handler],
        open_methods: frozenset[int],
        person_of: Callable[[int], str | None],
    ) -> None:
        self._handlers = handlers
        self._person_of = person_of
        self.admit: Callable[[Caller, int], None] = partial(_admit, person_of, open_methods)
        self.introduced: Callable[[int], None] = lambda _key_id: None

    def person_of(self, key_id: int) -> str | None:
        """Phone of the person bound to that key."""
        return self._person_of(key_id)

    async def answer(self, caller: Caller, request: TLRequest) -> Any:
        """The result of one request: a TLObject, a bool or a list. Raises RpcError."""
        constructor = request.CONSTRUCTOR_ID
        handler = self._handlers.get(constructor)
        if handler is None:
            raise RpcError(400, "INPUT_METHOD_INVALID")
        self.admit(caller, constructor)
        try:
            return await handler(caller, request)
        except Refused as refused:
            raise RpcError(refused.code, refused.name) from refused


def _admit(
    person_of: Callable[[int], str | None], open_methods: frozenset[int], caller: Caller, constructor: int
) -> None:
    """The one rule that needs no world: what is not open is for keys that are logged in."""
    if constructor not in open_methods and person_of(caller.key_id) is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")
