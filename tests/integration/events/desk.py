"""Two users with a session each, and a service on a socket, as readers of streams meet it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from teleflow.api.server import HttpServer
from teleflow.kit.clock import Clock, SystemClock
from teleflow.model.events import EventType, NewEvent, event_id
from tests.integration.gateway.rig import ANN, BOB, Rig, rigged

NOW = 2_000_000_000_000


class Desk:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.users: dict[str, tuple[str, str, dict[str, str]]] = {}
        self.port = 0
        self.server: HttpServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def seat(self, name: str, phone: str) -> None:
        headers = await self.rig.connected(name, phone)
        user = await self.rig.gateway.storage.user_named(name)
        assert user is not None
        session = await self.rig.gateway.storage.session_named(user.id, name)
        assert session is not None
        self.users[name] = (user.id, session.id, headers)

    async def listen(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        self.server = HttpServer(self.rig.gateway.app, listening, clock=SystemClock())
        await self.server.start()

    async def happen(
        self, name: str, *numbers: int, type_: EventType = EventType.MESSAGE_RECEIVED, text: str = "hello"
    ) -> None:
        user_id, session_id, _ = self.users[name]
        events = [
            NewEvent(event_id(session_id, type_, n), type_, session_id, NOW + n, {"n": n, "text": text}, n % 7)
            for n in numbers
        ]
        assert await self.rig.gateway.storage.append_events(user_id, events, now=NOW, session_id=session_id)

    async def key(self, name: str, scopes: tuple[str, ...] = ("read",), **more: Any) -> dict[str, Any]:
        """A key of a user, as a reader of that key's name."""
        body = {"name": "reader", "scopes": list(scopes), **more}
        made = await self.rig.http.post("/api/v1/keys", json=body, headers=self.users[name][2])
        assert made.status_code == 201, made.text
        key: dict[str, Any] = made.json()["data"]
        self.users["key"] = (*self.users[name][:2], {"x-api-key": key["key"]})
        return key

    async def ticket(self, name: str, **body: Any) -> str:
        answer = await self.rig.http.post("/api/v1/events/tickets", json=body, headers=self.users[name][2])
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["ticket"])

    async def log(self, name: str, status: int = 200, **query: Any) -> Any:
        answer = await self.rig.http.get("/api/v1/events/log", params=query, headers=self.users[name][2])
        assert answer.status_code == status, answer.text
        return answer.json()["data"] if status == 200 else answer.json()["error"]

    async def everything(self, name: str, **query: Any) -> list[Any]:
        found: list[Any] = []
        after = None
        while True:
            page = await self.log(name, **query, **({"after": after} if after else {}))
            found += page["items"]
            after = page["nextCursor"]
            if not page["hasMore"]:
                return found

    @asynccontextmanager
    async def stream(self, name: str | None, headers: dict[str, str] | None = None, **query: Any) -> AsyncIterator[Any]:
        """Lines of a stream, as blocks."""
        async with httpx2.AsyncClient(timeout=20) as client:
            sent = {**(self.users[name][2] if name else {}), **(headers or {})}
            async with client.stream("GET", f"{self.url}/api/v1/events", params=query, headers=sent) as answer:
                assert answer.status_code == 200, await answer.aread()
                assert answer.headers["content-type"].startswith("text/event-stream")
                yield _blocks(answer)

    @asynccontextmanager
    async def socket(
        self, name: str | None, headers: dict[str, str] | None = None, **query: Any
    ) -> AsyncIterator[ClientConnection]:
        asked = "&".join(f"{key}={value}" for key, value in query.items())
        sent = {**(self.users[name][2] if name else {}), **(headers or {})}
        url = f"ws://127.0.0.1:{self.port}/api/v1/ws?{asked}"
        async with connect(url, additional_headers=sent, proxy=None, close_timeout=0.2) as connection:
            yield connection


async def _blocks(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    block: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            block[name] = value
        elif block:
            yield block
            block = {}


def is_event(block: dict[str, str]) -> bool:
    return "id" in block and block.get("event", "stream.").partition(".")[0] != "stream"


async def take(blocks: AsyncIterator[dict[str, str]], count: int) -> list[Any]:
    """The data of the next so many events."""
    found: list[Any] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            block = await anext(blocks)
            if is_event(block):
                event = json.loads(block["data"])
                assert (block["id"], block["event"]) == (event["id"], event["type"])
                found.append(event)
    return found


async def hear(connection: ClientConnection, within: float = 10) -> Any:
    """The next frame."""
    async with asyncio.timeout(within):
        return json.loads(await connection.recv())


async def heard(connection: ClientConnection, count: int) -> list[Any]:
    """The next so many events."""
    found: list[Any] = []
    while len(found) < count:
        frame = await hear(connection)
        if "data" in frame:
            found.append(frame)
    return found


async def say(connection: ClientConnection, **frame: Any) -> Any:
    """The answer to a frame; events that come before it are passed over."""
    await connection.send(json.dumps(frame))
    while True:
        told = await hear(connection)
        if "data" not in told:
            return told


@asynccontextmanager
async def seated(folder: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Desk]:
    async with rigged(folder, clock=clock, event_retention_most=100_000, **settings) as rig:
        made = Desk(rig)
        await made.seat("ann", ANN)
        await made.seat("bob", BOB)
        await made.listen()
        yield made
        await made.server.stop(grace=0.2)


def mine(items: list[Any]) -> list[int]:
    return [item["data"]["n"] for item in items if item["type"] == "message.received" and "n" in item["data"]]
