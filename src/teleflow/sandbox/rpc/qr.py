"""auth.*LoginToken: logging in by a code that another device of the account scans."""

from __future__ import annotations

import asyncio
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.auth import enter, need_password
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.qr import LoginToken


async def export_login_token(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """A new code; or, when this key's last one has been scanned, the login itself."""
    if request.api_id <= 0 or not request.api_hash:
        raise RpcError(400, "API_ID_INVALID")
    tokens = desk.world.qr
    accepted = tokens.accepted_of(caller.key_id)
    if accepted is not None:
        return _redeem(desk, caller, accepted)
    token, hash_, expires = tokens.make()
    fresh = LoginToken(
        token=token,
        key_id=caller.key_id,
        expires=expires,
        device=caller.device_model,
        app_version=caller.app_version,
        system_version=caller.system_version,
        address=caller.address,
        api_id=caller.api_id or request.api_id,
        hash=hash_,
        except_ids=frozenset(request.except_ids),
    )
    tokens.file(fresh)
    loop = asyncio.get_running_loop()
    for act in list(tokens.armed.values()):
        # a later turn of the loop: the code is out before it is scanned
        loop.call_soon(act, fresh)
    return types.auth.LoginToken(int(expires), token)


def _redeem(desk: Desk, caller: Caller, token: LoginToken) -> Any:
    world = desk.world
    person = world.people.by_id.get(token.accepted_by)
    if person is None or world.standing.refusal(person) is not None:
        world.qr.spend(token)
        raise RpcError(400, "AUTH_TOKEN_INVALID")
    home = desk.home_of(person)
    if home != desk.dc_id:
        return types.auth.LoginTokenMigrateTo(home, token.token)
    world.qr.spend(token)
    if person.password is not None:
        need_password(desk, caller, person, hash_=token.hash)
    return types.auth.LoginTokenSuccess(enter(desk, caller, person, hash_=token.hash))


async def import_login_token(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The login of a code that was shown at another data centre."""
    found = desk.world.qr.find(bytes(request.token), unknown="AUTH_TOKEN_INVALID")
    if not found.accepted_by:
        return types.auth.LoginToken(int(found.expires), found.token)
    return _redeem(desk, caller, found)


async def accept_login_token(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """A device that is logged in has scanned a code: it learns what will be logged in."""
    me = desk.me(caller)
    token = desk.world.qr.accept(bytes(request.token), me)
    now = desk.now()
    return types.Authorization(
        hash=token.hash,
        device_model=token.device,
        platform="",
        system_version=token.system_version,
        api_id=token.api_id,
        app_name="",
        app_version=token.app_version,
        date_created=now,
        date_active=now,
        ip=token.address.rpartition(":")[0],
        country="",
        region="",
        password_pending=True if me.password is not None else None,
    )
