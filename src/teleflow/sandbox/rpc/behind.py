"""Which channels an account has to ask about when it comes back (`updateChannelTooLong`)."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller
from teleflow.sandbox.world.chat_records import Chat, bare
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World

MOST_TOLD = 50_000


class Behind:
    """Which channels a device that comes back has to ask about: those with news since its date, or entered since.

    A session is told once of each state of a channel, unless it comes again with the date of before. Sessions of one
    key are told each for itself: dates are whole seconds, in which both can come back.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        # (key, session, channel) -> the channel's pts and the date when the session was told
        self._told: dict[tuple[int, int, int], tuple[int, int]] = {}

    def channels(self, me: Person, caller: Caller, date: int) -> list[Chat]:
        """Channels with something that the session may not know."""
        world = self._world
        found = []
        for chat in world.chats.of_person(me.id):
            box = world.messages.box(chat.id) if chat.channel else None
            if box is None or not box.log:
                continue
            member = world.chats.member(chat, me.id)
            if box.log[-1].date < date and (member is None or member.date < date):
                continue
            asks = caller.key_id, caller.session_id, chat.id
            pts, when = self._told.get(asks, (0, 0))
            if pts == box.pts and date >= when:
                continue
            if len(self._told) >= MOST_TOLD:
                # forgetting only makes some sessions ask once more
                self._told.clear()
            self._told[asks] = (box.pts, int(world.clock.time()))
            found.append(chat)
        return found


def too_long(chats: list[Chat]) -> list[Any]:
    return [types.UpdateChannelTooLong(bare(chat.id)) for chat in chats]
