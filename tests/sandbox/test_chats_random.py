"""Random acts in groups and channels, watched by clients that count: no pts is skipped or told twice.

A client here computes as Telegram documents it: an update with pts fits when its own pts plus
pts_count is that pts. What a session causes it learns from the answer alone.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.world import chat_founding
from teleflow.sandbox.world.chat_records import bare
from tests.sandbox.chat_rig import Trio

STEPS = 700


class Client:
    """One device: its person's pts, and those of the channels it has heard of."""

    def __init__(self, trio: Trio, person: Any) -> None:
        self.trio = trio
        self.person = person
        self.caller = trio.rig.logged_in(person)
        self.pts = trio.world.messages.box(person.id).pts
        self.start = self.pts
        self.channels: dict[int, int] = {}
        self.texts: dict[tuple[int, int], str] = {}
        self.heard: list[str] = []

    def take(self, update: Any) -> None:
        """One update, pushed or answered."""
        pts, count = getattr(update, "pts", None), getattr(update, "pts_count", None)
        if pts is None or count is None:
            return
        message = getattr(update, "message", None)
        name = type(update).__name__
        if "Channel" not in name:
            assert self.pts + count == pts, f"{self.person.first_name}: {name} at {self.pts}, pts {pts}, {count}"
            self.pts = pts
            if name in {"UpdateNewMessage", "UpdateShortChatMessage"}:
                self.heard.append(getattr(message, "message", message) or "")
            return
        number = message.peer_id.channel_id if message is not None else update.channel_id
        known = self.channels.get(number, pts - count)
        assert known + count == pts, f"{self.person.first_name}: {name} of {number} at {known}, pts {pts}, {count}"
        self.channels[number] = pts
        if message is not None and not isinstance(message, types.MessageService):
            self.texts[number, message.id] = message.message
        for gone in getattr(update, "messages", ()):
            self.texts.pop((number, gone), None)

    def take_all(self, updates: Any) -> None:
        told = getattr(updates, "updates", [updates])
        if isinstance(told, types.Updates):
            told = told.updates
        for each in told:
            self.take(each)

    async def do(self, request: Any) -> None:
        answer = await self.trio.ask(self.caller, request)
        if isinstance(answer, types.messages.AffectedMessages | types.messages.AffectedHistory):
            channel = getattr(request, "channel", None)
            if not answer.pts_count:
                return
            if channel is None:
                assert self.pts + answer.pts_count == answer.pts
                self.pts = answer.pts
            else:
                assert (
                    self.channels.get(channel.channel_id, answer.pts - answer.pts_count)
                    == answer.pts - answer.pts_count
                )
                self.channels[channel.channel_id] = answer.pts
                for gone in request.id:
                    self.texts.pop((channel.channel_id, gone), None)
        elif hasattr(answer, "updates"):
            self.take_all(answer)


