"""users.*: people by their ids."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk


async def get_users(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """`userEmpty` stands where an id or its access hash is wrong."""
    me = desk.me(caller)
    found: list[Any] = []
    for named in request.id:
        try:
            found.append(desk.view.user(me, desk.user(me, named)))
        except RpcError:
            found.append(types.UserEmpty(getattr(named, "user_id", 0)))
    return found


async def get_full_user(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    person = desk.user(me, request.id)
    stranger = person is not me and person.id not in me.contacts
    full = types.UserFull(
        id=person.id,
        settings=types.PeerSettings(
            add_contact=stranger or None, block_contact=(stranger and person.id not in me.blocked) or None
        ),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=0,
        blocked=True if person.id in me.blocked else None,
        can_pin_message=True,
        about=person.about or None,
    )
    return types.users.UserFull(full, chats=[], users=desk.view.users(me, {me.id, person.id}))
