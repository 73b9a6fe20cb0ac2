"""People who answer by themselves, each after the script that the account names.

A scripted person speaks only to people without a script, stops once a real client has logged in to
the account, and never lets more than a few answers wait. All waiting is by the injected clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import structlog

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox.unasked import CHATTY, NEWS, news_channel
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Entry, Message, Origin, Person
from teleflow.sandbox.world.world import World

_log = structlog.get_logger(__name__)
WAITING_LIMIT = 100
QUICK = 0.3
SLOW = 4.0
TYPING_EVERY = 1.0
FLOOD, FLOOD_PAUSE = 50, 0.02


class Conversation:
    """One message to a scripted person, and what can be done about it."""

    def __init__(self, world: World, clock: Clock, me: Person, message: Message) -> None:
        self.world = world
        self.clock = clock
        self.me = me
        self.message = message
        self.other = world.people.by_id[message.sender]

    def read(self) -> None:
        self.world.messages.read(self.me, self.other.id, 0)

    def reply(self, text: str) -> None:
        self.world.messages.send(self.me, self.other, text)

    async def type_for(self, seconds: float) -> None:
        """Show the typing action for a while, renewed as clients do."""
        left = seconds
        while left > 0:
            self.world.typing(self.me, self.other)
            await self.clock.sleep(min(left, TYPING_EVERY))
            left -= TYPING_EVERY

    def heard_before(self) -> bool:
        """Whether this person has already said something here."""
        box = self.world.messages.box(self.me.id)
        dialog = box.dialogs.get(self.other.id)
        ids = dialog.ids if dialog is not None else []
        return any(box.messages[number].sender == self.me.id for number in ids)


Script = Callable[[Conversation], AsyncIterator[None]]


async def _echo(talk: Conversation) -> AsyncIterator[None]:
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    if talk.message.text:  # a picture, or that something was pinned, has nothing to repeat
        talk.reply(talk.message.text)


async def _greeter(talk: Conversation) -> AsyncIterator[None]:
    known = talk.heard_before()
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    if known:
        talk.reply("Good to hear from you again.")
    else:
        talk.reply(f"Hello {talk.other.first_name}, nice to meet you!")


async def _slow(talk: Conversation) -> AsyncIterator[None]:
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    await talk.type_for(SLOW)
    yield
    talk.reply(f"Sorry, I type slowly. You wrote {len(talk.message.text)} characters.")


async def _reader(talk: Conversation) -> AsyncIterator[None]:
    await talk.clock.sleep(QUICK)
    yield
    talk.read()


async def _flooder(talk: Conversation) -> AsyncIterator[None]:
    """Answers with more than anybody wants to read."""
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    for number in range(1, FLOOD + 1):
        talk.reply(f"{number}! {talk.message.text[:50]}")
        await talk.clock.sleep(FLOOD_PAUSE)
        yield


async def _chatty(talk: Conversation) -> AsyncIterator[None]:
    """In private as talkative as in groups: two messages for one."""
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    talk.reply("Oh, you won't believe what happened today.")
    await talk.type_for(TYPING_EVERY)
    yield
    talk.reply("But tell me about you!")


async def _news(talk: Conversation) -> AsyncIterator[None]:
    """Says where the news are."""
    await talk.clock.sleep(QUICK)
    yield
    talk.read()
    channel = news_channel(talk.world, talk.me)
    talk.reply(f"The news are in @{channel.username}." if channel.username else f"The news are in {channel.title}.")


SCRIPTS: Mapping[str, Script] = {
    "echo": _echo,
    "greeter": _greeter,
    "slow": _slow,
    "reader": _reader,
    "flooder": _flooder,
    CHATTY: _chatty,
    NEWS: _news,
}


class Scenarios:
    """Watches the world and lets scripted people answer."""

    def __init__(self, world: World, clock: Clock, tasks: Tasks) -> None:
        self._world = world
        self._clock = clock
        self._tasks = tasks
        self._waiting = 0

    def start(self) -> None:
        """From now on people answer."""
        self._world.observers.append(self._told)

    def _told(self, entry: Entry, _origin: Origin | None) -> None:
        if entry.kind != "message":
            return
        me = self._world.people.by_id.get(entry.owner)
        if me is None or not me.scenario or me.scenario not in SCRIPTS:
            return
        message = self._world.messages.by_uid.get(entry.uid)
        # in groups they only listen
        if message is None or message.sender == me.id or message.to < 0:
            return
        sender = self._world.people.by_id[message.sender]
        if sender.scenario or sender.service or self._world.logins.of_person(me.id):
            return
        if self._waiting >= WAITING_LIMIT:
            _log.warning("scenario.busy", scenario=me.scenario)
            return
        self._waiting += 1
        talk = Conversation(self._world, self._clock, me, message)
        self._tasks.start(self._play(SCRIPTS[me.scenario], talk), f"scenario.{me.scenario}")

    async def _play(self, script: Script, talk: Conversation) -> None:
        """Run a script; each pause is a point at which the person may be gone (reset, load)."""
        try:
            async for _ in script(talk):
                if self._world.people.by_id.get(talk.me.id) is not talk.me:
                    return
        except Refused as refused:
            _log.info("scenario.refused", scenario=talk.me.scenario, name=refused.name)
        finally:
            self._waiting -= 1
