"""account.*Privacy: who may see and do what, in TL."""

from __future__ import annotations

import re
from typing import Any, cast

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.settings import PrivacyRule

MOST_RULES = 100
_INPUT_KEY, _INPUT_VALUE, _VALUE = "InputPrivacyKey", "InputPrivacyValue", "PrivacyValue"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHORT = {"allow_chat_participants": "allow_chats", "disallow_chat_participants": "disallow_chats"}
_LONG = {short: long for long, short in _SHORT.items()}


def _words(name: str) -> str:
    """`phone_p2p` for PhoneP2P."""
    return _WORD.sub("_", name.replace("P2P", "P2p")).lower()


_KEYS = {
    _words(name.removeprefix(_INPUT_KEY)): getattr(types, name.removeprefix("Input"))
    for name in dir(types)
    if name.startswith(_INPUT_KEY)
}
_VALUES = {
    _words(name.removeprefix(_INPUT_VALUE)): getattr(types, name.removeprefix("Input"))
    for name in dir(types)
    if name.startswith(_INPUT_VALUE)
}


def _key(key: Any) -> privacy.Key:
    return cast("privacy.Key", _words(type(key).__name__.removeprefix(_INPUT_KEY)))


def taken_rules(desk: Desk, me: Person, rules: list[Any]) -> list[PrivacyRule]:
    """Raises PRIVACY_VALUE_INVALID, PRIVACY_TOO_LONG, USER_ID_INVALID."""
    if not rules:
        raise RpcError(400, "PRIVACY_VALUE_INVALID")
    if len(rules) > MOST_RULES:
        raise RpcError(400, "PRIVACY_TOO_LONG")
    found = []
    for each in rules:
        kind = _words(type(each).__name__.removeprefix(_INPUT_VALUE))
        ids = [desk.user(me, user).id for user in getattr(each, "users", ())]
        ids += list(getattr(each, "chats", ()))
        found.append(PrivacyRule(_SHORT.get(kind, kind), ids))
    if sum(rule.kind in {"allow_all", "disallow_all"} for rule in found) > 1:
        raise RpcError(400, "PRIVACY_VALUE_INVALID")
    return found


def shown_rules(found: Any) -> list[Any]:
    shown = []
    for rule in found:
        value = _VALUES[_LONG.get(rule.kind, rule.kind)]
        shown.append(value(rule.ids) if rule.kind.endswith(("_users", "_chats")) else value())
    return shown


def _answer(desk: Desk, me: Person, key: privacy.Key) -> Any:
    found = privacy.rules(me, key)
    people = [each for rule in found if rule.kind.endswith("_users") for each in rule.ids]
    return types.account.PrivacyRules(shown_rules(found), chats=[], users=desk.view.users(me, people))


async def get_privacy(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _answer(desk, desk.me(caller), _key(request.key))


async def set_privacy(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Holds at once for everybody; the account's other devices are told."""
    me, key = desk.me(caller), _key(request.key)
    me.account.privacy[key] = taken_rules(desk, me, request.rules)
    desk.world.keep(me)
    desk.tell(me, types.UpdatePrivacy(_KEYS[key](), shown_rules(me.account.privacy[key])), caller)
    return _answer(desk, me, key)


def show_phone(desk: Desk, caller: Caller, me: Person, person: Person) -> None:
    """Let one more person see the own number; it shows in the rules, and the other devices are told."""
    if privacy.except_for(me, "phone_number", person.id):
        desk.world.keep(me)
        shown = shown_rules(me.account.privacy["phone_number"])
        desk.tell(me, types.UpdatePrivacy(types.PrivacyKeyPhoneNumber(), shown), caller)
        desk.tell(person, types.UpdateUserPhone(me.id, me.phone))
