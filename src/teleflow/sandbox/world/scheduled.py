"""Messages that go out later: kept by account and chat until their time, with numbers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.annexes import Annex, Waiting
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.chats import Chats
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.messages import Messages
from teleflow.sandbox.world.records import Committed, Origin, Person

WHEN_ONLINE = 0x7FFFFFFE
LONGEST = 365 * 24 * 3600
# what is due within so many seconds goes out at once
AT_ONCE = 10
PER_CHAT = 100


class Scheduled:
    """Everything that waits, by number. `told` hears of what came (True) or went, with the number it was sent as."""

    def __init__(self, clock: Clock, journal: Journal, chats: Chats, messages: Messages) -> None:
        self._clock = clock
        self._journal = journal
        self._chats = chats
        self._messages = messages
        self.by_id: dict[int, Waiting] = {}
        self.told: Callable[[Waiting, bool, int, Origin | None], None] = _nobody

    def of_chat(self, owner: int, peer: int) -> list[Waiting]:
        """In the order in which they are due."""
        found = [each for each in self.by_id.values() if each.owner == owner and each.peer == peer]
        return sorted(found, key=lambda each: (each.date, each.id))

    def check(self, me: Person, to: Person | Chat, date: int) -> bool:
        """Whether `date` is late enough to wait for. Raises SCHEDULE_DATE_TOO_LATE and SCHEDULE_TOO_MUCH."""
        now = self._clock.time()
        if date <= now + AT_ONCE:
            return False
        if date != WHEN_ONLINE and date > now + LONGEST:
            raise Refused("SCHEDULE_DATE_TOO_LATE")
        if date == WHEN_ONLINE and (not isinstance(to, Person) or to is me):
            raise Refused("SCHEDULE_DATE_INVALID")
        if len(self.of_chat(me.id, to.id)) >= PER_CHAT:
            raise Refused("SCHEDULE_TOO_MUCH")
        self._messages.may_write(me, to)
        return True

    def add(self, waiting: Waiting, origin: Origin | None = None) -> Waiting:
        """File one; it is given its number."""
        waiting.id = max(self.by_id, default=0) + 1
        self.keep(waiting)
        self.told(waiting, True, 0, origin)
        return waiting

    def keep(self, waiting: Waiting) -> None:
        self.by_id[waiting.id] = waiting
        self._journal.touch("scheduled", waiting.id, waiting)

    def named(self, me: Person, peer: int, numbers: Iterable[int]) -> list[Waiting]:
        """Raises MESSAGE_ID_INVALID."""
        found = [self.by_id.get(number) for number in numbers]
        known = [each for each in found if each is not None and (each.owner, each.peer) == (me.id, peer)]
        if not known or len(known) != len(found):
            raise Refused("MESSAGE_ID_INVALID")
        return known

    def drop(self, waiting: Waiting, origin: Origin | None = None, sent: int = 0) -> None:
        if self.by_id.pop(waiting.id, None) is not None:
            self._journal.gone("scheduled", waiting.id)
            self._messages.polls.release(waiting.media)
            self.told(waiting, False, sent, origin)

    def send(self, waiting: Waiting, origin: Origin | None = None) -> Committed | None:
        """Send it now. What may not be sent any more is dropped. Returns None for that."""
        me = self._chats.people.by_id[waiting.owner]
        to = self._chats.by_id.get(waiting.peer) or self._chats.people.by_id[waiting.peer]
        annex = waiting.annex or Annex()
        annex.scheduled = True
        box = self._messages.place(me.id, to.id)
        try:
            line = self._messages.send(
                me,
                to,
                waiting.text,
                random_id=waiting.random_id,
                entities=waiting.entities,
                reply_to=waiting.reply_to if waiting.reply_to in box.messages else 0,
                silent=waiting.silent,
                media=waiting.media,
                annex=annex,
                origin=origin,
            )
        except Refused:
            self.drop(waiting, origin)
            return None
        self.drop(waiting, origin, sent=line.from_id)
        return line

    def sweep(self) -> None:
        """Send what is due by the world's clock."""
        now = self._clock.time()
        due = [each for each in self.by_id.values() if self._is_due(each, now)]
        for waiting in sorted(due, key=lambda each: (each.date, each.id)):
            self.send(waiting)

    def _is_due(self, waiting: Waiting, now: float) -> bool:
        if waiting.date != WHEN_ONLINE:
            return waiting.date <= now
        person = self._chats.people.by_id.get(waiting.peer)
        return person is not None and person.online_until > now


def _nobody(_waiting: Waiting, _came: bool, _sent: int, _origin: Origin | None) -> None:
    """A world that nobody listens to."""
