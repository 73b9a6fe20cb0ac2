"""account.*: settings that an account keeps, and that nothing else in the world looks into."""

from __future__ import annotations

import secrets
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk

_TTL_DAYS = range(30, 731)
MOST_PUSH_TOKENS = 10


async def get_account_ttl(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    return types.AccountDaysTTL(desk.me(caller).account.ttl_days)


async def set_account_ttl(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.ttl.days not in _TTL_DAYS:
        raise RpcError(400, "TTL_DAYS_INVALID")
    me.account.ttl_days = request.ttl.days
    desk.world.keep(me)
    return True


async def get_global_privacy_settings(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    kept = desk.me(caller).account.global_privacy
    if not kept:
        return types.GlobalPrivacySettings()
    with BinaryReader(kept) as reader:
        return reader.tgread_object()


async def set_global_privacy_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.settings.new_noncontact_peers_require_premium:
        raise RpcError(403, "PREMIUM_ACCOUNT_REQUIRED")
    me.account.global_privacy = bytes(request.settings)
    desk.world.keep(me)
    return request.settings


async def get_contact_sign_up_notification(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    return desk.me(caller).account.sign_up_silent


async def set_contact_sign_up_notification(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    me.account.sign_up_silent = request.silent
    desk.world.keep(me)
    return True


async def get_content_settings(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    enabled = desk.me(caller).account.sensitive
    return types.account.ContentSettings(sensitive_enabled=enabled or None, sensitive_can_change=True)


async def set_content_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    me.account.sensitive = bool(request.sensitive_enabled)
    desk.world.keep(me)
    return True


async def register_device(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """A token for notifications; nothing is sent to it."""
    me = desk.me(caller)
    if not request.token:
        raise RpcError(400, "TOKEN_INVALID")
    if not 1 <= request.token_type <= 13:
        raise RpcError(400, "TOKEN_TYPE_INVALID")
    tokens = [each for each in me.account.push_tokens if each != request.token]
    me.account.push_tokens = [*tokens, request.token][-MOST_PUSH_TOKENS:]
    desk.world.keep(me)
    return True


async def unregister_device(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.token not in me.account.push_tokens:
        raise RpcError(400, "TOKEN_INVALID")
    me.account.push_tokens.remove(request.token)
    desk.world.keep(me)
    return True


async def get_web_authorizations(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """There are no websites here to be logged in at."""
    desk.me(caller)
    return types.account.WebAuthorizations([], [])


async def reset_web_authorizations(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return True


async def init_takeout_session(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    number = secrets.randbits(62) or 1
    takeouts = desk.world.logins.takeouts
    for earlier in [each for each, person in takeouts.items() if person == me.id]:
        del takeouts[earlier]  # one at a time
    takeouts[number] = me.id
    return types.account.Takeout(number)


async def finish_takeout_session(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    takeouts = desk.world.logins.takeouts
    mine = [number for number, person in takeouts.items() if person == me.id]
    if not mine:
        raise RpcError(403, "TAKEOUT_REQUIRED")
    for number in mine:
        del takeouts[number]
    return True
