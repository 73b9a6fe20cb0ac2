"""People who speak unasked: chatty ones in groups, and the one who writes a news channel.

They speak only where somebody without a script listens, so that a world that nobody looks at stays as it is.
All waiting is by the injected clock.
"""

from __future__ import annotations

import structlog

from teleflow.kit.clock import Clock
from teleflow.sandbox.world import chat_founding
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World

_log = structlog.get_logger(__name__)
CHATTY, NEWS = "chatty", "news"
TALK_EVERY = 5.0
# of so many turns of talk one is for the news
NEWS_TURN = 4
_TOPICS = ("the weather", "dinner", "the bus", "my cat", "football", "the new phone", "holidays")
_LINES = ("Did you hear about {}?", "I was just thinking of {}.", "Enough about {}!", "Tell me more about {}.")


class Unasked:
    """Turns the people with these scripts into company."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._turn = 0

    async def keep_talking(self) -> None:
        """For ever, a turn at a time."""
        while True:
            await self._clock.sleep(TALK_EVERY)
            self.talk()

    def talk(self) -> None:
        """One turn: a line in each chatty group, and every so often a piece of news."""
        self._turn += 1
        people = [person for person in self._world.people if person.scenario in {CHATTY, NEWS} and not person.deleted]
        heard: set[int] = set()
        for person in people:
            # whoever is logged in with a client speaks for himself
            if self._world.logins.of_person(person.id):
                continue
            try:
                if person.scenario == CHATTY:
                    self._chat(person, heard)
                else:
                    self._report(person)
            except Refused as refused:
                _log.info("scenario.refused", scenario=person.scenario, name=refused.name)

    def _chat(self, person: Person, heard: set[int]) -> None:
        """Chatty people take turns: in each group one of them speaks."""
        world = self._world
        for chat in world.chats.of_person(person.id):
            if chat.kind == "broadcast" or not chat.open or chat.id in heard or not self._listened(chat):
                continue
            inside = [each.user for each in world.chats.present(chat)]
            mates = [each for each in inside if world.people.by_id[each].scenario == CHATTY]
            if mates[self._turn % len(mates)] != person.id:
                continue
            heard.add(chat.id)
            asked = self._last_heard(chat, person)
            line = _LINES[self._turn % len(_LINES)].format(_TOPICS[self._turn % len(_TOPICS)])
            world.messages.send(person, chat, "I see!" if asked else line, reply_to=asked)

    def _listened(self, chat: Chat) -> bool:
        """Whether somebody without a script is in it, with a client that is connected."""
        people = self._world.people.by_id
        return any(
            not people[each.user].scenario and self._world.is_reachable(each.user)
            for each in self._world.chats.present(chat)
        )

    def _last_heard(self, chat: Chat, person: Person) -> int:
        """The number of the last message, if somebody without a script wrote it; 0 otherwise."""
        box = self._world.messages.place(person.id, chat.id)
        dialog = box.dialogs.get(chat.id)
        if dialog is None or not dialog.ids:
            return 0
        message = box.messages[dialog.ids[-1]]
        author = self._world.people.by_id[message.sender]
        return dialog.ids[-1] if message.action is None and not author.scenario else 0

    def _report(self, person: Person) -> None:
        channel = news_channel(self._world, person)
        subscribed = any(each.user != person.id for each in self._world.chats.present(channel))
        if subscribed and self._turn % NEWS_TURN == 0:
            number = len(self._world.messages.box(channel.id).messages)
            topic = _TOPICS[number % len(_TOPICS)]
            self._world.messages.send(person, channel, f"News no. {number}: more about {topic}.")


def news_channel(world: World, person: Person) -> Chat:
    """The channel that somebody writes the news in; made when there is none. Public if its writer has a username."""
    for chat in world.chats.of_person(person.id):
        if chat.kind == "broadcast" and chat.creator == person.id and chat.open:
            return chat
    channel = chat_founding.create_channel(world, person, f"News by {person.first_name}", megagroup=False)
    if person.username:
        chat_founding.set_username(world, person, channel, f"{person.username[:27]}_news")
    return channel
