"""Contacts, and the account's own profile, privacy and logins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.errors import Conflict
from teleflow.model.account import Authorization, PrivacyKey, PrivacyRule, Rule, ShownRule
from teleflow.model.chats import Chat
from teleflow.model.media import FileRef
from teleflow.model.operations import people as ops
from teleflow.model.operations.chats import People
from teleflow.telegram import errors
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.chats import by_id, chat_from, person_from
from teleflow.telegram.convert.media import media_from
from teleflow.telegram.convert.peers import input_peer, input_user, known_from, marked
from teleflow.telegram.convert.plain import seconds, snake
from teleflow.telegram.methods.parcels import input_file
from teleflow.telegram.methods.rooms import SO_ALREADY, by_lost_try
from teleflow.telegram.mtproto.requests import RpcFault

# -- contacts ---------------------------------------------------------------------------------------------


async def import_contacts(invoke: Invoke, operation: ops.ImportContacts) -> ops.Imported:
    contacts = [
        tl.InputPhoneContact(number, one.phone, one.first_name, one.last_name)
        for number, one in enumerate(operation.contacts)
    ]
    answer = await invoke(f.contacts.ImportContactsRequest(contacts))
    users = {user.id: user for user in answer.users if isinstance(user, tl.User)}
    found = {one.client_id: users[one.user_id] for one in answer.imported if one.user_id in users}
    people = tuple(person_from(found[number]) if number in found else None for number in range(len(contacts)))
    return ops.Imported(people, frozenset(answer.retry_contacts), known_from(users.values()))


async def add_contact(invoke: Invoke, operation: ops.AddContact) -> People:
    request = f.contacts.AddContactRequest(
        id=input_user(operation.peer),
        first_name=operation.first_name,
        last_name=operation.last_name,
        phone=operation.phone,
        add_phone_privacy_exception=operation.share_phone or None,
    )
    answer = await invoke(request)
    users = [user for user in answer.users if isinstance(user, tl.User)]
    them = [user for user in users if user.id == operation.peer.id]
    if not them:
        raise errors.unreadable()
    return People((person_from(them[0]),), known_from(users))


async def delete_contacts(invoke: Invoke, operation: ops.DeleteContacts) -> None:
    await invoke(f.contacts.DeleteContactsRequest([input_user(peer) for peer in operation.peers]))


async def block(invoke: Invoke, operation: ops.Block) -> None:
    kind = f.contacts.BlockRequest if operation.blocked else f.contacts.UnblockRequest
    await invoke(kind(input_peer(operation.peer)))


async def list_blocked(invoke: Invoke, operation: ops.ListBlocked) -> ops.Blocked:
    answer = await invoke(f.contacts.GetBlockedRequest(operation.offset, operation.limit))
    everybody = by_id(answer.users, answer.chats)
    found = [(marked(one.peer_id), seconds(one.date) or 0) for one in answer.blocked]
    chats = tuple((chat_from(everybody[id_]), date) for id_, date in found if id_ in everybody)
    total = getattr(answer, "count", len(found))
    return ops.Blocked(chats, total, known_from(answer.users, answer.chats))


async def search_people(invoke: Invoke, operation: ops.SearchPeople) -> ops.FoundChats:
    answer = await invoke(f.contacts.SearchRequest(operation.query, operation.limit))
    everybody = by_id(answer.users, answer.chats)

    def chats(peers: Iterable[Any]) -> tuple[Chat, ...]:
        return tuple(chat_from(everybody[id_]) for id_ in map(marked, peers) if id_ in everybody)

    known = known_from(answer.users, answer.chats)
    return ops.FoundChats(chats(answer.my_results), chats(answer.results), known)


# -- the account's own ------------------------------------------------------------------------------------


async def update_profile(invoke: Invoke, operation: ops.UpdateProfile) -> People:
    request = f.account.UpdateProfileRequest(operation.first_name, operation.last_name, operation.about)
    return await _changed(invoke, request)


async def update_username(invoke: Invoke, operation: ops.UpdateUsername) -> People:
    return await _changed(invoke, f.account.UpdateUsernameRequest(operation.username))


async def _changed(invoke: Invoke, request: Any) -> People:
    try:
        return _oneself(await invoke(request))
    except RpcFault as fault:
        if not errors.name_of(fault).endswith(SO_ALREADY):
            raise
    users = await invoke(f.users.GetUsersRequest([tl.InputUserSelf()]))
    return _oneself(users[0] if users else None)


def _oneself(user: Any) -> People:
    if not isinstance(user, tl.User):
        raise errors.unreadable()
    return People((person_from(user),), known_from([user]))


async def get_photo(invoke: Invoke, _operation: ops.GetProfilePhoto) -> ops.ShownPhoto | None:
    photo = await _newest(invoke)
    return None if photo is None else ops.ShownPhoto(_file(photo), seconds(photo.date) or 0)


async def set_photo(invoke: Invoke, operation: ops.SetProfilePhoto) -> FileRef:
    answer = await invoke(f.photos.UploadProfilePhotoRequest(file=input_file(operation.upload)))
    return _file(answer.photo)


def _file(photo: Any) -> FileRef:
    told = media_from(tl.MessageMediaPhoto(photo=photo))
    if told is None or told.file is None:
        raise errors.unreadable()
    return told.file


async def _newest(invoke: Invoke) -> Any:
    """The account's `photo` that is shown, None without any."""
    shown = await invoke(f.photos.GetUserPhotosRequest(tl.InputUserSelf(), 0, 0, 1))
    return next((photo for photo in shown.photos if isinstance(photo, tl.Photo)), None)


