"""Ann and Ben, strangers to each other, each with all that a user can have; and an admin with a session of theirs.

Everybody's ids lie in `Owner.ids` by kind; those of a message are higher than any that a stranger has.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from proofs.people import PASSWORD, log_in
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess
from proofs.sender import Named, telethon
from proofs.wire import Caller, until

V1 = "/api/v1"
PHONES = {"ann": "+15550410001", "ben": "+15550410002", "admin": "+15550410003"}
SECOND = "+15550410012"
FRIENDS = {"ann": "+15550410021", "ben": "+15550410022", "admin": "+15550410023"}
NOTES = {"ann": 60, "ben": 6, "admin": 6}
"""How many messages an account has had: the higher numbers of one are no numbers of another."""
WITHIN = 30.0
NOWHERE = "http://127.0.0.1:59999/nobody"


@dataclass
class Owner:
    """A user of the service. `ids`: kind → what is theirs."""

    name: str
    token: str
    caller: Caller
    ids: dict[str, Any] = field(default_factory=dict)
    limited: Caller | None = None


class KeyCaller(Caller):
    """Asks with an API key in the place of a token."""

    key: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return await super().ask(method, path, body, **more, x_api_key=self.key)


class Stand:
    """See the module."""

    def __init__(self, gateway: GatewayProcess, sandbox: SandboxProcess) -> None:
        self.gateway = gateway
        self.sandbox = sandbox
        self.owners: dict[str, Owner] = {}

    async def set_up(self) -> None:
        admin = self.gateway.caller(await log_in(self.gateway.port, "admin", ADMIN_PASSWORD))
        for name in ("ann", "ben"):
            await admin.post(f"{V1}/users", {"name": name, "password": PASSWORD})
        admin.close()
        for name, phone in PHONES.items():
            await self._account(phone, name.title())
            await self._account(FRIENDS[name], f"{name.title()}s friend")
            self.owners[name] = await self._owner(name)
        await self._account(SECOND, "Ben too")
        ben = self.owners["ben"]
        ben.ids["second session"] = await self.session(ben, SECOND, "the other one")
        sent = await _data(ben.caller, "POST", "/messages/send?async=true", self._note(ben.ids["second session"]), 202)
        ben.ids["second job"] = sent["id"]
        ben.limited = await self.limited(ben, [ben.ids["session"]])

    async def _account(self, phone: str, name: str) -> None:
        await self.sandbox.control.post("/accounts", {"phone": phone, "firstName": name})

    async def _owner(self, name: str) -> Owner:
        password = ADMIN_PASSWORD if name == "admin" else PASSWORD
        token = await log_in(self.gateway.port, name, password)
        owner = Owner(name, token, self.gateway.caller(token))
        user = await _data(owner.caller, "GET", "/auth/me")
        session = await self.session(owner, PHONES[name], "mine")
        phone, friend = PHONES[name], FRIENDS[name]
        room = await self.act(phone, "createChannel", title="Room", kind="megagroup", members=[friend])
        group = await self.act(phone, "createGroup", title="Group", members=[friend])
        owner.ids |= {"user": user["id"], "username": name, "session": session}
        spare = await self.act(phone, "createGroup", title="Spare", members=[friend])
        owner.ids |= {"chat": str(room["chatId"]), "group": str(group["chatId"]), "spare group": str(spare["chatId"])}
        await self.act(phone, "send", to=friend, text="note {n}", times=NOTES[name])
        await self.act(phone, "send", to=room["chatId"], text="note {n}", times=NOTES[name])
        sent = await _data(owner.caller, "POST", "/messages/send", {**self._note(session), "chatId": friend}, 201)
        owner.ids |= {"person": sent["chatId"], "message": sent["id"]}
        posted = await _data(owner.caller, "POST", "/messages/send?async=true", self._note(session), 202)
        owner.ids["job"] = posted["id"]
        owner.ids["file"] = await self.file(owner, phone)
        owner.ids["key"] = await self.spare_key(owner)
        owner.ids["webhook"] = await self.webhook(owner)
        owner.ids["broadcast"] = await self.broadcast(owner)
        owner.ids["opt-out"] = await self.opt_out(owner, f"@nobody_of_{name}")
        path = f"/webhooks/{owner.ids['webhook']}"
        owner.ids["delivery"] = (await _data(owner.caller, "POST", f"{path}/test"))["id"]
        recovery = await _data(owner.caller, "POST", f"{path}/recoveries", {"since": "2026-01-01T00:00:00Z"}, 202)
        owner.ids["recovery"] = recovery["id"]
        listed = await _data(owner.caller, "GET", f"/chats?sessionId={session}")
        known = {one["id"] for one in listed}
        if not {owner.ids["chat"], owner.ids["group"]} <= known:
            raise RuntimeError(f"{name} has not the chats that were made")
        return owner

    def _note(self, session: str) -> dict[str, Any]:
        return {"sessionId": session, "chatId": "me", "text": "a note"}

    async def session(self, owner: Owner, phone: str, name: str) -> str:
        """Logged in by code, and online."""
        begun = await _data(owner.caller, "POST", "/sessions", {"name": name, "phoneNumber": phone}, 201)
        code = (await self.sandbox.control.get(f"/accounts/{_quoted(phone)}/code"))["code"]
        session: str = begun["sessionId"]
        body = {"sessionId": session, "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]}
        await _data(owner.caller, "POST", "/sessions/verify-code", body)

        async def online() -> bool:
            return bool((await _data(owner.caller, "GET", f"/sessions/{session}"))["isActive"])

        await until(online, WITHIN)
        return session

    async def limited(self, owner: Owner, sessions: list[str]) -> KeyCaller:
        body = {"name": "limited", "scopes": ["write"], "sessionIds": sessions}
        made = await _data(owner.caller, "POST", "/keys", body, 201)
        caller = KeyCaller(self.gateway.port)
        caller.key = made["key"]
        return caller

    async def webhook(self, owner: Owner) -> str:
        """Of one session; nobody listens where it sends to."""
        body = {"url": NOWHERE, "events": ["message.*"], "sessionIds": [owner.ids["session"]], "retryPolicy": "none"}
        return str((await _data(owner.caller, "POST", "/webhooks", body, 201))["id"])

    async def file(self, owner: Owner, phone: str) -> str:
        """One that the account has sent to itself, from another program."""
        async with telethon(self.sandbox, phone) as client:
            await client.send_file("me", Named(b"a small file", "small.txt"), force_document=True)
        path = f"/messages/history?sessionId={owner.ids['session']}&chatId=me&limit=5"
        found = await _data(owner.caller, "GET", path)
        return str(next(one["media"]["fileId"] for one in found if "media" in one))

    async def broadcast(self, owner: Owner) -> str:
        """A draft."""
        body = {
            "sessionId": owner.ids["session"],
            "text": "a note",
            "consent": "they asked for it themselves",
            "recipients": [{"to": "me"}],
        }
        return str((await _data(owner.caller, "POST", "/broadcasts", body, 201))["id"])

    async def opt_out(self, owner: Owner, peer: str) -> str:
        return str((await _data(owner.caller, "POST", "/opt-outs", {"peer": peer}, 201))["id"])

    async def spare_key(self, owner: Owner) -> str:
        made = await _data(owner.caller, "POST", "/keys", {"name": "spare", "scopes": ["read"]}, 201)
        return str(made["id"])

    async def waiting_session(self, owner: Owner, name: str) -> str:
        """A login by QR code that nobody scans."""
        return str((await _data(owner.caller, "POST", "/sessions/qr", {"name": name}, 201))["sessionId"])

    async def made_user(self, name: str) -> dict[str, Any]:
        body = {"name": name, "password": PASSWORD}
        made: dict[str, Any] = await _data(self.owners["admin"].caller, "POST", "/users", body, 201)
        return made

    async def act(self, phone: str, do: str, **body: Any) -> dict[str, Any]:
        path = f"/accounts/{_quoted(phone)}/act"
        told: dict[str, Any] = await self.sandbox.control.post(path, {"do": do, **body})
        return told

    def close(self) -> None:
        for owner in self.owners.values():
            owner.caller.close()
            if owner.limited is not None:
                owner.limited.close()


async def _data(caller: Caller, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    reply = await caller.ask(method, V1 + path, body)
    if reply.status != status:
        raise RuntimeError(f"{method} {path}: {reply.status} {reply.body[:300]!r}")
    return reply.json()["data"]


def _quoted(phone: str) -> str:
    return urllib.parse.quote(phone)
