"""Where an account stands in its updates, asked as soon as it is logged in: from there on, everything is told."""

from __future__ import annotations

from typing import Any

from telethon.tl.functions.updates import GetStateRequest
from telethon.tl.types.updates import State

from teleflow.errors import TeleFlowError
from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram.convert.plain import seconds
from teleflow.telegram.live import LiveSession
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable

_WITHIN_S = 5.0


async def standing(live: LiveSession) -> BoxPosition | None:
    """None when the data centre does not say: then whoever follows begins later."""
    try:
        return position_of(await live.repeat(GetStateRequest(), within=_WITHIN_S))
    except (RpcFault, TeleFlowError, Unreadable):
        return None


def position_of(state: Any) -> BoxPosition | None:
    if not isinstance(state, State):
        return None
    return BoxPosition(ACCOUNT, state.pts, state.qts, seconds(state.date) or 0, state.seq)
