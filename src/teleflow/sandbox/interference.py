"""Faults between the world and those who are told of it: updates lost, told twice or late, and the world itself put
into states that clients have to bear.

`Interference` stands as a `Push` before the session layer. Promises that without such a rule an update costs one
look more. It knows entries and pushes, and no TL.
"""

from __future__ import annotations

from collections.abc import Callable

from teleflow.kit.clock import Clock
from teleflow.kit.tasks import Tasks
from teleflow.sandbox import account_faults
from teleflow.sandbox.faults import Call, Faults, Rule
from teleflow.sandbox.rpc.base import Push, TLObject
from teleflow.sandbox.world.records import Entry, Origin, Person
from teleflow.sandbox.world.world import World

LATE_MS = 1000.0
"""An update that waits for the next one goes out after this time in any case."""
_REPEATS = {"return_original": "answer", "error_duplicate": "error"}


class Interference:
    """See the module."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        clock: Clock,
        tasks: Tasks,
        note: Callable[[int, str, str | None], object],
    ) -> None:
        """`note` writes into the ledger that a rule, by its number and verb, has acted on a phone."""
        self._world = world
        self._note = note
        self._accounts = account_faults.AccountFaults(world)
        self._faults = faults
        self._clock = clock
        self._tasks = tasks
        self._push: Push
        self._entry: Entry | None = None
        self._decided: dict[str, str | None] = {}
        self._late: dict[int, list[tuple[TLObject, int | None]]] = {}

    # Between the world and the session layer.

    def over(self, push: Push) -> Interference:
        """Stand before `push`, and listen to what is being told."""
        self._push = push
        if self._begin not in self._world.observers:
            self._world.observers.insert(0, self._begin)
        return self

    def _begin(self, entry: Entry, _origin: Origin | None) -> None:
        self._entry = entry
        if self._decided:
            self._decided = {}

    def push(self, key_id: int, updates: TLObject, *, except_session: int | None = None) -> None:
        if self._faults.of_updates or self._late:
            self._disturbed(key_id, updates, except_session)
        else:
            self._push.push(key_id, updates, except_session=except_session)

    def revoke(self, key_id: int) -> None:
        self._late.pop(key_id, None)
        self._push.revoke(key_id)

    def live(self, key_id: int) -> bool:
        return self._push.live(key_id)

    def _disturbed(self, key_id: int, updates: TLObject, except_session: int | None) -> None:
        verb = self._verb(self._world.phone_of(key_id))
        if verb == "withhold_updates":
            return
        if verb is not None and verb.startswith("out_of_order_update"):
            made = updates.made() if hasattr(updates, "made") else updates
            self._late.setdefault(key_id, []).append((made, except_session))
            wait = float(verb.partition(" ")[2]) / 1000
            self._tasks.start(self._tell_late_after(key_id, wait), "late update")
            return
        self._push.push(key_id, updates, except_session=except_session)
        if verb == "duplicate_update":
            self._push.push(key_id, updates, except_session=except_session)
        self._tell_late(key_id)

    def _verb(self, phone: str | None) -> str | None:
        """What befalls this entry on its way to a person: decided once for all devices."""
        if phone is None or self._entry is None:
            return None
        if phone not in self._decided:
            fired = self._faults.fire(Call(phone, "", None, self._chat_of(self._entry)))
            rule = fired[0][0] if fired else None
            self._decided[phone] = None if rule is None else _told(rule)
            if rule is not None:
                self._note(rule.number, rule.verb, phone)
        return self._decided[phone]

    def _chat_of(self, entry: Entry) -> str:
        """The marked id of the chat in which it happens."""
        if entry.owner < 0:
            return str(entry.owner)
        box = self._world.messages.box(entry.owner)
        message = box.messages.get(entry.ids[0]) if entry.ids else None
        return str(entry.chat or entry.peer or (message.peer_for(entry.owner) if message is not None else 0))

    def _tell_late(self, key_id: int) -> None:
        for updates, except_session in self._late.pop(key_id, ()):
            self._push.push(key_id, updates, except_session=except_session)

    async def _tell_late_after(self, key_id: int, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._tell_late(key_id)

    # The world itself.

    def begin(self, rule: Rule) -> None:
        """Carry out a verb about the world."""
        world, args = self._world, rule.args
        if rule.verb == "rotate_srp":
            world.logins.rotate_challenges()
        elif rule.verb == "expire_file_reference":
            world.files.expire_references()
        elif rule.verb == "random_id_repeat":
            world.random_id_repeat = _REPEATS[args["how"]]  # type: ignore[assignment]
        elif rule.verb == "skip_pts":
            for owner in self._owners(rule):
                box = world.messages.box(owner)
                box.state.pts += args["n"]
                world.journal.touch("box", owner, box.state)
        elif rule.verb in account_faults.VERBS:
            self._accounts.begin(rule, self._people(rule))
        else:
            for person in self._people(rule):
                if rule.verb == "ban_account":
                    world.standing.ban(person)
                else:
                    world.standing.freeze(person, args.get("seconds"))

    def end(self, rule: Rule) -> None:
        """The rule is over: what can be undone is undone."""
        world = self._world
        if rule.verb == "random_id_repeat":
            world.random_id_repeat = "answer"
        if rule.verb in account_faults.VERBS:
            self._accounts.end(rule, self._people(rule))
        for person in self._people(rule):
            if rule.verb == "ban_account":
                world.standing.unban(person)
            elif rule.verb == "freeze_account":
                world.standing.thaw(person)

    def _people(self, rule: Rule) -> list[Person]:
        people = self._world.people
        if rule.match.phone is None:
            return [person for person in people.by_id.values() if person.phone]
        person = people.by_phone(rule.match.phone)
        return [] if person is None else [person]

    def _owners(self, rule: Rule) -> list[int]:
        """Whose numbering it is about: the channel's that is named, else people's."""
        if rule.match.chat is not None and rule.match.chat.startswith("-100"):
            return [int(rule.match.chat)]
        return [person.id for person in self._people(rule)]


def _told(rule: Rule) -> str:
    if rule.verb != "out_of_order_update":
        return rule.verb
    return f"{rule.verb} {rule.args.get('ms', LATE_MS)}"
