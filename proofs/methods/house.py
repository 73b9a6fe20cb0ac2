"""The sandbox with its people, each at an unmodified Telethon: what the cases of `prove sandbox-methods` work with.

A client is given an address, a data centre id and a public key, nothing else. Everything that goes through
`Someone` is noted: which request was answered, which refused by what name and code, and what was wrong with an
answer or an update by rules that hold for all of them (`judge`). Knows no method.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any, TypeVar

from telethon import TelegramClient, errors, events
from telethon.crypto import rsa
from telethon.errors import rpcerrorlist
from telethon.sessions import StringSession
from telethon.tl import functions as f
from telethon.tl import types

from proofs.judges import connected
from proofs.methods.judge import faults_of, unknown_in
from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox

ANSWER = 15.0
SEEN = 5.0
DAY = 24 * 3600
PQ_BITS = 46
"""Small, so that hundreds of clients are quickly made; smaller ones Telethon gets wrong now and then."""
T = TypeVar("T")
_numbers = count(1)


DIFFERENCES = ("updates.getDifference", "updates.getChannelDifference")


class NotSeen(Exception):
    """An update that was due did not come."""


class Someone:
    """One device of a person (or of nobody yet)."""

    def __init__(self, house: House, client: Any, phone: str = "", name: str = "") -> None:
        self.house, self.client = house, client
        self.phone, self.name = phone, name
        self.id = 0
        self.news: list[Any] = []
        self._came = asyncio.Event()
        client.add_event_handler(self._heard, events.Raw)

    async def _heard(self, update: Any) -> None:
        known = getattr(update, "_entities", None)
        if known:  # the short forms introduce nobody
            self.house.wrong.extend(f"{type(update).__name__}: {each}" for each in unknown_in(update, known.values()))
        self.news.append(update)
        self._came.set()

    async def __call__(self, request: Any) -> Any:
        """Ask, within a deadline. Raises what Telethon raises."""
        self.house.asked[title(type(request))] += 1
        async with asyncio.timeout(ANSWER):
            try:
                answer = await self.client(request)
            except errors.RPCError as error:
                self.house.refused[type(request)].add(name_of(error))
                raise
        self.house.answered[type(request)] += 1
        if _misread(request, answer):
            self.house.asked.update(DIFFERENCES)
        self.house.last[type(request)] = request
        self.house.wrong.extend(f"{type(request).__name__}: {each}" for each in faults_of(answer))
        return answer

    async def sees(self, kind: type[T], where: Callable[[T], Any] = lambda _update: True) -> T:
        """The update of that kind, once it has come. Raises NotSeen."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEEN):
                while True:
                    self._came.clear()
                    for each in self.news:
                        if isinstance(each, kind) and where(each):
                            return each
                    await self._came.wait()
        came = ", ".join(type(each).__name__ for each in self.news) or "nothing"
        raise NotSeen(f"{self.name} was not told {kind.__name__}; what came: {came}")

    async def peer(self, other: Any) -> Any:
        """How this one names a person or a chat, as an InputPeer."""
        if isinstance(other, Someone):
            return await self._known(other)
        return await self.client.get_input_entity(other)

    async def user(self, other: Someone) -> Any:
        peer = await self._known(other)
        return types.InputUser(peer.user_id, peer.access_hash)

    async def channel(self, other: Any) -> Any:
        peer = await self.peer(other)
        return types.InputChannel(peer.channel_id, peer.access_hash)

    async def _known(self, other: Someone) -> Any:
        with contextlib.suppress(ValueError):
            return await self.client.get_input_entity(types.PeerUser(other.id))
        return await self.client.get_input_entity(other.username)

    @property
    def username(self) -> str:
        return f"{self.name.lower()}_{self.phone[-5:]}"

    async def say(self, to: Any, text: str, **more: Any) -> Any:
        """The message, as its sender has it."""
        return await self.client.send_message(await self.peer(to), text, **more)

    async def latest(self, place: Any) -> Any:
        (message,) = await self.client.get_messages(await self.peer(place), limit=1)
        return message


