"""Which topics the forums have and which messages belong to them: the register, without the rules (`forums`)."""

from __future__ import annotations

from teleflow.sandbox.world import rights
from teleflow.sandbox.world.chat_records import Chat, Member
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.records import Message
from teleflow.sandbox.world.topic_records import GENERAL, Topic


class Topics:
    """Every topic by chat and number, and by the message that began it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._of_chat: dict[int, dict[int, Topic]] = {}
        # uid of its first message -> topic
        self.roots: dict[int, Topic] = {}

    def keep(self, topic: Topic) -> None:
        """File and remember a change of a topic."""
        self.file(topic)
        self._journal.touch("topic", f"{topic.chat}:{topic.id}", topic)

    def file(self, topic: Topic) -> None:
        self._of_chat.setdefault(topic.chat, {})[topic.id] = topic
        if topic.root:
            self.roots[topic.root] = topic

    def everything(self) -> list[Topic]:
        return [topic for topics in self._of_chat.values() for topic in topics.values()]

    def of_chat(self, chat: int) -> list[Topic]:
        """Those that are there, in the order in which they were made."""
        return [topic for topic in self._of_chat.get(chat, {}).values() if not topic.deleted]

    def get(self, chat: int, number: int) -> Topic | None:
        """One that is there."""
        topic = self._of_chat.get(chat, {}).get(number)
        return None if topic is None or topic.deleted else topic

    def find(self, chat: int, number: int) -> Topic:
        """Raises TOPIC_DELETED and TOPIC_ID_INVALID."""
        topic = self._of_chat.get(chat, {}).get(number)
        if topic is None:
            raise Refused("TOPIC_ID_INVALID")
        if topic.deleted:
            raise Refused("TOPIC_DELETED")
        return topic

    def of_message(self, message: Message) -> int:
        """The number of the topic that a forum's message is in."""
        topic = self.roots.get(message.thread) if message.thread else self.roots.get(message.uid)
        return topic.id if topic is not None else GENERAL

    def thread_for(
        self, forum: Chat, writer: tuple[int, Member | None] | None, replied: Message | None, named: int
    ) -> int:
        """Where a new message goes: the uid of the first message of its topic, 0 in the general one.

        `named` is the topic's number, or that of the message it answers with a minus. Nobody is asked whether a
        service message (without `writer`) may be there. Raises TOPIC_CLOSED, TOPIC_DELETED and TOPIC_ID_INVALID.
        """
        topic = self._wanted(forum, replied, named)
        if topic is None:
            return 0
        shut = topic.closed and writer is not None and topic.creator != writer[0]
        if shut and "manage_topics" not in rights.admin_rights(forum, writer[1] if writer is not None else None):
            raise Refused("TOPIC_CLOSED")
        return topic.root

    def _wanted(self, forum: Chat, replied: Message | None, named: int) -> Topic | None:
        if named > GENERAL:
            return self.find(forum.id, named)
        if named != GENERAL and replied is not None:
            return self.get(forum.id, self.of_message(replied))
        gone = self._of_chat.get(forum.id, {}).get(-named)
        if gone is not None and gone.deleted:
            raise Refused("TOPIC_DELETED")
        return self.get(forum.id, GENERAL)
