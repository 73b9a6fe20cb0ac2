"""auth.exportAuthorization and its counterpart: a login carried over to another data centre of the same world."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk


async def export_authorization(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.dc_id == desk.dc_id or request.dc_id not in desk.dcs():
        raise RpcError(400, "DC_ID_INVALID")
    ticket = desk.world.tickets.issue(me.id, caller.key_id, request.dc_id)
    return types.auth.ExportedAuthorization(me.id, ticket)


async def import_authorization(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Binds this key. At the account's own data centre that is a login like any other."""
    world = desk.world
    ticket = world.tickets.redeem(bytes(request.bytes), desk.dc_id)
    known = world.logins.authorizations.get(ticket.key_id) if ticket is not None else None
    if ticket is None or known is None or known.person != ticket.person:
        raise RpcError(400, "AUTH_BYTES_INVALID")
    if request.id != ticket.person:
        raise RpcError(400, "USER_ID_INVALID")
    person = world.people.by_id[ticket.person]
    away = desk.home_of(person) != desk.dc_id
    world.carry_over(known, caller, away=away)
    desk.introduced(caller.key_id)
    return types.auth.Authorization(user=desk.view.user(person, person))