async def delete_photo(invoke: Invoke, _operation: ops.DeleteProfilePhoto) -> bool:
    photo = await _newest(invoke)
    if photo is None:
        return False
    await invoke(f.photos.DeletePhotosRequest([tl.InputPhoto(photo.id, photo.access_hash, photo.file_reference)]))
    return True


async def get_privacy(invoke: Invoke, operation: ops.GetPrivacy) -> tuple[ShownRule, ...]:
    return _rules(await invoke(f.account.GetPrivacyRequest(_KEYS[operation.key]())))


async def set_privacy(invoke: Invoke, operation: ops.SetPrivacy) -> tuple[ShownRule, ...]:
    rules = [_input_rule(rule) for rule in operation.rules]
    return _rules(await invoke(f.account.SetPrivacyRequest(_KEYS[operation.key](), rules)))


_KEYS: dict[PrivacyKey, Any] = {
    PrivacyKey.STATUS_TIMESTAMP: tl.InputPrivacyKeyStatusTimestamp,
    PrivacyKey.CHAT_INVITE: tl.InputPrivacyKeyChatInvite,
    PrivacyKey.PHONE_CALL: tl.InputPrivacyKeyPhoneCall,
    PrivacyKey.PHONE_P2P: tl.InputPrivacyKeyPhoneP2P,
    PrivacyKey.FORWARDS: tl.InputPrivacyKeyForwards,
    PrivacyKey.PROFILE_PHOTO: tl.InputPrivacyKeyProfilePhoto,
    PrivacyKey.PHONE_NUMBER: tl.InputPrivacyKeyPhoneNumber,
    PrivacyKey.ADDED_BY_PHONE: tl.InputPrivacyKeyAddedByPhone,
    PrivacyKey.VOICE_MESSAGES: tl.InputPrivacyKeyVoiceMessages,
    PrivacyKey.ABOUT: tl.InputPrivacyKeyAbout,
    PrivacyKey.BIRTHDAY: tl.InputPrivacyKeyBirthday,
    PrivacyKey.STAR_GIFTS_AUTO_SAVE: tl.InputPrivacyKeyStarGiftsAutoSave,
    PrivacyKey.NO_PAID_MESSAGES: tl.InputPrivacyKeyNoPaidMessages,
}
_RULES: dict[PrivacyRule, Any] = {
    PrivacyRule.ALLOW_ALL: tl.InputPrivacyValueAllowAll,
    PrivacyRule.ALLOW_CONTACTS: tl.InputPrivacyValueAllowContacts,
    PrivacyRule.ALLOW_CLOSE_FRIENDS: tl.InputPrivacyValueAllowCloseFriends,
    PrivacyRule.ALLOW_PREMIUM: tl.InputPrivacyValueAllowPremium,
    PrivacyRule.ALLOW_BOTS: tl.InputPrivacyValueAllowBots,
    PrivacyRule.ALLOW_USERS: tl.InputPrivacyValueAllowUsers,
    PrivacyRule.ALLOW_CHATS: tl.InputPrivacyValueAllowChatParticipants,
    PrivacyRule.DISALLOW_ALL: tl.InputPrivacyValueDisallowAll,
    PrivacyRule.DISALLOW_CONTACTS: tl.InputPrivacyValueDisallowContacts,
    PrivacyRule.DISALLOW_BOTS: tl.InputPrivacyValueDisallowBots,
    PrivacyRule.DISALLOW_USERS: tl.InputPrivacyValueDisallowUsers,
    PrivacyRule.DISALLOW_CHATS: tl.InputPrivacyValueDisallowChatParticipants,
}


