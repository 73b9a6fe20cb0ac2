"""When somebody was there, in TL: exactly for those who may know, roughly for the others."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.records import Person

_ROUGHLY = {
    "recently": types.UserStatusRecently,
    "last_week": types.UserStatusLastWeek,
    "last_month": types.UserStatusLastMonth,
}


def status(person: Person, viewer: Person | None, now: float, in_chat: privacy.InChat) -> Any:
    """A `UserStatus`; None for the service account."""
    if person.service:
        return None
    if viewer is not None and viewer.id in person.blocked:
        return types.UserStatusEmpty()
    online = person.online_until > now
    last = now if online else max(person.was_online, person.online_until)
    if viewer is not None and viewer is not person and not privacy.seen_exactly(viewer, person, in_chat):
        # the one who hides the own time is told that this is why
        by_me = privacy.allows(person, "status_timestamp", viewer, in_chat) or None
        shown = _ROUGHLY.get(privacy.roughly(now - last)) if last else None
        return shown(by_me=by_me) if shown is not None else types.UserStatusEmpty()
    if online:
        return types.UserStatusOnline(person.online_until)
    return types.UserStatusOffline(int(last)) if last else types.UserStatusRecently()
