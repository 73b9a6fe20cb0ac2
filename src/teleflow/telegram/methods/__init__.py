"""One function for each operation; `METHODS` is the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from teleflow.model.operations.account import GetMe, LogOut
from teleflow.model.operations.contacts import ImportContact, ResolvePhone
from teleflow.model.operations.messages import FindSent, SendText
from teleflow.telegram.base import Invoke
from teleflow.telegram.methods import account, contacts, messages

Method = Callable[[Invoke, Any], Awaitable[Any]]

METHODS: dict[type[Any], Method] = {
    FindSent: messages.find_sent,
    GetMe: account.get_me,
    ImportContact: contacts.import_contact,
    LogOut: account.log_out,
    ResolvePhone: contacts.resolve_phone,
    SendText: messages.send_text,
}
