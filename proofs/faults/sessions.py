"""Verbs about a session, its key and its login."""

from __future__ import annotations

import random
import struct
from functools import partial
from typing import Any

from telethon import errors
from telethon.tl import functions, types

from proofs.bare import BAD_MESSAGE, BAD_SALT, NEW_SESSION
from proofs.faults.stage import NEAREST, NEAREST_REQUEST, SEND, Case, Stage, expect, peer, raises, sending, within

NOBODYS = 0x0DDBA115
STATE = functions.updates.GetStateRequest()


async def refused(stage: Stage, code: int) -> str:
    phone, line = await stage.alone()
    await stage.inject("bad_msg", {"phone": phone, "method": NEAREST, "nth": 1}, code=code)
    request = line.send(NEAREST_REQUEST)
    bad, _, told = struct.unpack_from("<qii", (await line.of_kind(BAD_MESSAGE)).body, 4)
    expect((bad, told) == (request, code), (bad, told))
    await line.call(NEAREST_REQUEST)
    return f"bad_msg_notification {told} about that message, answered when sent anew"


async def healed(stage: Stage, verb: str, **args: Any) -> str:
    """Telethon puts its clock, number or salt right and sends again."""
    phone, client, _, to = await stage.friends()
    number = random.getrandbits(60)
    await stage.inject(verb, {"phone": phone, "method": SEND, "nth": 1}, **args)
    await within(client(sending(to, number)))
    expect(await stage.committed(number) == 1, "not committed once")
    return "puts itself right, sends again, 1 committed"


async def not_healed(stage: Stage) -> str:
    phone, client, _, to = await stage.friends()
    number = random.getrandbits(60)
    await stage.inject("bad_msg", {"phone": phone, "method": SEND, "nth": 1}, code=35)
    error = await raises(errors.BadMessageError, client(sending(to, number)))
    expect(error.code == 35 and await stage.committed(number) == 0, error)
    return "BadMessageError 35, 0 committed"


async def salt(stage: Stage, *, call: bool) -> str:
    phone, line = await stage.alone()
    match = {"phone": phone} | ({"method": NEAREST, "nth": 1} if call else {})
    await stage.inject("bad_salt", match)
    request = line.send(NEAREST_REQUEST)
    bad, _, code, good = struct.unpack_from("<qiiq", (await line.of_kind(BAD_SALT)).body, 4)
    expect((bad, code) == (request, 48) and good != line.salt, (bad, code))
    line.salt = good
    await line.call(NEAREST_REQUEST)
    return "bad_server_salt 48, answered with the salt that it names"


async def new_session(stage: Stage, *, call: bool) -> str:
    phone, line = await stage.alone()
    await stage.inject("new_session_created", {"phone": phone} | ({"method": NEAREST} if call else {}))
    if call:
        line.send(NEAREST_REQUEST)
    first = (await line.of_kind(NEW_SESSION)).body
    await stage.inject("new_session_created", {"phone": phone})
    second = (await line.of_kind(NEW_SESSION)).body
    expect(first[12:20] != second[12:20], "one unique_id twice")
    return "new_session_created, another unique_id each time"


async def nobodys(stage: Stage) -> str:
    phone, line = await stage.alone()
    await stage.inject("unknown_constructor", {"phone": phone})
    message = await line.of_kind(NOBODYS)
    expect(message.seq & 1, "no content")
    await line.call(NEAREST_REQUEST)
    return f"an object {NOBODYS:#x} in an update's place; calls go on"


async def duplicated(stage: Stage, *, call: bool) -> str:
    phone = await stage.person()
    client, other = await stage.client(phone), await stage.client(await stage.person())
    await stage.inject("duplicate_key_kill", {"phone": phone} | ({"method": "updates.getState"} if call else {}))
    await raises(errors.AuthKeyDuplicatedError, client(STATE))
    await raises(errors.AuthKeyDuplicatedError, client(NEAREST_REQUEST))
    await within(other(STATE))
    return "AuthKeyDuplicatedError to everything on the key, others untouched"


async def revoked_by_call(stage: Stage, name: str, kind: type[Exception]) -> str:
    phone = await stage.person()
    client = await stage.client(phone)
    await stage.inject("revoke_session", {"phone": phone, "method": "updates.getState"}, name=name)
    await raises(kind, client(STATE))
    expect((await stage.about(phone))["devices"] == 0, "still a device")
    return f"{kind.__name__}, no device left"


