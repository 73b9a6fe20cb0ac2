"""What every method handler works with: the world, the view of it as TL, and who is asking.

Resolves input peers with the rules of access hashes, and turns people's and messages' records into
what one viewer sees of them. Holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError
from teleflow.sandbox.rpc.view import View
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.records import Origin, Person
from teleflow.sandbox.world.world import World

Address = Callable[[], tuple[str, int]]
Addresses = Callable[[], Mapping[int, tuple[str, int]]]


class Desk:
    """Built once per data centre and handed to every handler."""

    def __init__(self, world: World, *, dc_id: int, address: Address, main_dc: int = 0) -> None:
        self.world = world
        self.view = View(world)
        self.dc_id = dc_id
        self.address = address
        # where everybody lives who was not put elsewhere
        self.main_dc = main_dc or dc_id
        self.dcs: Addresses = lambda: {dc_id: address()}
        # whether there is more than one data centre
        self.further = False
        # told when a client introduces itself anew; set by the register
        self.introduced: Callable[[int], None] = lambda _key_id: None

    def now(self) -> int:
        return int(self.world.clock.time())

    def home_of(self, person: Person) -> int:
        """The data centre where an account lives."""
        return person.account.dc or self.main_dc

    def me(self, caller: Caller) -> Person:
        """The person behind the key."""
        person = self.world.person_by_key(caller.key_id)
        if person is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return person

    def box(self, person: Person) -> Box:
        return self.world.messages.box(person.id)

    def origin(self, caller: Caller) -> Origin:
        return Origin(caller.key_id, caller.session_id)

    def peer(self, me: Person, peer: Any) -> Person:
        """The person that an InputPeer names. Raises PEER_ID_INVALID."""
        if isinstance(peer, types.InputPeerUser):
            return self._addressed(me, peer, "PEER_ID_INVALID")
        if isinstance(peer, types.InputPeerSelf):
            return me
        if isinstance(peer, types.InputPeerChannel):
            raise RpcError(400, "CHANNEL_INVALID")
        if isinstance(peer, types.InputPeerChat):
            raise RpcError(400, "CHAT_ID_INVALID")
        raise RpcError(400, "PEER_ID_INVALID")

    def user(self, me: Person, user: Any) -> Person:
        """The person that an InputUser names. Raises USER_ID_INVALID."""
        if isinstance(user, types.InputUserSelf):
            return me
        if isinstance(user, types.InputUser):
            return self._addressed(me, user, "USER_ID_INVALID")
        raise RpcError(400, "USER_ID_INVALID")

    def _addressed(self, me: Person, named: Any, refusal: str) -> Person:
        """`named` has user_id and access_hash. A contact may be named without the hash."""
        person = self.world.people.by_id.get(named.user_id)
        if person is None:
            raise RpcError(400, refusal)
        if named.access_hash == self.world.people.access_hash(me.id, person.id) or person is me:
            return person
        if named.access_hash == 0 and person.id in me.contacts:
            return person
        raise RpcError(400, refusal)


def timestamp(moment: Any) -> int:
    """A date of a request as Unix seconds; 0 when it is not set."""
    if not moment:
        return 0
    return int(moment) if isinstance(moment, int | float) else int(moment.timestamp())
