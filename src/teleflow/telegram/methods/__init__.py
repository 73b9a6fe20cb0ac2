"""One function for each operation; `METHODS` is the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from teleflow.model.operations.account import GetMe, LogOut
from teleflow.model.operations.contacts import HaveTalked, ImportContact, ResolvePhone
from teleflow.model.operations.peers import CheckInvite, ListContacts, LookAtGroup, ResolveUsername, WalkDialogs
from teleflow.model.operations.sending import FindSent, ForwardMessages, SendParcel, SendText
from teleflow.telegram.base import Invoke
from teleflow.telegram.methods import (
    account,
    acts,
    chats,
    contacts,
    dialogs,
    files,
    groups,
    history,
    invites,
    invoke,
    members,
    membership,
    parcels,
    peers,
    people,
    sending,
    stories,
    topics,
)

Method = Callable[[Invoke, Any], Awaitable[Any]]

METHODS: dict[type[Any], Method] = {
    CheckInvite: peers.check_invite,
    FindSent: sending.find_sent,
    ForwardMessages: sending.forward,
    GetMe: account.get_me,
    HaveTalked: contacts.have_talked,
    ImportContact: contacts.import_contact,
    ListContacts: peers.list_contacts,
    LogOut: account.log_out,
    LookAtGroup: peers.look_at_group,
    ResolvePhone: contacts.resolve_phone,
    ResolveUsername: peers.resolve_username,
    SendParcel: sending.send_parcel,
    SendText: sending.send_text,
    WalkDialogs: peers.walk_dialogs,
    **acts.TABLE,
    **chats.TABLE,
    **files.TABLE,
    **groups.TABLE,
    **history.TABLE,
    **invoke.TABLE,
    **members.TABLE,
    **parcels.TABLE,
    **people.TABLE,
    **membership.TABLE,
    **stories.TABLE,
    **invites.TABLE,
    **topics.TABLE,
    **dialogs.TABLE,
}