async def revoked(stage: Stage) -> str:
    phone = await stage.person()
    client, other = await stage.client(phone), await stage.client(await stage.person())
    await stage.inject("revoke_session", {"phone": phone})
    await raises(errors.AuthKeyUnregisteredError, client(STATE))
    await within(other(STATE))
    await within(client.send_code_request(phone))
    await within(client.sign_in(phone, await stage.code(phone)))
    return "AuthKeyUnregisteredError; may log in again; others untouched"


async def frozen(stage: Stage) -> str:
    phone, client, _, to = await stage.friends()
    rule = await stage.inject("freeze_account", {"phone": phone}, seconds=3600)
    await within(client(STATE))
    await raises(errors.FrozenMethodInvalidError, client(sending(to, 1)))
    await stage.remove(rule)
    await within(client(sending(to, 2)))
    return "reads, FrozenMethodInvalidError when it sends, thawed with the rule"


async def banned(stage: Stage) -> str:
    phone = await stage.person()
    client = await stage.client(phone)
    rule = await stage.inject("ban_account", {"phone": phone})
    await raises(errors.UserDeactivatedBanError, client(STATE))
    other = await stage.stranger()
    await raises(errors.PhoneNumberBannedError, other.send_code_request(phone))
    await stage.remove(rule)
    await within(client(STATE))
    return "UserDeactivatedBanError, PhoneNumberBannedError at a login; back with the rule"


async def code_of_one(stage: Stage) -> str:
    """On a call of one person's only."""
    phone, other = await stage.alone()
    third, line = await stage.alone()
    await stage.inject("bad_msg", {"phone": phone, "chat": third}, code=17)
    me = await peer(other, third)
    request = other.send(sending(me, 5))
    bad, _, told = struct.unpack_from("<qii", (await other.of_kind(BAD_MESSAGE)).body, 4)
    expect((bad, told) == (request, 17), told)
    answer = await line.call(sending(types.InputPeerSelf(), 6))
    expect(not isinstance(answer, types.RpcError), answer)
    return "refused in that chat of that person, others answered"


CASES = (
    *(
        Case("bad_msg", f"{code}", f"bad_msg_notification {code}", partial(refused, code=code))
        for code in (16, 17, 18, 19, 20, 32, 33, 34, 35, 64)
    ),
    Case("bad_msg", "17, one chat", "bad_msg_notification there only", code_of_one),
    *(
        Case("bad_msg", f"{code}, Telethon", "sent once", partial(healed, verb="bad_msg", code=code))
        for code in (16, 17, 32, 33)
    ),
    Case("bad_msg", "35, Telethon", "BadMessageError", not_healed),
    Case("bad_salt", "on a call", "bad_server_salt", partial(salt, call=True)),
    Case("bad_salt", "at once", "bad_server_salt", partial(salt, call=False)),
    Case("bad_salt", "Telethon", "sent once", partial(healed, verb="bad_salt")),
    Case("new_session_created", "on a call", "told once more", partial(new_session, call=True)),
    Case("new_session_created", "at once", "told once more", partial(new_session, call=False)),
    Case("unknown_constructor", "at once", "an update of no known type", nobodys),
    Case("duplicate_key_kill", "on a call", "AUTH_KEY_DUPLICATED", partial(duplicated, call=True)),
    Case("duplicate_key_kill", "at once", "AUTH_KEY_DUPLICATED", partial(duplicated, call=False)),
    *(
        Case("revoke_session", f"{name} on a call", name, partial(revoked_by_call, name=name, kind=kind))
        for name, kind in (
            ("AUTH_KEY_UNREGISTERED", errors.AuthKeyUnregisteredError),
            ("SESSION_REVOKED", errors.SessionRevokedError),
            ("USER_DEACTIVATED", errors.UserDeactivatedError),
        )
    ),
    Case("revoke_session", "at once", "AUTH_KEY_UNREGISTERED", revoked),
    Case("freeze_account", "", "FROZEN_METHOD_INVALID", frozen),
    Case("ban_account", "", "USER_DEACTIVATED_BAN", banned),
)
