"""Who is let through to a method: the key must be logged in, its account in good standing and at home here.

Promises one cheap look for the ordinary request. What it refuses it refuses under Telegram's names.
"""

from __future__ import annotations

from teleflow.sandbox.rpc.base import Caller, RpcError
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.records import Authorization, Person

# what is answered away from an account's own data centre
_ANYWHERE = frozenset(("auth", "upload", "help", "langpack"))
# what a frozen account may still do: look, and leave
_READING = ("get", "check", "search", "resolve", "read", "received", "export", "save", "log", "cancel")
_FROZEN_MAY = frozenset(
    (
        "account.updateStatus",
        "account.deleteAccount",
        "account.resetAuthorization",
        "account.updateNotifySettings",
        "auth.resetAuthorizations",
        "auth.importAuthorization",
        "auth.bindTempAuthKey",
        "auth.acceptLoginToken",
    )
)


class Admission:
    """See the module. One for each data centre."""

    def __init__(self, desk: Desk, open_methods: frozenset[int], names: dict[int, str]) -> None:
        self._desk = desk
        self._open = open_methods
        self._names = names

    def admit(self, caller: Caller, constructor: int) -> None:
        """Raises RpcError."""
        world = self._desk.world
        known = world.logins.authorizations.get(caller.key_id)
        person = world.people.by_id.get(known.person) if known is not None else None
        if known is None or person is None:
            if constructor not in self._open:
                raise RpcError(401, "AUTH_KEY_UNREGISTERED")
            return
        if caller.takeout is not None and world.logins.takeouts.get(caller.takeout) != person.id:
            raise RpcError(400, "TAKEOUT_INVALID")
        known.active = int(world.clock.time())
        account = person.account
        if known.of or person.deleted or self._desk.further or not account.unrestricted:
            self._look_closer(known, person, self._names.get(constructor, ""))

    def _look_closer(self, known: Authorization, person: Person, method: str) -> None:
        standing = self._desk.world.standing
        refusal = standing.refusal(person)
        if refusal is not None:
            raise RpcError(*refusal)
        namespace, _, name = method.partition(".")
        home = self._desk.home_of(person)
        if (home != self._desk.dc_id or known.of) and namespace not in _ANYWHERE:
            raise RpcError(303, f"USER_MIGRATE_{home}")
        if standing.is_frozen(person) and not (name.startswith(_READING) or method in _FROZEN_MAY):
            raise RpcError(420, "FROZEN_METHOD_INVALID")
