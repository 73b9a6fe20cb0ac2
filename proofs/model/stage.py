"""The people and chats of the play: accounts, devices that are signed in, groups and channels that are founded."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.errors import InvalidBufferError, SecurityError
from telethon.sessions import MemorySession
from telethon.tl import functions as f
from telethon.tl import types

from proofs.model.checker import Checker
from proofs.model.deeds import Addresses, Deed
from proofs.model.dice import Dice
from proofs.model.line import WorldTime
from proofs.model.records import Box, Person
from proofs.model.rooms import Model
from proofs.model.rows import marked
from proofs.model.seat import Seat
from proofs.process import SandboxProcess

PEOPLE = 20
SECOND_DEVICES, SECOND_SESSIONS = 3, 3
PAIRS, SAVED = 8, 2
GROUPS, MEGAGROUPS, BROADCASTS = 6, 8, 6
FIRST_PHONE = 15_550_300_000


class Stage:
    """Everything that a play works with."""

    def __init__(self, sandbox: SandboxProcess, seed: int) -> None:
        self.sandbox = sandbox
        self.clock, self.model, self.at = WorldTime(), Model(), Addresses()
        self.dice = Dice(seed, self.model, self.at, self.clock)
        self.rng = random.Random(seed ^ 0x5EED)
        self.checker = Checker(self.model, self.at)
        self.seats: list[Seat] = []

    async def set(self) -> None:
        """Sign everybody in, and found the thirty chats."""
        info = self.sandbox.info
        pem = await asyncio.to_thread(Path(info["publicKeyFile"]).read_text, "ascii")
        rsa.add_key(pem, old=False)
        address = str(info["host"]), int(info["port"])
        keys: list[tuple[int, int, bytes]] = []
        for number in range(PEOPLE):
            phone, name = str(FIRST_PHONE + number), f"Person{number}"
            await self.sandbox.control.post(
                "/accounts", {"phone": phone, "firstName": name, "username": f"person_{number:02d}"}
            )
            for _ in range(2 if number < SECOND_DEVICES else 1):
                me, key = await self._signed_in(address, phone)
                keys.append((number, me, key))
            self.model.people[me] = Person(name, f"person_{number:02d}")
            if SECOND_DEVICES <= number < SECOND_DEVICES + SECOND_SESSIONS:
                keys.append((number, me, key))
        for number, me, key in keys:
            device = sum(seat.me == me for seat in self.seats)
            seat = Seat(me, f"Person{number}/{device}", key, address, self.clock)
            await seat.begin()
            self.seats.append(seat)
            known = seat.client.boxes[me]
            self.model.boxes[me] = Box(known.pts, known.floor)
        await self._introduce()
        await self._found()

    async def _signed_in(self, address: tuple[str, int], phone: str) -> tuple[int, bytes]:
        """Telethon loses a leading zero of a key now and then, and the key with it: then another try."""
        for _ in range(4):
            session = MemorySession()
            session.set_dc(int(self.sandbox.info["dcId"]), *address)
            client: Any = TelegramClient(session, 1, "hash", receive_updates=False, connection_retries=1)
            try:
                await client.connect()
                sent = await client.send_code_request(phone)
                code = (await self.sandbox.control.get(f"/accounts/{phone}/code"))["code"]
                me = await client.sign_in(phone, code, phone_code_hash=sent.phone_code_hash)
                return int(me.id), bytes(session.auth_key.key)
            except (InvalidBufferError, SecurityError, ConnectionError):
                continue
            finally:
                await client.disconnect()
        raise RuntimeError(f"{phone} could not sign in")

    async def _introduce(self) -> None:
        """Everybody looks everybody up."""
        for me, seat in {seat.me: seat for seat in self.seats}.items():
            for other, person in self.model.people.items():
                if other != me:
                    found = await seat.line.ask(f.contacts.ResolveUsernameRequest(person.username))
                    self.at.people[me, other] = next(each.access_hash for each in found.users if each.id == other)

    async def _found(self) -> None:
        people = sorted(self.model.people)
        pairs = [(people[number], people[number + 1 + number % 3]) for number in range(PAIRS)]
        for one, other in [*pairs, *((each, each) for each in people[:SAVED])]:
            self.dice.pairs.setdefault(one, []).append(other)
            if one != other:
                self.dice.pairs.setdefault(other, []).append(one)
        for number in range(GROUPS):
            await self._group(number, self.rng.sample(people, self.rng.randrange(4, 8)))
        for number in range(MEGAGROUPS + BROADCASTS):
            kind = "megagroup" if number < MEGAGROUPS else "broadcast"
            await self._channel(number, kind, self.rng.sample(people, self.rng.randrange(5, 11)))

    async def _group(self, number: int, people: list[int]) -> None:
        me, *others = people
        seat, title = self.seat(me), f"Group {number}"
        users = [self.at.user(me, each) for each in others]
        answer = await seat.line.ask(f.messages.CreateChatRequest(users, title))
        (chat,) = answer.updates.chats
        seat.client.take(answer.updates)
        self.model.found(me, -chat.id, "group", title, others, self.clock.now())
        await self.settle(set(people))

    async def _channel(self, number: int, kind: str, people: list[int]) -> None:
        me, *others = people
        seat, title = self.seat(me), f"Channel {number}"
        request = f.channels.CreateChannelRequest(title, "", megagroup=kind == "megagroup" or None)
        answer = await seat.line.ask(request)
        seat.client.take(answer)
        (chat,) = answer.chats
        peer = marked(types.PeerChannel(chat.id))
        self.model.found(me, peer, kind, title, [], self.clock.now())
        await self.settle({me})
        if number % 2 == 0:
            named = types.InputChannel(chat.id, chat.access_hash)
            await seat.line.ask(f.channels.UpdateUsernameRequest(named, f"public_{number:02d}"))
            self.model.chats[peer].public = True
            for each in self.model.people:
                found = await self.seat(each).line.ask(f.contacts.ResolveUsernameRequest(f"public_{number:02d}"))
                self.at.channels[each, peer] = next(told.access_hash for told in found.chats if told.id == chat.id)
        for each in others:
            add = f.channels.InviteToChannelRequest(self.at.peer(me, peer), [self.at.user(me, each)])
            effect = lambda each=each: self.model.add(me, peer, each, self.clock.now())  # noqa: E731
            await self.did(seat, Deed("add", me, peer, add, effect, touches={each}))

    async def did(self, seat: Seat, deed: Deed) -> None:
        """Do something that is certainly allowed."""
        deed.effect()
        seat.learn(deed, await seat.line.ask(deed.request))
        await self.settle(deed.touches)

    def seat(self, me: int) -> Seat:
        """A device of somebody that is connected."""
        return next(seat for seat in self.seats if seat.me == me and seat.there)

    async def settle(self, people: set[int]) -> None:
        """Whoever came or went has heard of it, and knows where they are."""
        for seat in self.seats:
            if seat.me in people and seat.there:
                await seat.line.sync()
                await seat.meet()
                for channel, access_hash in seat.client.hashes.items():
                    self.at.channels[seat.me, channel] = access_hash
