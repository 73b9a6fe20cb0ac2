"""The devices of an account: listing, confirming and ending them."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.records import Authorization, Person

_TTL_DAYS = (1, 366)
SETTLED = 24 * 3600
_NOT_YET = "FRESH_RESET_AUTHORISATION_FORBIDDEN"


async def get_authorizations(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    devices = desk.world.logins.of_person(me.id).values()
    ordered = sorted(devices, key=lambda each: (each.key_id != caller.key_id, -each.active))
    return types.account.Authorizations(me.account.device_ttl_days, [_authorization(each, caller) for each in ordered])


def _authorization(known: Authorization, caller: Caller) -> Any:
    current = known.key_id == caller.key_id
    return types.Authorization(
        # the session that asks is always number 0
        hash=0 if current else known.hash,
        device_model=known.device_model,
        platform="",
        system_version=known.system_version,
        api_id=known.api_id,
        app_name="",
        app_version=known.app_version,
        date_created=known.created,
        date_active=known.active,
        ip=known.address.rpartition(":")[0],
        country="",
        region="",
        current=current or None,
        unconfirmed=known.unconfirmed or None,
        encrypted_requests_disabled=known.encrypted_requests_disabled or None,
        call_requests_disabled=known.call_requests_disabled or None,
    )


def _named(desk: Desk, caller: Caller, me: Person, hash_: int) -> Authorization:
    """The device with this number; 0 is the one that asks. Raises HASH_INVALID."""
    for known in desk.world.logins.of_person(me.id).values():
        if known.key_id == caller.key_id if hash_ == 0 else known.hash == hash_:
            return known
    raise RpcError(400, "HASH_INVALID")


def require_settled(desk: Desk, caller: Caller, refusal: str) -> None:
    """Whoever has only just got in may not throw out the others, nor carry the account off. Raises `refusal`."""
    known = desk.world.logins.authorizations.get(caller.key_id)
    if known is not None and desk.now() - known.created < SETTLED:
        raise RpcError(406, refusal)


async def reset_authorization(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    known = _named(desk, caller, me, request.hash)
    if known.key_id == caller.key_id:
        raise RpcError(400, "HASH_INVALID")
    require_settled(desk, caller, _NOT_YET)
    desk.world.revoke(known.key_id)
    return True


async def reset_authorizations(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    require_settled(desk, caller, _NOT_YET)
    desk.world.terminate_others(me, caller.key_id)
    return True


async def change_authorization_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Confirm a login that others were told of, or say what may reach it."""
    me = desk.me(caller)
    known = _named(desk, caller, me, request.hash)
    if request.encrypted_requests_disabled is not None:
        known.encrypted_requests_disabled = request.encrypted_requests_disabled
    if request.call_requests_disabled is not None:
        known.call_requests_disabled = request.call_requests_disabled
    if request.confirmed and known.unconfirmed:
        known.unconfirmed = False
        desk.tell(me, types.UpdateNewAuthorization(known.hash), caller)
    desk.world.logins.keep(known)
    return True


async def set_authorization_ttl(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if not _TTL_DAYS[0] <= request.authorization_ttl_days <= _TTL_DAYS[1]:
        raise RpcError(400, "TTL_DAYS_INVALID")
    require_settled(desk, caller, _NOT_YET)
    me.account.device_ttl_days = request.authorization_ttl_days
    desk.world.keep(me)
    return True
