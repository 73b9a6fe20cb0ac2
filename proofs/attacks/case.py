"""What an attack is, what it finds, and what it can use."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
    """`id` is the row of the threat model that it belongs to; a row holds when each of its cases does.

    `beside`: it mostly waits, and is run while the others are.
    """

    id: str
    what: str
    run: Callable[[Context], Awaitable[Found]]
    beside: bool = False


@dataclass(slots=True)
class Context:
    """A service that holds one admin, and its data centre. Cases make what else they need; nothing is cleaned up."""

    gateway: GatewayProcess
    sandbox: SandboxProcess
    folder: Path
    admin: str = ""
    _made: int = 0
    _accounts: dict[str, Account] = field(default_factory=dict)
    _beside: dict[str, Context] = field(default_factory=dict)

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

    async def person(self, name: str = "Person", **more: Any) -> str:
        """The phone of a new account at the data centre."""
        self._made += 1
        phone = f"+1555{7_000_000 + self._made + id(self) % 1_000_000}"
        await self.sandbox.control.post("/accounts", {"phone": phone, "firstName": name, **more})
        return phone

    async def account(self, name: str = "") -> Account:
        """A new user whose session is logged in; the same one for the same name."""
        if name and name in self._accounts:
            return self._accounts[name]
        user = await self.user()
        account = await self.session(user)
        if name:
            self._accounts[name] = account
        return account

    async def session(self, user: User) -> Account:
        """One more session of this user, of an account of its own, logged in."""
        phone = await self.person()
        begun = await self.begun(user, phone)
        await self.data("POST", "/api/v1/sessions/verify-code", await self.code(phone, begun), token=user.access)
        return Account(user, begun["sessionId"], phone)

    async def begun(self, user: User, phone: str) -> dict[str, Any]:
        """A login whose code was sent."""
        self._made += 1
        body = {"name": f"session {self._made}", "phoneNumber": phone}
        told: dict[str, Any] = await self.data("POST", "/api/v1/sessions", body, token=user.access)
        return told

    async def code(self, phone: str, begun: Mapping[str, Any]) -> dict[str, Any]:
        """What verify-code takes."""
        code = (await self.sandbox.control.get(f"/accounts/{phone}/code"))["code"]
        return {"sessionId": begun["sessionId"], "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]}

    async def strict(self) -> Context:
        """Another service at the same data centre, with budgets as small as they are by default, or smaller."""
        limits = {"RATE_LIMIT_MAX": "100", "CODE_BUDGET_PER_HOUR": "3", "FIRST_CONTACTS_PER_DAY": "2"}
        return await self._another("strict", limits)

    async def fetching(self) -> Context:
        """Another service at the same data centre, which may fetch files from this machine: of 3 MB at most."""
        return await self._another("fetching", {"WEBHOOK_ALLOW_NETS": "127.0.0.1/32", "UPLOAD_MOST_BYTES": "3000000"})

    async def _another(self, name: str, settings: Mapping[str, str]) -> Context:
        if name not in self._beside:
            gateway = GatewayProcess(self.folder / name, self.sandbox.info, **settings)
            other = self._beside[name] = Context(gateway, self.sandbox, self.folder / name)
            await gateway.start()
            await other.start()
        return self._beside[name]

    async def stop(self) -> None:
        """End what was started beside the service."""
        for other in self._beside.values():
            await other.gateway.kill()

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
        return self.log_of("gateway/gateway.log")

    def log_of(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    access: str
    jwt: str
    key: str


@dataclass(frozen=True, slots=True)
class Account:
    """A user's session that is logged in."""

    user: User
    session: str
    phone: str


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
