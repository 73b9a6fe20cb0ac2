"""Happenings of every sort in every kind of chat, and the events that are to tell of them.

Each is provoked at the data centre or through the API; what Telegram sent for it is noted as it passes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.integration.events.test_following import Log
from tests.integration.gateway.rig import ANN, BOB, EVE

KINDS = ("user", "group", "supergroup", "channel")
OTHER, DEVICE, API = "another person", "another device", "the API"


@dataclass
class Stage:
    """Ann's log, and a chat of one kind. `chat` is where the others write, `own` where Ann may do everything."""

    log: Log
    kind: str
    chat: Any = None
    own: Any = None
    told_by: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    @classmethod
    async def set(cls, log: Log, kind: str) -> Stage:
        stage = cls(log, kind)
        stage._listen()
        match kind:
            case "user":
                stage.chat = stage.own = BOB
            case "group":
                made = await stage.by(BOB, "createGroup", title="Few", members=[ANN, EVE])
                stage.chat = stage.own = made["chatId"]
            case _:
                megagroup = "megagroup" if kind == "supergroup" else "broadcast"
                made = await stage.by(BOB, "createChannel", title="Club", kind=megagroup, members=[ANN])
                stage.chat = made["chatId"]
                if kind == "supergroup":
                    await stage.by(BOB, "invite", chat=stage.chat, members=[EVE])
                mine = await stage.by(ANN, "createChannel", title="Mine", kind=megagroup, members=[BOB, EVE])
                stage.own = mine["chatId"]
        await stage.hears("before", stage.chat)
        return stage

    def _listen(self) -> None:
        """Note which update each event is told from."""
        live = self.log.rig.gateway.runner.live(self.log.session_id)
        assert live is not None
        assert live.tap.updates is not None
        teller: Any = live.tap.updates._teller  # type: ignore[attr-defined]
        tell = teller.tell

        def telling(update: Any, *rest: Any, **more: Any) -> Any:
            told = tell(update, *rest, **more)
            name = type(update).__name__
            for event in told.events:
                self.told_by.setdefault(event.id, name[0].lower() + name[1:])
            return told

        teller.tell = telling

    async def by(self, phone: str, do: str, **more: Any) -> Any:
        return await self.log.act(phone, do=do, **more)

    async def api(self, method: str, path: str, **body: Any) -> Any:
        body = {"sessionId": self.log.session_id, **body}
        answer = await self.log.rig.http.request(
            method,
            f"/api/v1{path}",
            headers=self.log.headers,
            **({"params": body} if method == "DELETE" else {"json": body}),
        )
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    async def next(self, type_: str, **wanted: Any) -> dict[str, Any]:
        """The next event of this type after what was seen, with these values in its data."""

        async def look() -> dict[str, Any]:
            while True:
                events, _ = await self.log.rig.gateway.storage.events_after(
                    self.log.user_id, after=self.seen, limit=1000
                )
                for event in events:
                    told = json.loads(event.body)
                    if event.type == type_ and all(told["data"].get(k) == v for k, v in wanted.items()):
                        return {**told["data"], "_id": event.id, "_number": event.number}
                await asyncio.sleep(0.01)

        try:
            return await asyncio.wait_for(look(), 10)
        except TimeoutError:
            events, _ = await self.log.rig.gateway.storage.events_after(self.log.user_id, after=self.seen, limit=1000)
            raise AssertionError(f"no {type_} with {wanted}, but {[json.loads(e.body) for e in events]}") from None

    async def forget(self) -> None:
        """What has happened until now is no news."""
        ends = await self.log.rig.gateway.storage.log_ends(self.log.user_id)
        self.seen = ends.newest

    async def hears(self, text: str, chat: Any) -> dict[str, Any]:
        """Bob writes; Ann's own number of it, and his."""
        to = ANN if self.kind == "user" else chat
        sent = await self.by(BOB, "send", to=to, text=text)
        got = await self.next("message.received", text=text)
        return {"hers": got["messageId"], "his": sent["messageId"], "chatId": got["chatId"]}

    async def says(self, text: str) -> dict[str, Any]:
        """Ann writes by the API; her number of it, and Bob's."""
        sent = await self.api("POST", "/messages/send", chatId=str(self.own), text=text)
        return {"hers": sent["id"], "his": self._his(text) or sent["id"], "chatId": sent["chatId"]}

    def _his(self, text: str) -> int:
        """Bob's own number of a message in a private chat or basic group, where everybody counts for themselves."""
        world = self.log.rig.sandbox.world
        bob = world.people.by_phone(BOB.removeprefix("+"))
        peer = world.people.by_phone(ANN.removeprefix("+")).id if self.kind == "user" else self.own
        held = world.messages.place(bob.id, peer).messages
        return max((number for number, one in held.items() if one.text == text), default=0)

    def at(self, *, own: bool = False) -> dict[str, Any]:
        """Where others (or Ann's phone) act."""
        if self.kind == "user":
            return {"to": BOB if own else ANN}
        return {"chat": self.own if own else self.chat, "to": self.own if own else self.chat}


Provoke = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Cell:
    """One happening: the types that tell of it (in groups and in channels others beside), who does it, where."""

    types: tuple[str, ...]
    by: str
    kinds: tuple[str, ...]
    provoke: Provoke
    data: tuple[str, ...] = ()
    in_groups: tuple[str, ...] = ()
    in_channels: tuple[str, ...] = ()

    def types_in(self, kind: str) -> tuple[str, ...]:
        more = {"group": self.in_groups, "supergroup": self.in_groups, "channel": self.in_channels}.get(kind, ())
        return (*self.types, *more)
