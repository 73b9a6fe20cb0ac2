"""What every method handler works with: the world, the view of it as TL, and who is asking.

Resolves input peers with the rules of access hashes, and turns people's and messages' records into
what one viewer sees of them. Holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError
from teleflow.sandbox.rpc.behind import Behind
from teleflow.sandbox.rpc.peers import channel_id
from teleflow.sandbox.rpc.view import View
from teleflow.sandbox.world.boxes import Box
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Origin, Person
from teleflow.sandbox.world.world import World

Address = Callable[[], tuple[str, int]]
Addresses = Callable[[], Mapping[int, tuple[str, int]]]


_CHANNEL_FROM_MESSAGE = types.InputChannelFromMessage | types.InputPeerChannelFromMessage


def _is_peer(named: Any) -> bool:
    return type(named).__name__.startswith("InputPeer")


class Desk:
    """Built once per data centre and handed to every handler."""

    def __init__(self, world: World, *, dc_id: int, address: Address, main_dc: int = 0) -> None:
        self.world = world
        self.view = View(world)
        self.behind = Behind(world)
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

    def tell(self, person: Person, update: Any, cause: Caller | None = None) -> None:
        """Push an update without pts to a person's devices, but not to the session that caused it."""
        origin = self.origin(cause) if cause is not None else None
        self.world.messages.tell(person.id, "account", data=bytes(update), origin=origin)

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
        """The person that an InputUser names; as at Telegram an InputPeer will do. Raises USER_ID_INVALID."""
        if isinstance(user, types.InputUserSelf | types.InputPeerSelf):
            return me
        if isinstance(user, types.InputUser | types.InputPeerUser):
            return self._addressed(me, user, "USER_ID_INVALID")
        if isinstance(user, types.InputUserFromMessage | types.InputPeerUserFromMessage):
            person = self.world.people.by_id.get(user.user_id)
            if person is not None:
                self._seen_in(me, user, person.id)
                return person
        raise RpcError(400, "USER_ID_INVALID")

    def target(self, me: Person, peer: Any) -> Person | Chat:
        """Whoever or whatever an InputPeer names and the asker may look into. Raises as `peer` and `chat` do."""
        if isinstance(peer, types.InputPeerChannel | types.InputPeerChat | types.InputPeerChannelFromMessage):
            return self.chat(me, peer)
        if isinstance(peer, types.InputPeerUserFromMessage):
            return self.user(me, peer)
        return self.peer(me, peer)

    def chat(self, me: Person, named: Any) -> Chat:
        """The group or channel of an InputPeer or InputChannel.

        Raises CHAT_ID_INVALID, PEER_ID_INVALID, CHANNEL_INVALID and CHANNEL_PRIVATE.
        """
        if isinstance(named, types.InputPeerChat):
            return self.group(me, named.chat_id)
        chat = self.named_channel(me, named)
        self.world.chats.require_visible(chat, me.id)
        return chat

    def named_channel(self, me: Person, named: Any) -> Chat:
        """The same for supergroups and channels, also those that the asker may not look into."""
        if not isinstance(named, types.InputChannel | types.InputPeerChannel | _CHANNEL_FROM_MESSAGE):
            raise RpcError(400, "PEER_ID_INVALID" if _is_peer(named) else "CHANNEL_INVALID")
        chats = self.world.chats
        chat = chats.by_id.get(channel_id(named.channel_id))
        if chat is None:
            raise RpcError(400, "CHANNEL_INVALID")
        if isinstance(named, _CHANNEL_FROM_MESSAGE):
            self._seen_in(me, named, chat.id)
        elif named.access_hash != self.world.people.access_hash(me.id, chat.id):
            raise RpcError(400, "CHANNEL_INVALID")
        return chat

    def group(self, me: Person, number: int) -> Chat:
        """A basic group that the asker is or was in."""
        chat = self.world.chats.by_id.get(-number) if number > 0 else None
        if chat is None or self.world.chats.member(chat, me.id) is None:
            raise RpcError(400, "CHAT_ID_INVALID")
        return chat

    def place(self, me: Person, target: Person | Chat) -> Box:
        """The box with the messages of a chat, by the numbers that the asker sees."""
        return self.world.messages.place(me.id, target.id)

    def _seen_in(self, me: Person, named: Any, wanted: int) -> None:
        """Somebody or something named by a message in which they appear. Raises PEER_ID_INVALID."""
        box = self.place(me, self.target(me, named.peer))
        if wanted not in self.view.involved(box, [named.msg_id]):
            raise RpcError(400, "PEER_ID_INVALID")

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
