"""All boxes, and the way in which a change of one is written down and told.

Promises that an entry is in the box's log, in the ledger and in the journal before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Callable

from teleflow.kit.clock import Clock
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import is_channel
from teleflow.sandbox.world.journal import Journal
from teleflow.sandbox.world.ledger import Ledger
from teleflow.sandbox.world.records import Entry, EntryKind, Origin

LOG_LIMIT = 100_000
Emit = Callable[[Entry, Origin | None], None]


class Boxes:
    """The boxes of accounts, by id, and of supergroups and channels, by marked id."""

    def __init__(self, clock: Clock, ledger: Ledger, journal: Journal) -> None:
        self._clock = clock
        self._ledger = ledger
        self._journal = journal
        self.boxes: dict[int, Box] = {}
        self.log_limit = LOG_LIMIT
        self.emit: Emit = _nobody

    def box(self, owner: int) -> Box:
        found = self.boxes.get(owner)
        if found is None:
            found = self.boxes[owner] = Box(owner)
            self._journal.touch("box", owner, found.state)
        return found

    def place(self, owner: int, peer: int) -> Box:
        """The box whose numbers `owner` sees in the chat with `peer`: the channel's, or the account's own."""
        return self.box(peer if is_channel(peer) else owner)

    def tell(
        self,
        owner: int,
        kind: EntryKind,
        *,
        peer: int = 0,
        max_id: int = 0,
        unread: int = 0,
        chat: int = 0,
        data: bytes = b"",
        origin: Origin | None = None,
    ) -> None:
        """An update without pts: told to those who are there, and never again."""
        entry = Entry(
            seq=self._ledger.next(),
            owner=owner,
            kind=kind,
            date=int(self._clock.time()),
            peer=peer,
            max_id=max_id,
            unread=unread,
            chat=chat,
            data=data,
        )
        self._ledger.updates.append(entry)
        self.emit(entry, origin)

    def log(
        self,
        box: Box,
        kind: EntryKind,
        *,
        ids: list[int] | None = None,
        count: int = 1,
        peer: int = 0,
        max_id: int = 0,
        unread: int = 0,
        uid: int = 0,
        date: int = 0,
    ) -> Entry:
        """Write down what the box's last pts (already counted up) stand for; it happens now, or at `date`."""
        entry = Entry(
            seq=self._ledger.next(),
            owner=box.owner,
            kind=kind,
            date=date or int(self._clock.time()),
            pts=box.state.pts,
            count=count,
            ids=ids or [],
            peer=peer,
            max_id=max_id,
            unread=unread,
            uid=uid,
        )
        box.append(entry, self.log_limit)
        self._ledger.updates.append(entry)
        self._journal.touch("entry", entry.seq, entry)
        self._journal.touch("box", box.owner, box.state)
        return entry


def _nobody(_entry: Entry, _origin: Origin | None) -> None:
    """Updates of a world that nobody listens to."""
