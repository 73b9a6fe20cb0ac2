"""Rights by name: from the model to TL. What is permitted there is what is not banned here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types as tl

from teleflow.telegram.convert.plain import snake

_NO_PERMISSIONS = frozenset({"until_date", "view_messages"})


def banned_rights(permissions: Mapping[str, bool], *, until: int = 0) -> Any:
    """What is named and not permitted is banned. `until` in Unix seconds, 0 for ever."""
    flags = {snake(name): True for name, may in permissions.items() if not may}
    return tl.ChatBannedRights(until_date=moment(until), **flags)


def shut_out(until: int = 0) -> Any:
    return tl.ChatBannedRights(until_date=moment(until), view_messages=True)


def merged(banned: Any, permissions: Mapping[str, bool]) -> Any:
    """These rights (None: nothing is banned) with what is named changed."""
    flags = {
        name: True
        for name, held in (vars(banned).items() if banned is not None else ())
        if held and name not in _NO_PERMISSIONS
    }
    for name, may in permissions.items():
        if may:
            flags.pop(snake(name), None)
        else:
            flags[snake(name)] = True
    return tl.ChatBannedRights(until_date=moment(0), **flags)


def admin_rights(names: Collection[str]) -> Any:
    return tl.ChatAdminRights(**{snake(name): True for name in names})


def moment(unix: int) -> datetime:
    return datetime.fromtimestamp(unix, UTC)
