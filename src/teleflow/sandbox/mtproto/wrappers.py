"""The methods that wrap another one: layer, client's description, order, whether updates are wanted.

`unwrap` takes them off and writes what they say about the client on its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telethon.tl import functions
from telethon.tl.alltlobjects import LAYER

from teleflow.sandbox.mtproto.keys import Standing
from teleflow.sandbox.rpc.base import RpcError

MAX_DEPTH = 12
OLDEST_LAYER = 105
"""Of before, no client is left that Telegram serves."""

_TRANSPARENT = (
    functions.InvokeWithMessagesRangeRequest,
    functions.InvokeWithBusinessConnectionRequest,
    functions.InvokeWithGooglePlayIntegrityRequest,
    functions.InvokeWithApnsSecretRequest,
    functions.InvokeWithReCaptchaRequest,
)
WRAPPERS = frozenset(
    kind.CONSTRUCTOR_ID
    for kind in (
        functions.InvokeWithLayerRequest,
        functions.InitConnectionRequest,
        functions.InvokeAfterMsgRequest,
        functions.InvokeAfterMsgsRequest,
        functions.InvokeWithoutUpdatesRequest,
        functions.InvokeWithTakeoutRequest,
        *_TRANSPARENT,
    )
)


@dataclass(slots=True)
class Unwrapped:
    """The method itself, the requests that have to be done before it, and whether its caller wants updates."""

    request: Any
    after: tuple[int, ...] = ()
    without_updates: bool = False
    takeout: int | None = None
    news: bool = False
    """Whether the client told something of itself that was not known."""


def unwrap(standing: Standing, request: Any) -> Unwrapped:
    """Take all wrappers off. Raises RpcError for too many of them, and for a layer that nobody speaks."""
    found = Unwrapped(request)
    for _ in range(MAX_DEPTH):
        wrapper = found.request
        if getattr(wrapper, "CONSTRUCTOR_ID", None) not in WRAPPERS:
            return found
        if isinstance(wrapper, functions.InvokeWithLayerRequest):
            if not OLDEST_LAYER <= wrapper.layer <= LAYER:
                raise RpcError(400, "CONNECTION_LAYER_INVALID")
            found.news |= standing.layer != wrapper.layer
            standing.layer = wrapper.layer
        elif isinstance(wrapper, functions.InitConnectionRequest):
            found.news |= _introduce(standing, wrapper)
        elif isinstance(wrapper, functions.InvokeWithTakeoutRequest):
            found.takeout = wrapper.takeout_id
        elif isinstance(wrapper, functions.InvokeAfterMsgRequest):
            found.after += (wrapper.msg_id,)
        elif isinstance(wrapper, functions.InvokeAfterMsgsRequest):
            found.after += tuple(wrapper.msg_ids)
        elif isinstance(wrapper, functions.InvokeWithoutUpdatesRequest):
            found.without_updates = True
        found.request = wrapper.query
    raise RpcError(400, "INPUT_REQUEST_TOO_LONG")


def _introduce(standing: Standing, client: Any) -> bool:
    """Returns whether anything of it is new."""
    if not standing.layer:
        raise RpcError(400, "CONNECTION_LAYER_INVALID")
    told: dict[str, Any] = {
        "introduced": True,
        "api_id": client.api_id,
        "device_model": client.device_model[:128],
        "system_version": client.system_version[:128],
        "app_version": client.app_version[:128],
        "lang_code": client.lang_code[:32],
        "system_lang_code": client.system_lang_code[:32],
    }
    news = any(getattr(standing, name) != value for name, value in told.items())
    for name, value in told.items():
        setattr(standing, name, value)
    return news