class House:
    """See the module. `answered`, `refused` and `wrong` are what is judged in the end."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        self.asked: Counter[str] = Counter()
        self.answered: dict[Any, int] = defaultdict(int)
        self.refused: dict[Any, set[str]] = defaultdict(set)
        self.last: dict[Any, Any] = {}
        self.wrong: list[str] = []
        self._devices: list[Someone] = []
        self._cast: dict[str, Someone] = {}

    async def close(self) -> None:
        for each in self._devices:
            if each.client.is_connected():
                await each.client.disconnect()

    async def quiet(self) -> None:
        """Telethon asks for a difference of its own accord when its pts do not fit: nothing was lost, so never."""
        for name in DIFFERENCES:
            made = sum(1 for row in self.sandbox.dc.ledger.calls() if row.method == name)
            wanted = self.asked[name]
            if made > wanted:
                self.wrong.append(f"{name}: {made - wanted} times by Telethon itself, whose pts did not fit")

    def fresh_phone(self) -> str:
        return f"+1555{next(_numbers):07d}"

    async def stranger(self, dc: Any = None) -> Someone:
        """A client that has just connected, logged in as nobody."""
        at = dc or self.sandbox.dc
        session = StringSession()
        session.set_dc(at.dc_id, at.host, at.port)
        options: dict[str, Any] = {"connection_retries": 2, "retry_delay": 0.1, "request_retries": 1}
        client = TelegramClient(session, 1, "hash", flood_sleep_threshold=0, **options)
        someone = Someone(self, client)
        self._devices.append(someone)
        async with asyncio.timeout(ANSWER):
            await connected(client)
        return someone

    async def new(self, name: str = "Max", **account: Any) -> Someone:
        """A new account with one device."""
        phone = self.fresh_phone()
        username = f"{name.lower()}_{phone[-5:]}"
        self.control.create_account({"phone": phone, "firstName": name, "username": username} | account)
        return await self.device(phone, name)

    async def device(self, phone: str, name: str) -> Someone:
        """One more device of an account without a cloud password."""
        someone = await self.stranger()
        someone.phone, someone.name = phone, name
        async with asyncio.timeout(ANSWER):
            sent = await someone.client.send_code_request(phone)
            me = await someone.client.sign_in(phone, self.code(phone), phone_code_hash=sent.phone_code_hash)
        someone.id = me.id
        self.asked["updates.getDifference"] += 1  # as Telethon does after each login
        return someone

    async def again(self, someone: Someone) -> Someone:
        return await self.device(someone.phone, someone.name)

    def settle(self, someone: Someone) -> None:
        """A day has passed since the logins of that account: what Telegram forbids to fresh ones is allowed."""
        for known in self.sandbox.world.logins.of_person(someone.id).values():
            known.created -= DAY

    def code(self, phone: str) -> str:
        found = self.control.code(phone)
        if found is None:
            raise LookupError(f"no code was sent to {phone}")
        return str(found["code"])

    async def cast(self, *names: str) -> list[Someone]:
        """People that many cases share; cases make chats of their own."""
        for name in names:
            if name not in self._cast:
                self._cast[name] = await self.new(name)
        found = [self._cast[name] for name in names]
        for each in found:
            each.news.clear()
        return found

    async def group(self, owner: Someone, *others: Someone, title: str = "Group") -> int:
        """A new basic group; its id without a sign."""
        made = await owner(f.messages.CreateChatRequest([await owner.user(each) for each in others], title))
        return int(made.updates.chats[0].id)

    async def club(self, owner: Someone, *others: Someone, broadcast: bool = False, title: str = "Club") -> Any:
        """A new supergroup or channel, as a peer that everybody in it can name."""
        made = await owner(f.channels.CreateChannelRequest(title, "", broadcast=broadcast, megagroup=not broadcast))
        peer = types.PeerChannel(made.chats[0].id)
        if others:
            users = [await owner.user(each) for each in others]
            await owner(f.channels.InviteToChannelRequest(await owner.channel(peer), users))
            for each in others:
                await each.sees(types.UpdateChannel, lambda update: update.channel_id == peer.channel_id)
        return peer


def _misread(request: Any, answer: Any) -> bool:
    """Telethon takes the pts of a supergroup in such an answer for the account's, and asks for the difference."""
    place = getattr(request, "channel", getattr(request, "peer", None))
    affected = isinstance(answer, types.messages.AffectedMessages | types.messages.AffectedHistory)
    return affected and isinstance(place, types.InputChannel | types.InputPeerChannel)


async def failure(someone: Someone, request: Any) -> str:
    """The name of the error that a request is refused by; nothing when it is answered."""
    try:
        await someone(request)
    except errors.RPCError as error:
        return name_of(error)
    return ""


def title(request: Any) -> str:
    """`messages.sendMessage` for Telethon's class."""
    name = request.__name__.removesuffix("Request")
    return f"{request.__module__.rpartition('.')[2]}.{name[:1].lower()}{name[1:]}"


def name_of(error: errors.RPCError) -> str:
    """Telegram's name of an error that Telethon raised, with the number in it where there is one."""
    for pattern, kind in rpcerrorlist.rpc_errors_re:
        if type(error) is kind:
            number = next((value for key, value in vars(error).items() if key not in {"request", "message"}), "")
            return str(pattern).replace(r"(\d+)", str(number))
    for name, kind in rpcerrorlist.rpc_errors_dict.items():
        if type(error) is kind:
            return str(name)
    return str(error.message)


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[House]:
    """A house for the time of the block; what Telethon keeps in its modules is as before afterwards."""
    keys, config = dict(rsa._server_keys), TelegramClient._config  # noqa: SLF001 - the only place where it keeps them
    logger = logging.getLogger("telethon")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    async with running(pq_bits=PQ_BITS, control_port=None, dcs=(4,)) as sandbox:
        rsa.add_key(sandbox.public_key_pem, old=False)
        TelegramClient._config = None  # noqa: SLF001
        house = House(sandbox)
        try:
            yield house
        finally:
            await house.close()
            logger.setLevel(level)
            rsa._server_keys.clear()  # noqa: SLF001
            rsa._server_keys.update(keys)  # noqa: SLF001
            TelegramClient._config = config  # noqa: SLF001
