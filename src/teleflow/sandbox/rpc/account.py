"""account.*: the profile, the devices, the cloud password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.auth import awaited, prove
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world import srp
from teleflow.sandbox.world.people import ABOUT_LIMIT, valid_username
from teleflow.sandbox.world.records import Authorization, CloudPassword, Person

_Algo = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow
# what a client must leave in front of the salt that it lengthens
_SALT_PREFIX = 8


async def get_password(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """The state of two-step verification, with fresh SRP numbers when it is on."""
    person = awaited(desk, caller)
    answer = types.account.Password(
        new_algo=_Algo(secrets.token_bytes(_SALT_PREFIX), secrets.token_bytes(16), srp.G, srp.P_BYTES),
        new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
        secure_random=secrets.token_bytes(256),
    )
    password = person.password
    if password is None:
        return answer
    if not password.verifier:
        password.verifier = await asyncio.to_thread(srp.verifier, password.plain, password.salt1, password.salt2)
        desk.world.keep(person)
    asked = await asyncio.to_thread(desk.world.logins.challenge, person)
    answer.has_password = True
    answer.current_algo = _Algo(password.salt1, password.salt2, srp.G, srp.P_BYTES)
    answer.srp_B, answer.srp_id = asked.B, asked.srp_id
    answer.hint = password.hint or None
    return answer


async def update_password_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Set, change or (with an empty hash) remove the cloud password."""
    person = desk.me(caller)
    if person.password is not None:
        await prove(desk, person, request.password)
    settings = request.new_settings
    if settings.new_algo is None or settings.new_password_hash is None:
        return True
    if not settings.new_password_hash or isinstance(settings.new_algo, types.PasswordKdfAlgoUnknown):
        person.password = None
    else:
        person.password = _new_password(settings)
    desk.world.keep(person)
    return True


def _new_password(settings: Any) -> CloudPassword:
    algo = settings.new_algo
    if not isinstance(algo, _Algo) or algo.g != srp.G or bytes(algo.p) != srp.P_BYTES:
        raise RpcError(400, "NEW_SETTINGS_INVALID")
    if len(algo.salt1) <= _SALT_PREFIX or not algo.salt2:
        raise RpcError(400, "NEW_SALT_INVALID")
    if len(settings.new_password_hash) != len(srp.P_BYTES):
        raise RpcError(400, "NEW_SETTINGS_INVALID")
    return CloudPassword(
        bytes(algo.salt1), bytes(algo.salt2), bytes(settings.new_password_hash), hint=settings.hint or ""
    )


async def update_status(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.world.set_online(desk.me(caller), online=not request.offline)
    return True


async def get_authorizations(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    devices = desk.world.logins.of_person(desk.me(caller).id).values()
    ordered = sorted(devices, key=lambda each: (each.key_id != caller.key_id, -each.active))
    return types.account.Authorizations(180, [_authorization(each, caller) for each in ordered])


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
    )


async def reset_authorization(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    for known in list(desk.world.logins.of_person(me.id).values()):
        if known.hash == request.hash and known.key_id != caller.key_id:
            desk.world.revoke(known.key_id)
            return True
    raise RpcError(400, "HASH_INVALID")


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
