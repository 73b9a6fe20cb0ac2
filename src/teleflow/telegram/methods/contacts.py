"""Finding people by their number."""

from __future__ import annotations

from typing import Any

from telethon.tl.functions.contacts import ImportContactsRequest, ResolvePhoneRequest
from telethon.tl.functions.messages import GetPeerDialogsRequest
from telethon.tl.types import InputDialogPeer, InputPhoneContact, User

from teleflow.kit.ids import random_int64
from teleflow.model.operations.contacts import Found, HaveTalked, ImportContact, ResolvePhone
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.peers import input_peer
from teleflow.telegram.convert.users import found_from
from teleflow.telegram.mtproto.requests import RpcFault

_NOBODY = frozenset({"PHONE_NOT_OCCUPIED", "PHONE_NUMBER_UNOCCUPIED"})


async def resolve_phone(invoke: Invoke, operation: ResolvePhone) -> Found | None:
    try:
        answer = await invoke(ResolvePhoneRequest(operation.phone.removeprefix("+")))
    except RpcFault as fault:
        if errors.name_of(fault) in _NOBODY:
            return None
        raise
    return _user(answer.users, getattr(answer.peer, "user_id", None))


async def import_contact(invoke: Invoke, operation: ImportContact) -> Found | None:
    # A contact needs a name; the number itself is the only one that we may know.
    contact = InputPhoneContact(random_int64(), operation.phone, operation.phone, "")
    answer = await invoke(ImportContactsRequest([contact]))
    imported = answer.imported[0].user_id if answer.imported else None
    return _user(answer.users, imported)


async def have_talked(invoke: Invoke, operation: HaveTalked) -> bool:
    answer = await invoke(GetPeerDialogsRequest([InputDialogPeer(input_peer(operation.peer))]))
    if any(getattr(dialog, "top_message", 0) for dialog in answer.dialogs):
        return True
    for user in answer.users:
        if isinstance(user, User) and user.id == operation.peer.id:
            return bool(user.is_self or user.bot or user.mutual_contact)
    return False


def _user(users: list[Any], user_id: int | None) -> Found | None:
    for user in users:
        if isinstance(user, User) and user.id == user_id and not user.deleted:
            return found_from(user)
    return None
