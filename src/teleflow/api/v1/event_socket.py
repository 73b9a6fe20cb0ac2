"""Events over a WebSocket (RFC 6455): one JSON object a text frame, both ways.

What the server says: ``connected``, events, ``subscribed``, ``unsubscribed``, ``resumed``, ``error`` (to what it did
not understand, which ends nothing), ``stream.cursor`` (where one is, when much was not subscribed), ``stream.reset``
and, last, ``stream.closed``. How many frames may come, and how large, is the server's matter (`api.sockets`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from teleflow.api import facts
from teleflow.api.v1 import admission, streaming
from teleflow.api.v1.access import caller_of, check
from teleflow.api.v1.streaming import LAST_S, Ended, Place, Streaming, in_time
from teleflow.errors import Invalid, TeleFlowError
from teleflow.events.hub import Reader
from teleflow.kit.clock import milliseconds
from teleflow.model.events import EventFilter, LoggedEvent, check_types
from teleflow.model.users import Principal
from teleflow.model.users import Scope as Granted
from teleflow.services.everything import Services
from teleflow.wire.instants import iso

CODES = {
    Ended.CREDENTIALS: 4401,
    Ended.SLOW: 4408,
    Ended.SHUTDOWN: 1001,
    Ended.UNVERIFIED: 1013,
    Ended.FAILED: 1011,
}
_AT_ONCE = 32  # events, between which others get their turn
_MOST_NAMED = 100
_MOST_TEXT = {"after": 64, "sessionId": 64, "types": 1000}
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class EventSocket:
    """The application behind `/api/v1/ws`, for a caller who is proven."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._streaming = Streaming(services.events, services.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises what refuses the caller, before the upgrade only."""
        services, login = self._services, caller_of(scope)
        check(login, Granted.READ)
        asked = _asked(scope)
        wanted = await admission.wanted(
            scope, services, types=admission.listed(asked.get("types")), session_id=asked.get("sessionId")
        )
        outer = await admission.limit(scope, services)
        place = Place(await services.events.start(login.principal, after=asked.get("after")))
        with services.events.reading(login.principal) as reader:
            if (await receive())["type"] != "websocket.connect":
                return
            try:
                await send({"type": "websocket.accept"})
            except OSError:  # gone before the upgrade was answered
                return
            socket = _Socket(send, services, login.principal, wanted, outer, place, reader)
            ended = await self._streaming.run(
                login.principal,
                reader,
                place,
                socket,
                still=admission.still(scope, facts.of(scope), services),
                gone=socket.listen(receive),
                scope=scope,
            )
            if ended is not Ended.GONE:
                await _end(scope, send, ended)


class _Socket:
    """One reader. An answer and the events around it come in the order of what was asked."""

    def __init__(
        self,
        send: Send,
        services: Services,
        principal: Principal,
        wanted: EventFilter,
        outer: EventFilter | None,
        place: Place,
        reader: Reader,
    ) -> None:
        self._send = send
        self._services = services
        self._principal = principal
        self._types = wanted.named_types
        self._session_ids = wanted.session_ids
        self._allowed = None if outer is None else outer.named_types
        self._place = place
        self._reader = reader
        self._turn = asyncio.Lock()

    async def listen(self, receive: Receive) -> Ended:
        """What the reader says, until they leave."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return Ended.GONE
            async with self._turn:
                try:
                    answer = await self._answer(message)
                except TeleFlowError as error:
                    answer = {"type": "error", "message": error.message}
                try:
                    await self._say(answer)
                except TimeoutError:
                    return Ended.SLOW
                except OSError:
                    return Ended.GONE

    async def connected(self, cursor: str) -> None:
        at = iso(milliseconds(self._services.clock.time()))
        await self._say({"type": "connected", "timestamp": at, "cursor": cursor})

    async def reset(self, oldest: str) -> None:
        await self._say({"type": "stream.reset", "oldestCursor": oldest})

    async def events(self, place: Place, found: Sequence[LoggedEvent]) -> int | None:
        turn, last = place.turn, None
        for start in range(0, len(found), _AT_ONCE):
            if start:
                await self._services.events.turn()
            async with self._turn, asyncio.timeout(streaming.TAKE_S):
                if place.turn != turn:
                    return last
                for event in found[start : start + _AT_ONCE]:
                    if event.type in self._types and self._sees(event.session_id):
                        await self._send({"type": "websocket.send", "text": event.body.decode()})
                        last = event.number
        return last

    def _sees(self, session_id: str | None) -> bool:
        return self._session_ids is None or session_id in self._session_ids

    async def beat(self, cursor: str | None) -> None:
        """Signs of life are the protocol's own pings."""
        if cursor is not None:
            await self.told_place(cursor)

    async def told_place(self, cursor: str) -> None:
        await self._say({"type": "stream.cursor", "cursor": cursor})

    async def _say(self, told: dict[str, Any]) -> None:
        await in_time(self._send({"type": "websocket.send", "text": _encode(told).decode()}))

    async def _answer(self, message: Message) -> dict[str, Any]:
        frame = _frame(message)
        action = frame.get("action")
        if action == "resume":
            return await self._resume(frame.get("after"))
        if action not in ("subscribe", "unsubscribe"):
            raise Invalid("The action is one of subscribe, unsubscribe, resume")
        named = frame.get("events")
        if not isinstance(named, list) or not 0 < len(named) <= _MOST_NAMED:
            raise Invalid(f"events: a list of 1 to {_MOST_NAMED} event types")
        if not all(isinstance(one, str) for one in named):
            raise Invalid("events: event types are texts")
        meant = EventFilter(check_types(named, field="events")).named_types
        if self._allowed is not None and not meant & self._allowed:
            raise Invalid("The ticket of this stream is not for these types")
        if self._allowed is not None:
            meant &= self._allowed
        self._types = self._types | meant if action == "subscribe" else self._types - meant
        return {"type": f"{action}d", "events": named}

    async def _resume(self, after: Any) -> dict[str, Any]:
        if not isinstance(after, str) or not 0 < len(after) <= _MOST_TEXT["after"]:
            raise Invalid("after: an event's id, or a cursor")
        self._place.move(await self._services.events.start(self._principal, after=after))
        self._reader.ring()
        return {"type": "resumed", "after": after}


def _frame(message: Message) -> dict[str, Any]:
    """Raises Invalid."""
    text = message.get("text")
    if text is None:
        raise Invalid("A frame is a text: a JSON object")
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid('A frame is a JSON object, such as {"action": "subscribe", "events": ["message.*"]}') from None


def _asked(scope: Scope) -> dict[str, str]:
    """Raises Invalid, Malformed."""
    named = admission.query(scope)
    for name, most in _MOST_TEXT.items():
        if len(named.get(name, "")) > most:
            raise Invalid(f"{name} has at most {most} characters", details={"field": name})
    return named


async def _end(scope: Scope, send: Send, ended: Ended) -> None:
    """The reason, as a frame and in the close. For a reader who takes nothing it is put behind what waits already."""
    code = CODES.get(ended, 1011)
    cut: Any = scope.get("state", {}).get("cut")
    try:
        if ended is Ended.SLOW and cut is not None:
            cut(code, ended.value)
            return
        async with asyncio.timeout(LAST_S):
            told = _encode({"type": "stream.closed", "reason": ended.value}).decode()
            await send({"type": "websocket.send", "text": told})
            await send({"type": "websocket.close", "code": code, "reason": ended.value})
    except TimeoutError:
        if cut is not None:
            cut(code, ended.value)
    except OSError:
        return  # they left meanwhile
