"""What hangs together in supergroups: the answers to one message, and the copies of a channel's posts."""

from __future__ import annotations

from teleflow.sandbox.world.records import Message


class Threads:
    """Indexes over messages; all of it follows from them and is rebuilt on load."""

    def __init__(self) -> None:
        # first message of a thread -> uid and number of each answer, ascending
        self._answers: dict[int, dict[int, int]] = {}
        # (channel, number of a post) -> uid of its copy in the discussion group
        self._copies: dict[tuple[int, int], int] = {}

    def file(self, message: Message) -> None:
        """Take up a message that has its number."""
        if message.copy_of is not None:
            self._copies[message.copy_of] = message.uid
        if message.thread and message.to in message.sides:
            self._answers.setdefault(message.thread, {})[message.uid] = message.sides[message.to][0]

    def forget(self, message: Message) -> None:
        if message.copy_of is not None:
            self._copies.pop(message.copy_of, None)
        if message.thread:
            self._answers.get(message.thread, {}).pop(message.uid, None)

    def copy_of(self, channel: int, number: int) -> int | None:
        """The uid of a post's copy in the discussion group."""
        return self._copies.get((channel, number))

    def answers(self, root: int) -> list[int]:
        """The numbers of what was answered in a thread, ascending."""
        return list(self._answers.get(root, {}).values())

    def count(self, root: int) -> int:
        return len(self._answers.get(root, ()))
