"""contacts.*: who is known to whom, and how people are found."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc import privacy
from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.world.people import NAME_LIMIT, digits, valid_username
from teleflow.sandbox.world.privacy import findable_by
from teleflow.sandbox.world.records import Contact, Person

SEARCH_LIMIT = 50
BLOCKED_PAGE = 100


def _updates(desk: Desk, me: Person, people: list[Person]) -> Any:
    users = desk.view.users(me, [person.id for person in people])
    changed = [types.UpdateUser(person.id) for person in people]
    return types.Updates(updates=changed, users=users, chats=[], date=desk.now(), seq=0)


async def import_contacts(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Numbers that are nobody's, or hidden, are silently left out."""
    me = desk.me(caller)
    imported: list[Any] = []
    for given in request.contacts:
        person = desk.world.people.by_phone(given.phone)
        if person is None or person.deleted or not findable_by(me, person, desk.world.people.in_chat):
            continue
        if person is not me:
            _write_down(me, person, given.first_name, given.last_name, person.phone)
        imported.append(types.ImportedContact(person.id, given.client_id))
    desk.world.keep(me)
    users = desk.view.users(me, [each.user_id for each in imported])
    return types.contacts.ImportedContacts(imported, popular_invites=[], retry_contacts=[], users=users)


def _write_down(me: Person, person: Person, first_name: str, last_name: str, phone: str) -> None:
    first = first_name.strip()[:NAME_LIMIT] or person.first_name
    me.contacts[person.id] = Contact(first, last_name.strip()[:NAME_LIMIT], phone)


async def accept_contact(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Write somebody down who has written the asker down. Raises CONTACT_REQ_MISSING."""
    me = desk.me(caller)
    person = desk.user(me, request.id)
    if me.id not in person.contacts or person.id in me.contacts:
        raise RpcError(400, "CONTACT_REQ_MISSING")
    _write_down(me, person, person.first_name, person.last_name, "")
    desk.world.keep(me)
    return _updates(desk, me, [person])


async def add_contact(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    person = desk.user(me, request.id)
    if person is me:
        raise RpcError(400, "CONTACT_ID_INVALID")
    if not request.first_name.strip():
        raise RpcError(400, "CONTACT_NAME_EMPTY")
    _write_down(me, person, request.first_name, request.last_name, digits(request.phone) or "")
    desk.world.keep(me)
    if request.add_phone_privacy_exception and not desk.world.people.phone_visible(person, me):
        privacy.show_phone(desk, caller, me, person)
    return _updates(desk, me, [person])


async def delete_contacts(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    people = [desk.user(me, named) for named in request.id]
    removed = [person for person in people if me.contacts.pop(person.id, None) is not None]
    desk.world.keep(me)
    return _updates(desk, me, removed)


async def delete_by_phones(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    for phone in request.phones:
        person = desk.world.people.by_phone(phone)
        if person is not None:
            me.contacts.pop(person.id, None)
    desk.world.keep(me)
    return True


async def get_contacts(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    people = desk.world.people.by_id
    known = [types.Contact(each, mutual=me.id in people[each].contacts) for each in sorted(me.contacts)]
    return types.contacts.Contacts(known, len(known), desk.view.users(me, me.contacts))


async def get_statuses(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    people = desk.world.people.by_id
    return [types.ContactStatus(each, desk.view.status(people[each], me)) for each in sorted(me.contacts)]


async def resolve_phone(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    person = desk.world.people.by_phone(request.phone)
    if person is None or person.deleted or not findable_by(me, person, desk.world.people.in_chat):
        raise RpcError(400, "PHONE_NOT_OCCUPIED")
    return _resolved(desk, me, person)


async def resolve_username(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if not valid_username(request.username):
        raise RpcError(400, "USERNAME_INVALID")
    person = desk.world.people.by_username(request.username)
    chat = desk.world.chats.by_username(request.username)
    if person is None and chat is not None:
        return types.contacts.ResolvedPeer(peer_of(chat.id), desk.view.chats(me, [chat.id]), users=[])
    if person is None:
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    return _resolved(desk, me, person)


def _resolved(desk: Desk, me: Person, person: Person) -> Any:
    return types.contacts.ResolvedPeer(types.PeerUser(person.id), chats=[], users=desk.view.users(me, [person.id]))


async def search(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    query = request.q.strip()
    if not query:
        raise RpcError(400, "SEARCH_QUERY_EMPTY")
    limit = max(1, min(request.limit, SEARCH_LIMIT))
    mine, others = desk.world.people.search(me, query, limit)
    public = desk.world.chats.search(me.id, query, limit)
    return types.contacts.Found(
        my_results=[
            *(types.PeerUser(person.id) for person in mine),
            *(peer_of(chat.id) for chat in public if desk.world.chats.inside(chat, me.id)),
        ],
        results=[
            *(types.PeerUser(person.id) for person in others),
            *(peer_of(chat.id) for chat in public if not desk.world.chats.inside(chat, me.id)),
        ],
        chats=desk.view.chats(me, [chat.id for chat in public]),
        users=desk.view.users(me, [person.id for person in (*mine, *others)]),
    )


async def block(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _set_blocked(desk, caller, request, blocked=True)


async def unblock(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    return _set_blocked(desk, caller, request, blocked=False)


def _set_blocked(desk: Desk, caller: Caller, request: TLRequest, *, blocked: bool) -> bool:
    me = desk.me(caller)
    person = desk.peer(me, request.id)
    if person is me:
        raise RpcError(400, "CONTACT_ID_INVALID")
    desk.world.set_blocked(me, person, blocked=blocked, origin=desk.origin(caller))
    return True


async def get_blocked(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    newest_first = sorted(me.blocked.items(), key=lambda item: -item[1])
    offset, limit = max(0, request.offset), max(1, min(request.limit, BLOCKED_PAGE))
    page = newest_first[offset : offset + limit]
    listed = [types.PeerBlocked(types.PeerUser(person), since) for person, since in page]
    users = desk.view.users(me, [person for person, _ in page])
    if len(page) == len(newest_first):
        return types.contacts.Blocked(listed, [], users)
    return types.contacts.BlockedSlice(len(newest_first), listed, [], users)
