"""users.*: people by their ids."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.media_view import photo
from teleflow.sandbox.rpc.notify_view import settings_of
from teleflow.sandbox.world.records import Person


async def get_users(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """`userEmpty` stands where an id or its access hash is wrong."""
    me = desk.me(caller)
    found: list[Any] = []
    for named in request.id:
        try:
            found.append(desk.view.user(me, desk.user(me, named)))
        except RpcError:
            found.append(types.UserEmpty(getattr(named, "user_id", 0)))
    return found


def settings_for(me: Person, person: Person) -> Any:
    """What a client offers to do with somebody who is not among the contacts."""
    stranger = person is not me and person.id not in me.contacts and not person.service
    return types.PeerSettings(
        add_contact=stranger or None, block_contact=(stranger and person.id not in me.blocked) or None
    )


async def get_full_user(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What the card of a person shows to the asker."""
    me = desk.me(caller)
    person = desk.user(me, request.id)
    full = types.UserFull(
        id=person.id,
        settings=settings_for(me, person),
        notify_settings=settings_of(me, str(person.id)),
        common_chats_count=_common_chats(desk, me, person),
        blocked=True if person.id in me.blocked else None,
        can_pin_message=True,
        pinned_msg_id=_pinned(desk, me, person),
        phone_calls_available=desk.world.people.allows(person, "phone_call", me) or None,
        phone_calls_private=not desk.world.people.allows(person, "phone_call", me) or None,
        voice_messages_forbidden=not desk.world.people.allows(person, "voice_messages", me) or None,
        profile_photo=_photo(desk, me, person),
        about=(person.about or None) if desk.world.people.allows(person, "about", me) else None,
        birthday=_birthday(desk, me, person),
    )
    return types.users.UserFull(full, chats=[], users=desk.view.users(me, {me.id, person.id}))


def _pinned(desk: Desk, me: Person, person: Person) -> int | None:
    """The newest message that is pinned in the conversation."""
    numbers = desk.world.messages.marks.pinned(me.id, person.id)
    return numbers[-1] if numbers else None


def _common_chats(desk: Desk, me: Person, person: Person) -> int:
    if person is me:
        return 0
    chats = desk.world.chats
    return len({chat.id for chat in chats.of_person(me.id)} & {chat.id for chat in chats.of_person(person.id)})


def _photo(desk: Desk, me: Person, person: Person) -> Any:
    if not person.photos or not desk.world.people.allows(person, "profile_photo", me):
        return None
    return photo(desk.world, person.photos[-1])


def _birthday(desk: Desk, me: Person, person: Person) -> Any:
    told = person.account.birthday
    if told is None or not desk.world.people.allows(person, "birthday", me):
        return None
    return types.Birthday(told[0], told[1], told[2] or None)
