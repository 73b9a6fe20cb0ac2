"""account.*: the profile and whether one is there."""

from __future__ import annotations

from datetime import date
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.auth import phone_of, prove, sent_code
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.devices import require_settled
from teleflow.sandbox.world.people import ABOUT_LIMIT, valid_username
from teleflow.sandbox.world.records import Person

CONFIRM_WAIT = 7 * 24 * 3600


async def update_status(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.world.presence.mark(desk.me(caller), online=not request.offline)
    return True


async def update_profile(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.about is not None:
        if len(request.about) > ABOUT_LIMIT:
            raise RpcError(400, "ABOUT_TOO_LONG")
        me.about = request.about.strip()
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
    holder = desk.world.people.by_username(username)
    return (holder is None or holder is me) and not desk.world.people.taken_elsewhere(username)


async def check_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _free(desk, desk.me(caller), request.username)


async def update_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    desk.world.set_username(me, request.username)
    return desk.view.user(me, me)


async def invalidate_sign_in_codes(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Codes that somebody is about to give away: they let nobody in any more."""
    logins = desk.world.logins
    return logins.invalidate(desk.me(caller).phone, set(request.codes)) > 0


async def update_birthday(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    given = request.birthday
    if given is None:
        me.account.birthday = None
    else:
        try:
            # a leap year where none is told
            date(given.year or 2000, given.month, given.day)
        except ValueError as error:
            raise RpcError(400, "BIRTHDAY_INVALID") from error
        me.account.birthday = (given.day, given.month, given.year or 0)
    desk.world.keep(me)
    return True


async def send_change_phone_code(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.me(caller)
    phone = phone_of(request.phone_number)
    if desk.world.people.by_phone(phone) is not None:
        raise RpcError(400, "PHONE_NUMBER_OCCUPIED")
    require_settled(desk, caller, "FRESH_CHANGE_PHONE_FORBIDDEN")
    return sent_code(desk, desk.world.request_code(phone, caller.key_id))


async def change_phone(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """The account moves to another number; whoever may see it is told."""
    me, logins = desk.me(caller), desk.world.logins
    phone = phone_of(request.phone_number)
    attempt = logins.find(phone, request.phone_code_hash, caller.key_id)
    logins.verify(attempt, request.phone_code)
    if desk.world.people.by_phone(phone) is not None:
        raise RpcError(400, "PHONE_NUMBER_OCCUPIED")
    logins.forget(attempt)
    _write_down_anew(desk, me, phone)
    desk.world.people.set_phone(me, phone)
    desk.world.keep(me)
    for other in desk.world.acquaintances(me):
        if desk.world.people.phone_visible(other, me):
            desk.tell(other, types.UpdateUserPhone(me.id, phone), caller if other is me else None)
    return desk.view.user(me, me)


def _write_down_anew(desk: Desk, me: Person, phone: str) -> None:
    """Whoever has the number that is given up gets the new one into the address book, unless blocked."""
    for each in list(desk.world.people.writers(me.id)):
        other = desk.world.people.by_id[each]
        known = other.contacts[me.id]
        if known.phone == me.phone and other.id not in me.blocked:
            known.phone = phone
            desk.world.keep(other)


async def delete_account(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """For ever. With a cloud password it takes the password, or a week."""
    me = desk.me(caller)
    if me.password is not None and me.password.is_set:
        if request.password is None:
            raise RpcError(420, f"2FA_CONFIRM_WAIT_{CONFIRM_WAIT}")
        await prove(desk, me, request.password)
    others = [other for other in desk.world.acquaintances(me) if other is not me]
    desk.world.standing.delete(me)
    for other in others:
        desk.tell(other, types.UpdateUser(me.id))
    return True
