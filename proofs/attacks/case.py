"""What an attack is, what it finds, and what it can use."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.people import log_in
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess
from proofs.wire import Caller, Reply, Wire, request

PASSWORD = "an attacked user's password"


@dataclass(frozen=True, slots=True)
class Found:
    """`shown` is what happened, in a few words."""

    held: bool
    shown: str


@dataclass(frozen=True, slots=True)
class Case:
    """`id` is the row of the threat model that it belongs to; a row holds when each of its cases does."""

    id: str
    what: str
    run: Callable[[Context], Awaitable[Found]]


@dataclass(slots=True)
class Context:
    """A service that holds one admin, and its data centre. Cases make what else they need; nothing is cleaned up."""

    gateway: GatewayProcess
    sandbox: SandboxProcess
    folder: Path
    admin: str = ""
    _made: int = 0

    async def start(self) -> None:
        self.admin = await log_in(self.gateway.port, "admin", ADMIN_PASSWORD)

    async def user(self, **fields: Any) -> User:
        """A new user with tokens of both APIs and a key."""
        self._made += 1
        name = f"user{self._made}"
        body = {"name": name, "password": PASSWORD, **fields}
        made = (await self.data("POST", "/api/v1/users", body, token=self.admin))["id"]
        access = await log_in(self.gateway.port, name, PASSWORD)
        both = await self.data("POST", "/api/v1/auth/login", {"name": name, "password": PASSWORD})
        return User(made, name, access, both["jwt"], both["apiKey"])

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "", raw: bytes = b"", **more: str
    ) -> Reply:
        """One request on a connection of its own."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if key:
            headers["x-api-key"] = key
        if body is not None:
            raw = json.dumps(body).encode()
        if raw:
            headers.setdefault("content-type", "application/json")
        return await self.send(request(method, path, headers, raw))

    async def send(self, data: bytes, *, source: str = "127.0.0.1", within: float = 60.0) -> Reply:
        """Bytes as they are, from this address of the loopback."""
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(Wire, "127.0.0.1", self.gateway.port, local_addr=(source, 0))
        try:
            async with asyncio.timeout(within):
                return await wire.ask(data)
        finally:
            wire.close()

    async def form(self, path: str, fields: Mapping[str, str]) -> Reply:
        caller = Caller(self.gateway.port)
        try:
            return await caller.ask("POST", path, dict(fields), form=True)
        finally:
            caller.close()

    async def data(self, method: str, path: str, body: Any = None, **more: str) -> Any:
        """The data of an answer that must be a success."""
        reply = await self.ask(method, path, body, **more)
        if reply.status not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.body[:200]!r}")
        return reply.json()["data"]

    def log(self) -> str:
        """What the service has logged so far."""
        return (self.folder / "gateway" / "gateway.log").read_text("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    access: str
    jwt: str
    key: str


def statuses(replies: Iterable[Reply], *allowed: int) -> Found:
    """Held when each is one of these."""
    seen = Counter(reply.status for reply in replies)
    return Found(bool(seen) and set(seen) <= set(allowed), told(seen))


def told(seen: Mapping[int, int]) -> str:
    return ", ".join(f"{status} ×{count}" for status, count in sorted(seen.items()))


def together(*found: Found) -> Found:
    return Found(all(one.held for one in found), "; ".join(one.shown for one in found if one.shown))


def that(held: bool, shown: str) -> Found:
    return Found(held, shown if held else f"NOT: {shown}")