class Play:
    def __init__(self, seed: int) -> None:
        self.trio = Trio()
        self.dice = random.Random(seed)
        people = [self.trio.ann, self.trio.bob, self.trio.eve]
        people += [self.trio.rig.person(f"1555020{n:04d}", f"P{n}") for n in range(3)]
        self.chats = [
            self.trio.group(*people[1:4]),
            self.trio.group(*people[1:]),
            self.trio.channel(*people[1:3], username="open_club"),
            self.trio.channel(*people[1:], username="other_club"),
            self.trio.channel(*people[3:], megagroup=False, username="the_news"),
        ]
        chat_founding.link(self.trio.world, self.trio.ann, self.chats[4], self.chats[3])
        self.clients = [Client(self.trio, person) for person in people]
        self.trio.rig.pushes.sent.clear()

    def request(self, me: Client) -> Any:
        """Something that `me` could want to do, allowed or not."""
        trio, dice = self.trio, self.dice
        chat, other = dice.choice(self.chats), dice.choice(self.clients).person
        peer, user = trio.peer(me.person, chat), trio.user(me.person, other)
        box = trio.world.messages.place(me.person.id, chat.id)
        known = box.dialogs[chat.id].ids[-8:] if chat.id in box.dialogs else []
        number = dice.choice(known or [1])
        some = dice.sample(known, min(len(known), 3)) or [1]
        deletion: Any = f.messages.DeleteMessagesRequest(some, revoke=dice.random() < 0.7)
        reading: Any = f.messages.ReadHistoryRequest(peer, number)
        adding: Any = f.messages.AddChatUserRequest(-chat.id, user, 0)
        going: Any = f.messages.DeleteChatUserRequest(-chat.id, user)
        if chat.channel:
            deletion = f.channels.DeleteMessagesRequest(peer, some)
            reading = f.channels.ReadHistoryRequest(peer, number)
            adding = dice.choice([f.channels.JoinChannelRequest(peer), f.channels.InviteToChannelRequest(peer, [user])])
            banned = types.ChatBannedRights(None, view_messages=dice.random() < 0.5 or None)
            going = dice.choice(
                [
                    f.channels.LeaveChannelRequest(peer),
                    f.channels.EditBannedRequest(peer, trio.peer(me.person, other), banned),
                ]
            )
        text = f"{dice.random()}"
        send = f.messages.SendMessageRequest(peer, text, random_id=dice.getrandbits(62) + 1)
        edit = f.messages.EditMessageRequest(peer, number, message=text)
        return dice.choices([send, edit, deletion, reading, adding, going], [10, 3, 2, 3, 2, 1])[0]

    async def step(self) -> str:
        me = self.dice.choice(self.clients)
        request = self.request(me)
        name = type(request).__name__
        try:
            await me.do(request)
        except RpcError as error:
            name = error.message
        for client in self.clients:
            pushed = [each for each in self.trio.rig.pushes.sent if each[0] == client.caller.key_id]
            for _, updates, except_session in pushed:
                if except_session != client.caller.session_id:
                    client.take_all(updates)
        self.trio.rig.pushes.sent.clear()
        for client in self.clients:
            self.forget(client)
        return name

    def forget(self, client: Client) -> None:
        """Who is out hears no more, and starts anew when they are back."""
        for chat in self.chats:
            if chat.channel and not self.trio.world.chats.inside(chat, client.person.id):
                client.channels.pop(bare(chat.id), None)
                client.texts = {key: text for key, text in client.texts.items() if key[0] != bare(chat.id)}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_clients_that_count_never_find_a_gap(seed):
    play = Play(seed)
    done = [await play.step() for _ in range(STEPS)]
    assert len(set(done)) > 12, "the acts were many kinds"
    assert done.count("SendMessageRequest") > STEPS // 6
    for client in play.clients:
        box = play.trio.world.messages.box(client.person.id)
        assert client.pts == box.pts
        for number, pts in client.channels.items():
            channel = next(chat for chat in play.chats if bare(chat.id) == number)
            assert pts == play.trio.world.messages.box(channel.id).pts
        await _same_as_history(play, client)
        await _same_as_difference(play, client)


async def _same_as_history(play: Play, client: Client) -> None:
    """What was heard of a channel and not deleted is what its history says."""
    for chat in play.chats:
        if bare(chat.id) not in client.channels:
            continue
        peer = play.trio.peer(client.person, chat)
        ids = sorted(number for channel, number in client.texts if channel == bare(chat.id))
        for start in range(0, len(ids), 100):
            page = ids[start : start + 100]
            request = f.channels.GetMessagesRequest(peer, [types.InputMessageID(number) for number in page])
            found = (await play.trio.ask(client.caller, request)).messages
            assert [each.message for each in found] == [client.texts[bare(chat.id), number] for number in page]


async def _same_as_difference(play: Play, client: Client) -> None:
    """From the start, the difference comes to the same pts, with no message that was not heard."""
    pts, found = client.start, 0
    while True:
        part = await play.trio.rig.difference(client.caller, pts)
        if isinstance(part, types.updates.DifferenceEmpty):
            break
        found += len(part.new_messages)
        state = getattr(part, "intermediate_state", None) or part.state
        pts = state.pts
        if isinstance(part, types.updates.Difference):
            break
    assert pts == client.pts
    assert found <= len(client.heard)
