"""Faults about getting in: the way of the next login code, QR codes scanned or over, accounts that move house.

Knows the world and rules. What cannot be undone when a rule is deleted (a scanned code) stays done.
"""

from __future__ import annotations

from collections.abc import Callable

from teleflow.sandbox.faults import Rule
from teleflow.sandbox.world import srp
from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.logins import NO_KIND
from teleflow.sandbox.world.qr import LoginToken
from teleflow.sandbox.world.records import CloudPassword, Person
from teleflow.sandbox.world.world import World

VERBS = frozenset(("resend_type", "qr_expire", "qr_accept", "qr_accept_2fa", "qr_accept_migrate", "migrate"))
PASSWORD = "second step"  # noqa: S105  # of an account that had none and is to need one


class AccountFaults:
    """Carries the verbs out on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, rule: Rule, people: list[Person]) -> None:
        """`people` are those that the rule is about."""
        world, args = self._world, rule.args
        if rule.verb == "resend_type":
            world.logins.forced[rule.match.phone or ""] = args.get("next", NO_KIND)
        elif rule.verb == "migrate":
            for person in people:
                world.standing.move(person, int(args["dc"]))
        elif rule.verb == "qr_expire":
            if not world.qr.expire():
                world.qr.armed[rule.number] = lambda _token: world.qr.expire()
        elif people:
            self._scan(rule, people[0])

    def _scan(self, rule: Rule, person: Person) -> None:
        """Somebody scans the code that waits, or, when none does, the next one."""
        scan = self._scanner(rule, person)
        waiting = self._world.qr.waiting()
        if waiting:
            scan(waiting[-1])
        else:
            self._world.qr.armed[rule.number] = scan

    def _scanner(self, rule: Rule, person: Person) -> Callable[[LoginToken], None]:
        world = self._world

        def scan(token: LoginToken) -> None:
            world.qr.armed.pop(rule.number, None)
            if rule.verb == "qr_accept_migrate":
                world.standing.move(person, int(rule.args["dc"]))
            elif rule.verb == "qr_accept_2fa" and person.password is None:
                plain = str(rule.args.get("password", PASSWORD))
                person.password = CloudPassword(srp.new_salt(16), srp.new_salt(16), plain=plain)
                world.keep(person)
            try:
                world.qr.accept(token.token, person)
            except Refused:
                return  # over meanwhile, or not for this person

        return scan

    def end(self, rule: Rule, people: list[Person]) -> None:
        """The rule is over."""
        self._world.qr.armed.pop(rule.number, None)
        if rule.verb == "resend_type":
            self._world.logins.forced.pop(rule.match.phone or "", None)
        elif rule.verb == "migrate":
            for person in people:
                self._world.standing.move(person, 0)
