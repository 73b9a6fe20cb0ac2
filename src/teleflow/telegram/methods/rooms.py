"""What the functions on groups and channels share: which peers they take, and what counts as done."""

from __future__ import annotations

from typing import Any

from teleflow.errors import Conflict, Invalid
from teleflow.model.operations.acts import Done
from teleflow.model.peers import Peer, PeerKind
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import known_from
from teleflow.telegram.mtproto.requests import RpcFault
from teleflow.telegram.updates.own import unwrapped

SO_ALREADY = "_NOT_MODIFIED"
NO_GROUP = frozenset({"CHAT_ID_INVALID", "PEER_ID_INVALID", "CHAT_INVALID", "CHAT_FORBIDDEN"})


def room(peer: Peer) -> Peer:
    """A group, supergroup or channel. Raises Invalid for people."""
    if peer.kind is PeerKind.USER:
        raise Invalid("This is for groups and channels", code="NOT_A_GROUP", details={"field": "chatId"})
    return peer


def channel(peer: Peer) -> Peer:
    """A supergroup or channel. Raises Invalid for people, Conflict for basic groups."""
    if room(peer).kind is PeerKind.CHAT:
        raise Conflict("A basic group can't do this: upgrade it to a supergroup", code="NEEDS_SUPERGROUP")
    return peer


async def done(invoke: Invoke, request: Any) -> Done:
    """Ask; what was so before is done too."""
    try:
        answer = await invoke(request)
    except RpcFault as fault:
        if not errors.name_of(fault).endswith(SO_ALREADY):
            raise
        return so_already(fault)
    return Done(known=known_of(answer))


def so_already(fault: RpcFault) -> Done:
    """It is as it was asked for: by an earlier try where one was lost, else from before."""
    return Done(changed=fault.after_lost_try)


def by_lost_try(fault: RpcFault, *names: str) -> bool:
    """Whether this says that there is nothing to do any more, and an earlier try of the same request was lost: that
    one arrived, and its answer did not.
    """
    return fault.after_lost_try and errors.name_of(fault) in names


def known_of(answer: Any) -> Any:
    """Whom an answer with updates lets the session address."""
    updates = unwrapped(answer)
    return known_from(getattr(updates, "users", ()), getattr(updates, "chats", ()))
