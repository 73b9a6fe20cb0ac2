"""Ann, signed in through the service, with Bob, a basic group, a supergroup and a channel of hers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from teleflow.kit.ids import random_int64
from teleflow.model.jobs import Text
from teleflow.model.operations.sending import SendText
from teleflow.model.peers import PeerRef, RefForm
from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged

KINDS = ("private", "group", "supergroup", "channel")
V1 = "/api/v1"


class Scene:
    """`chats` has the marked id of each kind of chat, `ids` who is who."""

    def __init__(self, rig: Rig, headers: dict[str, str]) -> None:
        self.rig = rig
        self.headers = headers
        self.session = ""
        self.chats: dict[str, int] = {}
        self.ids: dict[str, int] = {}

    async def made(self) -> Scene:
        storage, user = self.rig.gateway.storage, await self.rig.gateway.storage.user_named("ann")
        assert user is not None
        self.session = (await storage.sessions(user.id, limit=1))[0].id
        self.ids = {one["firstName"]: one["id"] for one in self.rig.sandbox.control.accounts()}
        people = {"members": [BOB, EVE]}
        group = await self.act(ANN, "createGroup", title="Group", **people)
        club = await self.act(ANN, "createChannel", title="Club", kind="megagroup", username="the_club", **people)
        news = await self.act(ANN, "createChannel", title="News", kind="broadcast", about="All of it", **people)
        made = (self.ids["Bob"], group["chatId"], club["chatId"], news["chatId"])
        self.chats = dict(zip(KINDS, made, strict=True))
        return self

    async def act(self, phone: str, do: str, **body: Any) -> dict[str, Any]:
        return await self.rig.sandbox.control.act(phone, {"do": do, **body})

    async def say(self, kind: str, text: str, *, by: str = ANN) -> int:
        """Somebody writes from another device; the number that the message has for Ann."""
        chat = self.chats[kind]
        to = self.ids["Ann"] if kind == "private" and by != ANN else chat
        sent = await self.act(by, "send", to=to, text=text)
        own = by == ANN or kind in {"supergroup", "channel"}
        return int(sent["messageId" if own else "recipientMessageId"]) if kind != "group" or own else self.last(kind)

    async def schedule(self, kind: str, text: str, at: int) -> None:
        """Ann has Telegram send something later."""
        runner, directory = self.rig.gateway.runner, self.rig.gateway.directory
        peer = await directory.find(self.session, PeerRef(RefForm.ID, self.chats[kind]), within=10)
        await runner.call(self.session, SendText(peer, Text(text, schedule=at), random_int64()), within=10)

    def last(self, kind: str) -> int:
        box = self.rig.sandbox.world.messages.box(self.ids["Ann"])
        return max(box.dialogs[self.chats[kind]].ids)

    # -- over HTTP ----------------------------------------------------------------------------------------

    async def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        params = {"sessionId": self.session, **query}
        return self.read(await self.rig.http.get(V1 + path, params=params, headers=self.headers), status)

    async def drop(self, path: str, *, status: int = 200, **query: Any) -> Any:
        params = {"sessionId": self.session, **query}
        return self.read(await self.rig.http.delete(V1 + path, params=params, headers=self.headers), status)

    async def post(self, path: str, *, status: int = 200, **body: Any) -> Any:
        sent = {"sessionId": self.session, **body}
        return self.read(await self.rig.http.post(V1 + path, json=sent, headers=self.headers), status)

    @staticmethod
    def read(answer: httpx2.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        told = answer.json()
        assert told["success"] is (status < 400)
        if status >= 400:
            return told["error"]
        return told["data"] if set(told) == {"success", "data"} else told

    # -- what really happened -----------------------------------------------------------------------------

    def updates(self, phone: str) -> list[Any]:
        return [line["kind"] for line in self.rig.sandbox.control.ledger_updates(phone=phone, limit=1000)]

    async def restarted(self) -> None:
        """The service forgets what it had in memory."""
        await self.rig.stop()
        await self.rig.start()
        self.headers = await self.rig.token("ann")
        async with asyncio.timeout(20):
            while self.rig.gateway.runner.count < 1:
                await asyncio.sleep(0.02)

    def calls(self, method: str) -> int:
        return self.rig.calls(method)

    def history_of(self, kind: str) -> list[Any]:
        """The messages as the sandbox keeps them for Ann, oldest first."""
        world = self.rig.sandbox.world
        chat = self.chats[kind]
        if kind in {"supergroup", "channel"}:
            box = world.messages.box(chat)
            return [box.messages[number] for number in sorted(box.messages)]
        box = world.messages.box(self.ids["Ann"])
        return [box.messages[number] for number in sorted(box.dialogs[chat].ids)]


@asynccontextmanager
async def scene(data: Path, **settings: Any) -> AsyncIterator[Scene]:
    async with rigged(data, **settings) as rig:
        headers = await rig.connected("ann", ANN)
        yield await Scene(rig, headers).made()


__all__ = ["ANN", "BOB", "EVE", "KINDS", "V1", "Scene", "scene"]
