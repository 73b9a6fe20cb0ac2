"""account.*: the profile and whether one is there."""

from __future__ import annotations

from typing import Any

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.people import ABOUT_LIMIT, valid_username
from teleflow.sandbox.world.records import Person


async def update_status(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.world.set_online(desk.me(caller), online=not request.offline)
    return True


async def update_profile(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.about is not None:
        if len(request.about) > ABOUT_LIMIT:
            raise RpcError(400, "ABOUT_TOO_LONG")
        me.about = request.about
        desk.world.keep(me)
    first, last = request.first_name, request.last_name
    if first is not None or last is not None:
        desk.world.rename(
            me,
            me.first_name if first is None else first,
            me.last_name if last is None else last,
        )
    return desk.view.user(me, me)


def _free(desk: Desk, me: Person, username: str) -> bool:
    if not valid_username(username):
        raise RpcError(400, "USERNAME_INVALID")
    return desk.world.people.by_username(username) in {None, me}


async def check_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _free(desk, desk.me(caller), request.username)


async def update_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    desk.world.set_username(me, request.username)
    return desk.view.user(me, me)
