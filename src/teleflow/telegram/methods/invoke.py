"""Any method of the layer, by its name."""

from __future__ import annotations

from typing import Any

from telethon.tl import TLObject
from telethon.tl import types as tl

from teleflow.model.operations.invoke import Invoked, InvokeMethod
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_channel, input_peer, input_user, known_from
from teleflow.telegram.tl.codec import json_from, request_from


async def invoke_method(invoke: Invoke, operation: InvokeMethod) -> Invoked:
    def peer(ref: str, wanted: str) -> TLObject:
        return _as(operation.peers[ref], wanted)

    answer = await invoke(request_from(operation.method, operation.params, peer))
    return Invoked(json_from(answer), known_from(_listed(answer, "users"), _listed(answer, "chats")))


def _as(peer: Any, wanted: str) -> TLObject:
    match wanted:
        case "InputUser":
            return input_user(peer)
        case "InputChannel":
            return input_channel(peer)
        case "InputDialogPeer":
            return tl.InputDialogPeer(input_peer(peer))
    return input_peer(peer)


def _listed(answer: Any, name: str) -> Any:
    found = getattr(answer, name, ())
    return found if isinstance(found, list) else ()


TABLE = {InvokeMethod: invoke_method}
