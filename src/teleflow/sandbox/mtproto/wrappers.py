"""The methods that wrap another one: layer, client's description, order, whether updates are wanted.

`unwrap` takes them off and writes what they say about the client on its session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telethon.tl import functions

from teleflow.sandbox.mtproto.session import Session
from teleflow.sandbox.rpc.base import RpcError

MAX_DEPTH = 12

_TRANSPARENT = (
    functions.InvokeWithTakeoutRequest,
    functions.InvokeWithMessagesRangeRequest,
    functions.InvokeWithBusinessConnectionRequest,
    functions.InvokeWithGooglePlayIntegrityRequest,
    functions.InvokeWithApnsSecretRequest,
    functions.InvokeWithReCaptchaRequest,
)
_WRAPPERS = frozenset(
    kind.CONSTRUCTOR_ID
    for kind in (
        functions.InvokeWithLayerRequest,
        functions.InitConnectionRequest,
        functions.InvokeAfterMsgRequest,
        functions.InvokeAfterMsgsRequest,
        functions.InvokeWithoutUpdatesRequest,
        *_TRANSPARENT,
    )
)


@dataclass(slots=True)
class Unwrapped:
    """The method itself, the requests that have to be done before it, and whether its caller wants updates."""

    request: Any
    after: tuple[int, ...] = ()
    without_updates: bool = False


def unwrap(session: Session, request: Any) -> Unwrapped:
    """Take all wrappers off. Raises RpcError when there are too many or nothing is inside."""
    found = Unwrapped(request)
    for _ in range(MAX_DEPTH):
        wrapper = found.request
        if getattr(wrapper, "CONSTRUCTOR_ID", None) not in _WRAPPERS:
            return found
        if isinstance(wrapper, functions.InvokeWithLayerRequest):
            session.layer = wrapper.layer
        elif isinstance(wrapper, functions.InitConnectionRequest):
            _introduce(session, wrapper)
        elif isinstance(wrapper, functions.InvokeAfterMsgRequest):
            found.after += (wrapper.msg_id,)
        elif isinstance(wrapper, functions.InvokeAfterMsgsRequest):
            found.after += tuple(wrapper.msg_ids)
        elif isinstance(wrapper, functions.InvokeWithoutUpdatesRequest):
            found.without_updates = True
        found.request = wrapper.query
    raise RpcError(400, "INPUT_REQUEST_TOO_LONG")


def _introduce(session: Session, client: Any) -> None:
    session.api_id = client.api_id
    session.device_model = client.device_model[:128]
    session.system_version = client.system_version[:128]
    session.app_version = client.app_version[:128]
    session.lang_code = client.lang_code[:32]
    session.system_lang_code = client.system_lang_code[:32]
