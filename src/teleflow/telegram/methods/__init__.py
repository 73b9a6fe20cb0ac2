"""One function for each operation; `METHODS` is the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from teleflow.model.operations.account import GetMe, LogOut
from teleflow.model.operations.contacts import ImportContact, ResolvePhone
from teleflow.model.operations.messages import FindSent, SendText
from teleflow.model.operations.peers import CheckInvite, ListContacts, LookAtGroup, ResolveUsername, WalkDialogs
from teleflow.telegram.base import Invoke
from teleflow.telegram.methods import account, contacts, messages, peers

Method = Callable[[Invoke, Any], Awaitable[Any]]

METHODS: dict[type[Any], Method] = {
    CheckInvite: peers.check_invite,
    FindSent: messages.find_sent,
    GetMe: account.get_me,
    ImportContact: contacts.import_contact,
    ListContacts: peers.list_contacts,
    LogOut: account.log_out,
    LookAtGroup: peers.look_at_group,
    ResolvePhone: contacts.resolve_phone,
    ResolveUsername: peers.resolve_username,
    SendText: messages.send_text,
    WalkDialogs: peers.walk_dialogs,
}
