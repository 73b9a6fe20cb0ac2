"""Ann, Bob and Eve with a group, a supergroup and a channel of Ann's, without sockets."""

from __future__ import annotations

from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError
from teleflow.sandbox.world import chat_founding, chat_members
from teleflow.sandbox.world.chat_records import Chat, bare
from teleflow.sandbox.world.records import Person
from tests.sandbox.world_rig import Rig

ANN, BOB, EVE = "15550100001", "15550100002", "15550100003"


class Trio:
    """Everybody has one device; what the making of chats has pushed is forgotten."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.world = self.rig.world
        self.ann, self.bob, self.eve = (
            self.rig.person(phone, name) for phone, name in ((ANN, "Ann"), (BOB, "Bob"), (EVE, "Eve"))
        )
        self.a, self.b, self.e = (self.rig.logged_in(each) for each in (self.ann, self.bob, self.eve))

    def group(self, *others: Person) -> Chat:
        chat, _ = chat_founding.create_group(self.world, self.ann, "Group", list(others or (self.bob, self.eve)))
        self.rig.pushes.sent.clear()
        return chat

    def channel(self, *others: Person, megagroup: bool = True, username: str = "") -> Chat:
        chat = chat_founding.create_channel(self.world, self.ann, "Club", megagroup=megagroup)
        if others:
            chat_members.invite(self.world, self.ann, chat, list(others))
        if username:
            chat_founding.set_username(self.world, self.ann, chat, username)
        self.rig.pushes.sent.clear()
        return chat

    def peer(self, viewer: Person, target: Person | Chat) -> Any:
        """The InputPeer by which `viewer` names a chat or a person."""
        if isinstance(target, Person):
            return self.rig.input_peer(viewer, target)
        if not target.channel:
            return types.InputPeerChat(-target.id)
        return types.InputPeerChannel(bare(target.id), self.world.people.access_hash(viewer.id, target.id))

    def user(self, viewer: Person, person: Person) -> Any:
        """The InputUser by which `viewer` names a person."""
        return types.InputUser(person.id, self.world.people.access_hash(viewer.id, person.id))

    def of(self, caller: Caller) -> Person:
        found = self.world.person_by_key(caller.key_id)
        assert found is not None
        return found

    async def say(self, caller: Caller, chat: Chat | Person, text: str, **more: Any) -> Any:
        return await self.rig.say(caller, self.peer(self.of(caller), chat), text, **more)

    async def ask(self, caller: Caller, request: Any) -> Any:
        return await self.rig.ask(caller, request)

    async def refused(self, caller: Caller, request: Any) -> str:
        with pytest.raises(RpcError) as caught:
            await self.rig.ask(caller, request)
        return caught.value.message

    async def silenced(self, caller: Caller, chat: Chat) -> str:
        """What somebody is told who writes into a chat and may not."""
        peer = self.peer(self.of(caller), chat)
        return await self.refused(caller, f.messages.SendMessageRequest(peer, "x", random_id=99))

    async def channel_difference(self, caller: Caller, chat: Chat, pts: int, limit: int = 100) -> Any:
        channel = self.peer(self.of(caller), chat)
        request = f.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), pts, limit)
        return await self.ask(caller, request)

    async def refused_difference(self, caller: Caller, chat: Chat, pts: int) -> str:
        with pytest.raises(RpcError) as caught:
            await self.channel_difference(caller, chat, pts)
        return caught.value.message

    def pushed(self, caller: Caller, kind: type | None = None) -> list[Any]:
        """The updates that a device was pushed since the last look."""
        found: list[Any] = []
        for each in self.rig.pushes.take(caller.key_id):
            found += each.updates if isinstance(each, types.Updates) else [getattr(each, "update", each)]
        return [each for each in found if kind is None or isinstance(each, kind)]
