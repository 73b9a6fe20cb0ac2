"""Any method of the layer, by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import TLObject
from telethon.tl import types as tl

from teleflow.errors import Invalid
from teleflow.kit.ids import int64_of
from teleflow.model.operations.invoke import Invoked, InvokeMethod
from teleflow.model.peers import Known, Peer, PeerKind
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_channel, input_peer, input_user, known_from
from teleflow.telegram.mtproto.requests import Unreadable
from teleflow.telegram.tl.codec import request_from
from teleflow.telegram.tl.shown import json_from


async def invoke_method(invoke: Invoke, operation: InvokeMethod) -> Invoked:
    def peer(ref: str, wanted: str) -> TLObject:
        return _as(ref, operation.peers[ref], wanted)

    act = operation.act
    drawn = None if act is None else lambda path: int64_of(f"invoke {act} {path}")
    answer = await invoke(request_from(operation.method, operation.params, peer, drawn))
    try:
        result = json_from(answer)
    except RecursionError:
        raise Unreadable("an answer too deep to be told") from None
    return Invoked(result, lambda: _known(answer))


def _as(ref: str, peer: Peer, wanted: str) -> TLObject:
    match wanted:
        case "InputUser":
            _check(ref, peer, PeerKind.USER)
            return input_user(peer)
        case "InputChannel":
            _check(ref, peer, PeerKind.CHANNEL)
            return input_channel(peer)
        case "InputDialogPeer":
            return tl.InputDialogPeer(input_peer(peer))
    return input_peer(peer)


def _check(ref: str, peer: Peer, kind: PeerKind) -> None:
    if peer.kind is not kind:
        message = f"{ref[:64]} is no {kind.value}"
        raise Invalid(message, details={"fields": [{"field": "params", "message": message}]})


def _known(answer: Any) -> Sequence[Known]:
    try:
        return known_from(_listed(answer, "users"), _listed(answer, "chats"))
    except (AttributeError, TypeError):  # there are others than users and chats among them
        return ()


def _listed(answer: Any, name: str) -> Any:
    found = getattr(answer, name, ())
    return found if isinstance(found, list) else ()


TABLE = {InvokeMethod: invoke_method}
