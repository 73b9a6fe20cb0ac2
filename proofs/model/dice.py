"""The seeded dice that chooses what somebody does next: what a client would offer, now and then what it would not."""

from __future__ import annotations

from collections.abc import Callable

from proofs.model import rules
from proofs.model.deeds import BOLD, Addresses, Deed
from proofs.model.deeds_own import Own
from proofs.model.deeds_rooms import Rooms
from proofs.model.deeds_said import Said
from proofs.model.line import WorldTime
from proofs.model.records import No
from proofs.model.rooms import Model

WRITES = {"send", "reply", "forward", "schedule", "schedule: sent now"}
RIGHTS = {
    **dict.fromkeys(("kick", "ban", "restrict", "pardon", "slow mode", "default rights"), "ban_users"),
    "promote": "add_admins",
    "demote": "add_admins",
    "rename": "change_info",
    "add": "invite_users",
    **dict.fromkeys(("pin", "unpin", "unpin all"), "pin_messages"),
}


class Dice(Said, Own, Rooms):
    """See the module: `deed` makes the next thing that `me` does."""

    def __init__(self, seed: int, model: Model, addresses: Addresses, clock: WorldTime) -> None:
        super().__init__(seed, model, addresses, clock)
        self.makers: list[tuple[Callable[[int, int], Deed | None], int]] = [
            *((self.send, 34), (self.edit, 9), (self.delete, 5), (self.read, 12), (self.react, 8), (self.pin, 3)),
            *((self.forward, 4), (self.unpin_all, 1), (self.look, 3), (self.clear, 1), (self.draft, 3)),
            *((self.mark, 2), (self.archive, 1), (self.mute, 1), (self.schedule, 1), (self.schedule_drop, 1)),
            *((self.join, 3), (self.leave, 2), (self.add, 3), (self.shut_out, 2), (self.promote, 1)),
            *((self.rename, 1), (self.slow, 1), (self.default_ban, 1), (self.block, 1)),
        ]

    def deed(self, me: int) -> Deed:
        makers, weights = zip(*self.makers, strict=True)
        while True:
            maker = self.dice.choices(makers, weights)[0]
            found = maker(me, self.dice.choice(self.chats(me)))
            if found is not None and (self._likely(found) or self.dice.random() < BOLD):
                return found

    def _likely(self, deed: Deed) -> bool:
        """Whether the one who does it has the right to, as a client's buttons would have it."""
        model, me, peer, kind = self.model, deed.me, deed.peer, deed.kind
        try:
            if kind in WRITES:
                rules.write(model, me, peer, self.clock.now())
            elif kind in RIGHTS and peer < 0:
                rules.require(model, me, peer, RIGHTS[kind])
            elif peer < 0:
                rules.look(model, me, peer)
        except No:
            return False
        return True
