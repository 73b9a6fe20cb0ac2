"""The people and chats of the walk, and two unmodified Telethons that see what really happened.

Ann's account is driven by the service; `own` is another device of hers, `bob` the person at the other end.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import struct
import urllib.parse
from pathlib import Path
from typing import Any

from telethon import TelegramClient, types, utils
from telethon.crypto import AuthKey, rsa
from telethon.errors import InvalidBufferError, SecurityError
from telethon.sessions import MemorySession

from proofs.people import PASSWORD, log_in
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess
from proofs.seed2.contract import CHANNEL, GROUP, PRIVATE, SUPERGROUP

ANN, BOB, EVE, FAY, GUS = (f"+1555030000{number}" for number in range(1, 6))
NAMES = {ANN: "Ann", BOB: "Bob", EVE: "Eve", FAY: "Fay", GUS: "Gus"}
CLOUD_PASSWORD = "correct horse battery"
USER = "ann"


class Town:
    """`chats`: the marked id of Ann's chat of each kind. `to_join` names Bob's, `joined_ids` are theirs."""

    def __init__(self, gateway: GatewayProcess, sandbox: SandboxProcess) -> None:
        self.gateway = gateway
        self.sandbox = sandbox
        self.ids: dict[str, int] = {}
        self.chats: dict[str, int] = {}
        self.to_join: dict[str, list[str]] = {}
        self.joined_ids: dict[str, int] = {}
        self.own: Any = None
        self.bob: Any = None
        self._clients: list[Any] = []

    async def settle(self) -> None:
        key_file = Path(self.sandbox.info["publicKeyFile"])
        rsa.add_key(await asyncio.to_thread(key_file.read_text, "ascii"), old=False)
        for phone, name in NAMES.items():
            account = {"phone": phone, "firstName": name, "lastName": "Walker", "username": f"{name.lower()}_walks"}
            if phone == FAY:
                account["cloudPassword"] = CLOUD_PASSWORD
            made = await self.sandbox.control.post("/accounts", account)
            self.ids[name] = made["id"]
        admin = self.gateway.caller(await log_in(self.gateway.port, "admin", ADMIN_PASSWORD))
        await admin.post("/users", {"username": USER, "password": PASSWORD, "telegram_phone": ANN})
        admin.close()
        await self._found_chats()
        self.own = await self.device(ANN)
        self.bob = await self.device(BOB)

    async def _found_chats(self) -> None:
        people = [BOB, EVE]
        post = ["post_messages", "edit_messages", "delete_messages"]
        group = (await self.act(ANN, "createGroup", title="Walkers", members=people))["chatId"]
        club = (await self.act(ANN, "createChannel", title="Club", kind="megagroup", members=people))["chatId"]
        news = (await self.act(ANN, "createChannel", title="News", kind="broadcast", members=people))["chatId"]
        await self.act(ANN, "promote", chat=news, member=BOB, rights=post)
        self.chats = {PRIVATE: self.ids["Bob"], GROUP: group, SUPERGROUP: club, CHANNEL: news}
        theirs = (await self.act(BOB, "createGroup", title="Bob's group", members=[EVE]))["chatId"]
        named = {"kind": "megagroup", "username": "bobs_club"}
        open_club = (await self.act(BOB, "createChannel", title="Bob's club", members=[EVE], **named))["chatId"]
        named = {"kind": "broadcast", "username": "bobs_news"}
        open_news = (await self.act(BOB, "createChannel", title="Bob's news", members=[EVE], **named))["chatId"]
        self.joined_ids = {GROUP: theirs, SUPERGROUP: open_club, CHANNEL: open_news}
        self.to_join = {
            GROUP: [(await self.act(BOB, "inviteLink", chat=theirs))["link"]],
            SUPERGROUP: ["@bobs_club", (await self.act(BOB, "inviteLink", chat=open_club))["link"]],
            CHANNEL: ["https://t.me/bobs_news", (await self.act(BOB, "inviteLink", chat=open_news))["link"]],
        }

    async def close(self) -> None:
        for client in self._clients:
            await client.disconnect()

    # The sandbox's own word.

    async def act(self, phone: str, do: str, **body: Any) -> dict[str, Any]:
        told: dict[str, Any] = await self.sandbox.control.post(f"/accounts/{_quoted(phone)}/act", {"do": do, **body})
        return told

    async def account(self, phone: str) -> dict[str, Any]:
        told: dict[str, Any] = await self.sandbox.control.get(f"/accounts/{_quoted(phone)}")
        return told

    async def code(self, phone: str) -> str:
        return str((await self.sandbox.control.get(f"/accounts/{_quoted(phone)}/code"))["code"])

    async def line(self, text: str) -> dict[str, Any]:
        """The one committed message with this text. Raises LookupError when it is not one."""
        found = [line for line in await self.sandbox.messages() if line["text"] == text]
        if len(found) != 1:
            raise LookupError(f"{len(found)} messages in the ledger with the text {text!r}")
        return found[0]

    # The Telethons.

    async def device(self, phone: str) -> Any:
        """A new device of an account without a cloud password. Telethon loses a key's leading zero now and then."""
        for _ in range(4):
            client = self._client()
            try:
                await client.connect()
                sent = await client.send_code_request(phone)
                await client.sign_in(phone, await self.code(phone), phone_code_hash=sent.phone_code_hash)
            except (InvalidBufferError, SecurityError, ConnectionError):
                await client.disconnect()
                continue
            return client
        raise RuntimeError(f"{phone} could not sign in")

    async def opened(self, gramjs: str) -> Any:
        """A Telethon on the key of a GramJS string."""
        dc, key = read_gramjs(gramjs)
        client = self._client(dc, AuthKey(key))
        await client.connect()
        return client

    def _client(self, dc: int | None = None, key: AuthKey | None = None) -> Any:
        info, session = self.sandbox.info, MemorySession()
        session.set_dc(dc or int(info["dcId"]), info["host"], int(info["port"]))
        session.auth_key = key
        client = TelegramClient(session, 1, "hash", receive_updates=False, connection_retries=2, retry_delay=0)
        self._clients.append(client)
        return client

    async def peer(self, client: Any, kind: str) -> Any:
        """A chat of Ann's, as this person names it."""
        if kind == PRIVATE:
            return await client.get_input_entity("ann_walks" if client is self.bob else "bob_walks")
        return await self.room(client, self.chats[kind])

    async def room(self, client: Any, chat_id: int) -> Any:
        try:
            return await client.get_input_entity(chat_id)
        except ValueError:
            await client.get_dialogs()
            return await client.get_input_entity(chat_id)

    async def seen(self, client: Any, kind: str, text: str) -> Any:
        """The newest message of this text in a chat, as this person sees it; None if there is none."""
        async for message in client.iter_messages(await self.peer(client, kind), limit=60):
            if message.message == text:
                return message
        return None

    async def message(self, kind: str, number: int) -> Any:
        """As Ann's other device sees it."""
        (found,) = await self.own.get_messages(await self.peer(self.own, kind), ids=[number])
        return found

    async def member_ids(self, chat_id: int) -> set[int]:
        """As Bob sees them."""
        found = await self.bob.get_participants(await self.room(self.bob, chat_id))
        return {user.id for user in found if not isinstance(user.participant, types.ChannelParticipantLeft)}


def marked(entity: Any) -> str:
    return str(utils.get_peer_id(entity))


def read_gramjs(text: str) -> tuple[int, bytes]:
    """GramJS's form: "1", then in base64 the data centre, its address with a length before it, the port and the key."""
    raw = base64.b64decode(text[1:])
    dc, length = struct.unpack_from(">BH", raw)
    return dc, raw[3 + length + 2 :]


def write_gramjs(session: Any) -> str:
    address = str(ipaddress.ip_address(session.server_address)).encode()
    head = struct.pack(">BH", session.dc_id, len(address)) + address + struct.pack(">H", session.port)
    return "1" + base64.b64encode(head + session.auth_key.key).decode()


def _quoted(phone: str) -> str:
    return urllib.parse.quote(phone)
