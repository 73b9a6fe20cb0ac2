"""The one table of methods: what is in it is served, what is not answers INPUT_METHOD_INVALID.

The coverage page is generated from `METHODS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from telethon.tl import functions as f

from teleflow.sandbox.rpc import (
    account,
    accounts,
    auth,
    contacts,
    further,
    help_methods,
    media_methods,
    messaging,
    reading,
    rooms,
    scheduling,
    sending,
    updates,
    users,
)
from teleflow.sandbox.rpc.admission import Admission
from teleflow.sandbox.rpc.base import Caller, Handler, Rpc, TLRequest
from teleflow.sandbox.rpc.desk import Address, Addresses, Desk
from teleflow.sandbox.rpc.feed import Feed
from teleflow.sandbox.world.world import World

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

# answered before (and after) a login
OPEN: Mapping[Any, Method] = {
    f.help.GetConfigRequest: help_methods.get_config,
    f.help.GetNearestDcRequest: help_methods.get_nearest_dc,
    f.help.GetAppConfigRequest: help_methods.get_app_config,
    f.auth.SendCodeRequest: auth.send_code,
    f.auth.ResendCodeRequest: auth.resend_code,
    f.auth.CancelCodeRequest: auth.cancel_code,
    f.auth.SignInRequest: auth.sign_in,
    f.auth.SignUpRequest: auth.sign_up,
    f.auth.CheckPasswordRequest: auth.check_password,
    **accounts.OPEN,
    **further.OPEN,
}

# answered only to a key that is logged in, to others AUTH_KEY_UNREGISTERED
CLOSED: Mapping[Any, Method] = {
    **accounts.CLOSED,
    **rooms.CLOSED,
    **messaging.CLOSED,
    **media_methods.CLOSED,
    **further.CLOSED,
    f.help.GetTermsOfServiceUpdateRequest: help_methods.get_terms_of_service_update,
    f.auth.LogOutRequest: auth.log_out,
    f.account.UpdateStatusRequest: account.update_status,
    f.account.UpdateProfileRequest: account.update_profile,
    f.account.CheckUsernameRequest: account.check_username,
    f.account.UpdateUsernameRequest: account.update_username,
    f.users.GetUsersRequest: users.get_users,
    f.users.GetFullUserRequest: users.get_full_user,
    f.contacts.ImportContactsRequest: contacts.import_contacts,
    f.contacts.AddContactRequest: contacts.add_contact,
    f.contacts.DeleteContactsRequest: contacts.delete_contacts,
    f.contacts.DeleteByPhonesRequest: contacts.delete_by_phones,
    f.contacts.GetContactsRequest: contacts.get_contacts,
    f.contacts.GetStatusesRequest: contacts.get_statuses,
    f.contacts.ResolvePhoneRequest: contacts.resolve_phone,
    f.contacts.ResolveUsernameRequest: contacts.resolve_username,
    f.contacts.SearchRequest: contacts.search,
    f.contacts.BlockRequest: contacts.block,
    f.contacts.UnblockRequest: contacts.unblock,
    f.contacts.GetBlockedRequest: contacts.get_blocked,
    f.messages.SendMessageRequest: sending.send_message,
    f.messages.EditMessageRequest: sending.edit_message,
    f.messages.DeleteMessagesRequest: sending.delete_messages,
    f.messages.DeleteHistoryRequest: sending.delete_history,
    f.messages.ReadHistoryRequest: sending.read_history,
    f.messages.ReceivedMessagesRequest: sending.received_messages,
    f.messages.SetTypingRequest: sending.set_typing,
    f.messages.GetHistoryRequest: reading.get_history,
    f.messages.GetMessagesRequest: reading.get_messages,
    f.messages.GetDialogsRequest: reading.get_dialogs,
    f.messages.GetPeerDialogsRequest: reading.get_peer_dialogs,
    f.updates.GetStateRequest: updates.get_state,
    f.updates.GetDifferenceRequest: updates.get_difference,
}

METHODS: Mapping[Any, Method] = {**OPEN, **CLOSED}


def build(
    world: World,
    *,
    dc_id: int,
    address: Address,
    dcs: Addresses | None = None,
    beside: Rpc | None = None,
    main_dc: int = 0,
    further: bool = False,
) -> Rpc:
    """Bind the table to a world, and the world's log to live sessions.

    `further` says that there will be other data centres; `beside` is the Rpc of the first of them, which carries
    the log to the sessions of all.
    """
    desk = Desk(world, dc_id=dc_id, address=address, main_dc=main_dc)
    if dcs is not None:
        desk.dcs = dcs
    desk.further = beside is not None or further
    if beside is not None:
        desk.introduced = beside.introduced
    else:
        feed = Feed(desk)
        desk.introduced = feed.introduced
        world.observers.append(feed.told)
    handlers: dict[int, Handler] = {
        request.CONSTRUCTOR_ID: partial(method, desk) for request, method in METHODS.items()
    }
    open_methods = frozenset(request.CONSTRUCTOR_ID for request in OPEN)
    rpc = Rpc(handlers, open_methods, world.phone_of)
    names = {request.CONSTRUCTOR_ID: _name(request) for request in METHODS}
    rpc.admit = Admission(desk, open_methods, names).admit
    rpc.introduced = desk.introduced
    if beside is None:
        accounts.connect(desk)
        scheduling.connect(desk)
    return rpc


def _name(request: Any) -> str:
    """`messages.sendMessage` for Telethon's class of that request."""
    name = request.__name__.removesuffix("Request")
    namespace = request.__module__.rpartition(".functions")[2].strip(".")
    return f"{namespace}.{name[:1].lower()}{name[1:]}"
