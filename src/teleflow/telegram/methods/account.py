"""The account itself."""

from __future__ import annotations

from telethon.tl.functions.auth import LogOutRequest
from telethon.tl.functions.users import GetUsersRequest
from telethon.tl.types import InputUserSelf, User

from teleflow.model.operations.account import GetMe, LogOut
from teleflow.model.operations.contacts import Found
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.users import found_from


async def get_me(invoke: Invoke, _operation: GetMe) -> Found:
    users = await invoke(GetUsersRequest([InputUserSelf()]))
    if not users or not isinstance(users[0], User):
        raise errors.unreadable()
    return found_from(users[0])


async def log_out(invoke: Invoke, _operation: LogOut) -> bool:
    await invoke(LogOutRequest())
    return True
