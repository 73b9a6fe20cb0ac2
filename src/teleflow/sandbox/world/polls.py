"""Which polls there are and which messages carry them: the register, without the rules of voting (`voting`)."""

from __future__ import annotations

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.media_records import Media
from teleflow.sandbox.world.poll_records import Poll
from teleflow.sandbox.world.records import Message


class Polls:
    """The register of polls; in which messages one is follows from the messages and is rebuilt on load."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self.by_id: dict[int, Poll] = {}
        self._places: dict[int, set[int]] = {}

    def add(self, poll: Poll) -> None:
        """A poll that a message is about to carry."""
        self.by_id[poll.id] = poll
        self.keep(poll)

    def keep(self, poll: Poll) -> None:
        self._journal.touch("poll", poll.id, poll)

    def release(self, media: Media | None) -> None:
        """Forget a poll that no message has, or will have."""
        if media is not None and media.kind == "poll" and not self._places.get(media.file):
            self._places.pop(media.file, None)
            if self.by_id.pop(media.file, None) is not None:
                self._journal.gone("poll", media.file)

    def file(self, message: Message) -> None:
        """Take up a message with a poll. The time of a poll that has a period begins with its first message."""
        if message.media is None or message.media.kind != "poll":
            return
        poll = self.by_id.get(message.media.file)
        if poll is None:
            return
        self._places.setdefault(poll.id, set()).add(message.uid)
        if poll.close_period and not poll.close_date:
            poll.close_date = message.date + poll.close_period
            self.keep(poll)

    def forget(self, message: Message) -> None:
        if message.media is not None and message.media.kind == "poll":
            self._places.get(message.media.file, set()).discard(message.uid)
            self.release(message.media)

    def places(self, poll: Poll) -> list[int]:
        """The uids of the messages that have it, in the order in which they were sent."""
        return sorted(self._places.get(poll.id, ()))

    def is_closed(self, poll: Poll) -> bool:
        return poll.closed or 0 < poll.close_date <= self._clock.time()

    def of(self, message: Message) -> Poll | None:
        """The poll that a message carries."""
        if message.media is None or message.media.kind != "poll":
            return None
        return self.by_id.get(message.media.file)

    def due(self) -> list[Poll]:
        """Those whose time is over and that nobody was told of yet."""
        return [poll for poll in self.by_id.values() if not poll.closed and self.is_closed(poll)]
