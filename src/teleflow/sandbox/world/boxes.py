"""An account's message box: its own numbering, its dialogs, its log of updates.

Promises: message ids and pts only grow, every pts that was handed out is in the log until it is
trimmed from its old end, and `floor` tells how far back the log reaches.
"""

from __future__ import annotations

import bisect

from teleflow.sandbox.world.records import BoxState, Committed, Dialog, Entry, Message


class Box:
    """Messages of one account, by its own ids."""

    def __init__(self, owner: int, state: BoxState | None = None) -> None:
        self.owner = owner
        self.state = state or BoxState(owner)
        self.messages: dict[int, Message] = {}
        self.dialogs: dict[int, Dialog] = {}
        self.log: list[Entry] = []
        # by random_id; outlives the message, as a repeat must never send again
        self.sent: dict[int, Committed] = {}

    @property
    def pts(self) -> int:
        return self.state.pts

    def dialog(self, peer: int) -> Dialog:
        """The dialog with a peer, made when there is none."""
        found = self.dialogs.get(peer)
        if found is None:
            found = self.dialogs[peer] = Dialog(self.owner, peer)
        return found

    def file(self, message: Message) -> int:
        """Give a message its number here. Returns the id; pts has grown by one."""
        state = self.state
        state.last_id += 1
        state.pts += 1
        number = state.last_id
        self.messages[number] = message
        message.sides[self.owner] = (number, state.pts)
        dialog = self.dialog(message.peer_for(self.owner))
        dialog.ids.append(number)
        if message.sender != self.owner:
            dialog.unread += 1
        elif message.to == self.owner:
            dialog.read_inbox = dialog.read_outbox = number
        return number

    def append(self, entry: Entry, limit: int) -> None:
        """Add to the log; when it is well over `limit`, forget the oldest."""
        self.log.append(entry)
        if len(self.log) > limit + limit // 4:
            cut = len(self.log) - limit
            self.state.floor = self.log[cut - 1].pts
            del self.log[:cut]

    def drop(self, number: int) -> Message:
        """Take one message out of the box."""
        message = self.messages.pop(number)
        dialog = self.dialogs[message.peer_for(self.owner)]
        at = bisect.bisect_left(dialog.ids, number)
        del dialog.ids[at]
        if message.sender != self.owner and number > dialog.read_inbox:
            dialog.unread -= 1
        return message

    def incoming_after(self, dialog: Dialog, number: int) -> int:
        """How many incoming messages have a larger id."""
        start = bisect.bisect_right(dialog.ids, number)
        return sum(1 for each in dialog.ids[start:] if self.messages[each].sender != self.owner)

    def unread_total(self) -> int:
        return sum(dialog.unread for dialog in self.dialogs.values())
