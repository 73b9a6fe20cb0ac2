"""Where a case plays: a data centre, the control API, and clients that know nothing of either.

A case injects rules through the control API, lets a client live through them and tells what it lived through, or
raises `UnlikeError`. Whether the ledger knows of the rules is judged here for all of them.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from telethon import TelegramClient
from telethon.errors import InvalidBufferError
from telethon.sessions import MemorySession
from telethon.tl import functions, types

from proofs.bare import WAIT, Line
from proofs.process import SandboxProcess
from proofs.wire import Caller

SEND, NEAREST = "messages.sendMessage", "help.getNearestDc"
FIRST_PHONE = 15_550_700_000


class UnlikeError(Exception):
    """The client lived through something else."""


@dataclass(frozen=True, slots=True)
class Case:
    """One variant of a verb, what a client is to experience, and how that is found out."""

    verb: str
    variant: str
    due: str
    play: Callable[[Stage], Awaitable[str]]
    alone: bool = False
    """Whether it concerns everybody, so that no other case may be played meanwhile."""


def expect(holds: object, saw: object) -> None:
    if not holds:
        raise UnlikeError(str(saw))


async def within(work: Awaitable[Any], seconds: float = WAIT) -> Any:
    return await asyncio.wait_for(work, seconds)


async def raises(kind: type[BaseException], work: Awaitable[Any], seconds: float = WAIT) -> Any:
    """The error of this kind that the client raises."""
    try:
        got = await within(work, seconds)
    except kind as error:
        return error
    except Exception as error:
        raise UnlikeError(f"{type(error).__name__}: {error}") from error
    raise UnlikeError(f"answered: {type(got).__name__}")


async def silent(work: Awaitable[Any], seconds: float = 0.25) -> asyncio.Future[Any]:
    """`work` as it goes on, after it has not ended for a time."""
    going = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({going}, timeout=seconds)
    expect(not done, f"answered at once: {done}")
    return going


class Stage:
    """See the module."""

    def __init__(self, sandbox: SandboxProcess, numbers: Iterator[int]) -> None:
        self.sandbox = sandbox
        self.address = str(sandbox.info["host"]), int(sandbox.info["port"])
        self.control = Caller(sandbox.control.port)
        self._numbers = numbers
        self._clients: list[Any] = []
        self._lines: list[Line] = []
        self._rules: list[int] = []
        self.injected: list[str] = []

    async def noted(self) -> list[int]:
        """The ledger's number of the first line about each rule. Raises UnlikeError when one has none."""
        rows = await self.control.get("/ledger/calls?limit=100000")
        first: dict[int, int] = {}
        for row in rows:
            for fault in row["faults"]:
                first.setdefault(fault["id"], row["seq"])
        expect(set(self._rules) <= set(first), "not in the ledger")
        return [first[rule] for rule in self._rules]

    async def end(self) -> None:
        """Nothing of the case is left: rules, connections."""
        for rule in self._rules:
            await self.remove(rule)
        for line in self._lines:
            line.close()
        for client in self._clients:
            with suppress(Exception):
                await asyncio.wait_for(client.disconnect(), 1)
        self.control.close()

    # What cases use.

    async def inject(self, verb: str, match: dict[str, Any] | None = None, **args: Any) -> int:
        answer = await self.control.post("/faults", {"verb": verb, "match": match or {}, "args": args})
        rule: int = answer["id"]
        self._rules.append(rule)
        self.injected.append(", ".join(match or {}) or "everybody")
        return rule

    async def remove(self, rule: int) -> None:
        await self.control.ask("DELETE", f"/faults/{rule}")

    async def person(self, **more: Any) -> str:
        """Somebody new: the phone."""
        number = next(self._numbers)
        phone = f"+{FIRST_PHONE + number}"
        await self.control.post("/accounts", {"phone": phone, "firstName": f"P{number}", **more})
        return phone

    async def about(self, phone: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.control.get(f"/accounts/{urllib.parse.quote(phone)}")
        return found

    async def code(self, phone: str) -> str:
        found = await self.control.get(f"/accounts/{urllib.parse.quote(phone)}/code")
        return str(found["code"])

    async def say(self, by: str, to: str, *texts: str) -> None:
        for text in texts:
            path = f"/accounts/{urllib.parse.quote(by)}/act"
            await self.control.post(path, {"do": "send", "to": to, "text": text})

    async def committed(self, random_id: int) -> int:
        """How many messages there are with it."""
        return len(await self.control.get(f"/ledger/messages?randomId={random_id}"))

    async def stranger(self, **options: Any) -> Any:
        """A connected Telethon with nobody in it."""
        session = MemorySession()
        session.set_dc(int(self.sandbox.info["dcId"]), *self.address)
        settings = {"receive_updates": False, "connection_retries": None, "retry_delay": 0.02, "request_retries": 1}
        settings |= {"flood_sleep_threshold": 0, "timeout": 2} | options
        while True:
            client = TelegramClient(session, 1, "hash", **settings)
            self._clients.append(client)
            try:
                await within(client.connect())
            except InvalidBufferError:
                # Telethon gets one factorisation in some hundreds wrong; the case's own time is the end of trying
                continue
            return client

    async def client(self, phone: str, **options: Any) -> Any:
        """A Telethon that is logged in."""
        client = await self.stranger(**options)
        await within(client.send_code_request(phone))
        await within(client.sign_in(phone, await self.code(phone)))
        return client

    async def line(self, phone: str) -> Line:
        """A session made by hand on the key of a Telethon that was logged in, and that wants updates."""
        client = await self.client(phone)
        key, salt = client.session.auth_key.key, client._sender._state.salt  # noqa: SLF001 - told nowhere else
        await client.disconnect()
        line = await Line(self.address, key, salt).open()
        self._lines.append(line)
        await line.call(functions.updates.GetStateRequest())
        await line.ping()
        return line

    async def alone(self) -> tuple[str, Line]:
        """Somebody new, with a session made by hand."""
        phone = await self.person()
        return phone, await self.line(phone)

    async def friends(self, **options: Any) -> tuple[str, Any, str, Any]:
        """A phone with its Telethon, and the phone and the peer of somebody to write to."""
        mine, theirs = await self.person(), await self.person()
        client = await self.client(mine, **options)
        return mine, client, theirs, await peer(client, theirs)


async def peer(client: Any, phone: str) -> Any:
    """Somebody by the phone, as `client` (a Telethon or a line) names them."""
    ask = client.call if isinstance(client, Line) else client
    found = await within(ask(functions.contacts.ResolvePhoneRequest(phone)))
    return types.InputPeerUser(found.users[0].id, found.users[0].access_hash)


def sending(to: Any, random_id: int, text: str = "hello") -> Any:
    return functions.messages.SendMessageRequest(to, text, random_id=random_id)


def texts(pushed: Iterable[Any]) -> list[str]:
    """The texts of new messages among pushed updates."""
    found = []
    for update in pushed:
        if isinstance(update, types.UpdateShortMessage):
            found.append(update.message)
        elif isinstance(update, types.Updates):
            news = (types.UpdateNewMessage, types.UpdateNewChannelMessage)
            found += [each.message.message for each in update.updates if isinstance(each, news)]
    return found


NEAREST_REQUEST = functions.help.GetNearestDcRequest()
