"""Whether a frozen account is frozen still: help.getAppConfig names the time of a freeze for as long as it lasts.

https://core.telegram.org/api/auth#frozen-accounts
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl.functions.help import GetAppConfigRequest
from telethon.tl.types import JsonObject
from telethon.tl.types.help import AppConfig

from teleflow.errors import TeleFlowError
from teleflow.telegram.mtproto.requests import RpcFault, Unreadable

_WITHIN_S = 20.0


async def has_thawed(repeat: Callable[..., Awaitable[Any]]) -> bool:
    """False also when nobody could tell. `repeat` sends a request, as `LiveSession.repeat` does."""
    try:
        answer = await repeat(GetAppConfigRequest(0), within=_WITHIN_S)
    except (TeleFlowError, RpcFault, Unreadable):
        return False
    if not isinstance(answer, AppConfig) or not isinstance(answer.config, JsonObject):
        return False
    return all(each.key != "freeze_since_date" for each in answer.config.value)