def _input_rule(rule: Rule) -> Any:
    kind = _RULES[rule.rule]
    if rule.rule.names_users:
        return kind([input_user(peer) for peer in rule.peers])
    if rule.rule.names_chats:
        return kind([peer.id for peer in rule.peers])
    return kind()


def _rules(answer: Any) -> tuple[ShownRule, ...]:
    return tuple(
        ShownRule(
            snake(type(rule).__name__.removeprefix("PrivacyValue")),
            tuple(getattr(rule, "users", ())),
            tuple(getattr(rule, "chats", ())),
        )
        for rule in answer.rules
    )


async def list_authorizations(invoke: Invoke, _operation: ops.ListAuthorizations) -> tuple[Authorization, ...]:
    answer = await invoke(f.account.GetAuthorizationsRequest())
    return tuple(
        Authorization(
            hash=one.hash,
            device=one.device_model,
            platform=one.platform,
            system=one.system_version,
            app=one.app_name,
            app_version=one.app_version,
            api_id=one.api_id,
            created_at=seconds(one.date_created) or 0,
            active_at=seconds(one.date_active) or 0,
            ip=one.ip,
            country=one.country,
            region=one.region,
            current=bool(one.current),
            official=bool(one.official_app),
            password_pending=bool(one.password_pending),
            unconfirmed=bool(one.unconfirmed),
        )
        for one in answer.authorizations
    )


async def end_authorization(invoke: Invoke, operation: ops.EndAuthorization) -> None:
    """Never this session's own: that is ended by logging it out, or the service would not know of it."""
    if operation.hash is None:
        await invoke(f.auth.ResetAuthorizationsRequest())
        return
    if operation.hash == 0:
        raise Conflict("This is the session's own login: log the session out", code="AUTHORIZATION_CURRENT")
    try:
        await invoke(f.account.ResetAuthorizationRequest(operation.hash))
    except RpcFault as fault:
        if not by_lost_try(fault, "HASH_INVALID"):
            raise


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    ops.AddContact: add_contact,
    ops.Block: block,
    ops.DeleteContacts: delete_contacts,
    ops.DeleteProfilePhoto: delete_photo,
    ops.EndAuthorization: end_authorization,
    ops.GetPrivacy: get_privacy,
    ops.GetProfilePhoto: get_photo,
    ops.ImportContacts: import_contacts,
    ops.ListAuthorizations: list_authorizations,
    ops.ListBlocked: list_blocked,
    ops.SearchPeople: search_people,
    ops.SetPrivacy: set_privacy,
    ops.SetProfilePhoto: set_photo,
    ops.UpdateProfile: update_profile,
    ops.UpdateUsername: update_username,
}
